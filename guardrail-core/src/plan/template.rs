//! Templates of the knowledge, with their holes filled by the words of a call.
//!
//! `{name}` is what was given for an operand or a flag, `{name.2}` the second of it, `{name?}` the same where
//! it need not be there, `{--flag}` a flag as it was given with all of its values (`{--name|-n}`: by either spelling),
//! `{words}` all words behind the program, `{name:key}` what stands before the `=` in it, `{swap:-A>-D}` all words behind the program, with one
//! of them another, `{*1}` what the first star of the rule's path stands for, `{captured}` or `{captured:a.0.b}` a piece of
//! what was captured.

use guardrail_schema::ValueKind;

use super::derive::BEFORE;
use crate::identify::Call;

/// A call, by which holes are filled.
#[derive(Clone, Copy)]
pub(super) struct Given<'g, 'a, 'k> {
    pub(super) call: &'g Call<'a, 'k>,
    /// Its words, the program first. All of them are known.
    pub(super) words: &'g [String],
    /// The name by which templates call its tool.
    pub(super) tool: &'g str,
    /// The flags that say where it works.
    pub(super) carries: &'g [String],
}

/// A template with its holes filled.
pub(super) struct Filled {
    pub(super) words: Vec<String>,
    /// Where in captured output the value of `{captured:...}` is, if the template has that.
    pub(super) captured: Option<Option<String>>,
}

impl Given<'_, '_, '_> {
    /// A rehearsal's form: flags are added to the words; anything else stands in their place.
    pub(super) fn rehearsal(&self, form: &str, stars: &[String]) -> Option<Vec<String>> {
        if !form.starts_with('-') {
            return self
                .fill(form, stars)
                .filter(|filled| filled.captured.is_none())
                .map(|filled| filled.words);
        }
        let end = self.words.iter().position(|word| word == "--").unwrap_or(self.words.len());
        let (before, behind) = self.words.split_at_checked(end)?;
        let flags = split(form)?;
        Some(before.iter().cloned().chain(flags).chain(behind.iter().cloned()).collect())
    }

    /// The words of a template; `None` where something that it needs was not given.
    pub(super) fn fill(&self, form: &str, stars: &[String]) -> Option<Filled> {
        let mut filled = Filled { words: Vec::new(), captured: None };
        for word in split(form)? {
            if let Some(hole) = whole_hole(&word) {
                self.hole(hole, stars, &mut filled)?;
                continue;
            }
            let mut text = String::with_capacity(word.len());
            let mut rest = word.as_str();
            while let Some((before, hole, behind)) = next_hole(rest) {
                text.push_str(before);
                let mut one = Filled { words: Vec::new(), captured: None };
                self.hole(hole, stars, &mut one)?;
                let [value] = one.words.as_slice() else { return None };
                text.push_str(value);
                filled.captured = one.captured.or(filled.captured);
                rest = behind;
            }
            text.push_str(rest);
            filled.words.push(text);
        }
        self.carry(&mut filled.words);
        Some(filled)
    }

    /// Adds what stands for a hole.
    fn hole(&self, hole: &str, stars: &[String], to: &mut Filled) -> Option<()> {
        if let Some(path) = hole.strip_prefix("captured") {
            to.captured = Some(pointer(path));
            to.words.push(format!("{{{{captured.{BEFORE}}}}}"));
            return Some(());
        }
        if hole == "words" {
            to.words.extend(self.words.get(1..)?.iter().cloned());
            return Some(());
        }
        if let Some(swap) = hole.strip_prefix("swap:") {
            to.words.extend(self.swapped(swap)?);
            return Some(());
        }
        let (hole, needed) = hole.strip_suffix('?').map_or((hole, true), |hole| (hole, false));
        if let Some(star) = hole.strip_prefix('*') {
            to.words.push(stars.get(star.parse::<usize>().ok()?.checked_sub(1)?)?.clone());
        } else if hole.starts_with('-') {
            match self.spelled(hole) {
                Some(flag) => to.words.extend(flag),
                None if !needed => {}
                None => return None,
            }
        } else {
            self.facet(hole, needed, &mut to.words)?;
        }
        Some(())
    }

    /// All words behind the program, one of them another: `-A>-D`, or `--add-*>--remove-*` for the
    /// beginning of a word. `None` where none is so, or more than one.
    fn swapped(&self, swap: &str) -> Option<Vec<String>> {
        let (from, to) = swap.split_once('>')?;
        let other = |word: &String| match (from.strip_suffix('*'), to.strip_suffix('*')) {
            (Some(from), Some(to)) => word.strip_prefix(from).map(|rest| format!("{to}{rest}")),
            _ => (word == from).then(|| to.to_owned()),
        };
        let behind = self.words.get(1..)?;
        if behind.iter().filter_map(other).count() != 1 {
            return None;
        }
        Some(behind.iter().map(|word| other(word).unwrap_or_else(|| word.clone())).collect())
    }

    /// The values of an operand or a flag, by its name; with `.2` behind it, the second one.
    fn facet(&self, name: &str, needed: bool, words: &mut Vec<String>) -> Option<()> {
        let (name, piece) = name.split_once(':').map_or((name, None), |(name, piece)| (name, Some(piece)));
        let numbered = name.rsplit_once('.').and_then(|(name, n)| Some((name, n.parse::<usize>().ok()?)));
        let (name, number) = numbered.map_or((name, None), |(name, n)| (name, Some(n)));
        let values: Option<Vec<String>> = self
            .call
            .facet(name)
            .map(|word| Some(std::str::from_utf8(word.as_known()?).ok()?.to_owned()))
            .collect();
        let mut values = values?;
        if let Some(number) = number {
            values = values.into_iter().skip(number.checked_sub(1)?).take(1).collect();
        }
        let behind_flag = words.last().is_some_and(|last| last.starts_with('-') && last != "--");
        if let Some(piece) = piece {
            let pieces = values.iter().map(|value| {
                let (key, value) = value.split_once('=')?;
                Some(if piece == "key" { key } else { value }.to_owned())
            });
            values = pieces.collect::<Option<_>>()?;
        }
        let operand = self.call.arguments.iter().any(|argument| argument.name == name);
        if operand && !values.is_empty() && self.unsure() {
            return None;
        }
        if values.is_empty() {
            // What was not given is left out, with the flag that would have taken it.
            if needed && behind_flag {
                words.pop();
            } else if needed {
                return None;
            }
            return Some(());
        }
        // What was an operand must not become a flag.
        let ended = behind_flag || words.iter().any(|word| word == "--");
        if !ended && values.iter().any(|value| value.starts_with('-')) {
            return None;
        }
        words.extend(values);
        Some(())
    }

    /// A flag by one of its spellings, with all that stands behind it up to the next flag; `None` where
    /// it was not given, or more than once.
    fn spelled(&self, spellings: &str) -> Option<Vec<String>> {
        let is = |word: &String, spelling: &str| {
            word == spelling || word.strip_prefix(spelling).is_some_and(|rest| rest.starts_with('='))
        };
        let here = |word: &String| spellings.split('|').any(|spelling| is(word, spelling));
        let mut places = self.words.iter().enumerate().filter(|(_, word)| here(word));
        let (place, flag) = places.next()?;
        if places.next().is_some() {
            return None;
        }
        let mut words = vec![flag.clone()];
        let most = match self.kind(flag) {
            _ if flag.contains('=') => 0,
            Some(ValueKind::None | ValueKind::Optional) => 0,
            Some(ValueKind::Required) => 1,
            _ => usize::MAX,
        };
        let behind = self.words.get(place.checked_add(1)?..).unwrap_or_default();
        words.extend(behind.iter().take_while(|word| !word.starts_with('-')).take(most).cloned());
        Some(words)
    }

    /// Whether a flag takes a value, if it is one that is known.
    fn kind(&self, flag: &str) -> Option<ValueKind> {
        let name = flag.split('=').next()?;
        let commands = [self.call.command, self.call.tool.and_then(|tool| tool.root())];
        commands.into_iter().flatten().find_map(|command| {
            let (_, place) = command.spellings.iter().find(|(spelling, _)| spelling == name)?;
            Some(command.flags.get(usize::from(*place))?.value)
        })
    }

    /// Whether a word may be the value of a flag that is not known, and so be no operand.
    fn unsure(&self) -> bool {
        let flags = self.words.iter().zip(self.words.iter().skip(1)).take_while(|(word, _)| *word != "--");
        flags
            .filter(|(word, next)| word.starts_with("--") && !word.contains('=') && !next.starts_with('-'))
            .any(|(word, _)| {
                let known = self.call.flags.iter().any(|used| used.flag.name == *word);
                !known && self.kind(word).is_none()
            })
    }

    /// Gives a derived command of the same tool the name by which it was called, and the flags that say
    /// where it works.
    fn carry(&self, words: &mut Vec<String>) {
        let (Some(tool), Some(first)) = (self.call.tool, words.first_mut()) else { return };
        if !tool.tool.names.contains(first) {
            return;
        }
        // Other programs may be described by the same file (`groupadd`, `groupdel`).
        if first == self.tool
            && let Some(typed) = self.words.first()
        {
            first.clone_from(typed);
        }
        let root = tool.root();
        let path = self.call.path.iter().map(|word| std::str::from_utf8(word).unwrap_or_default());
        let same = words.iter().skip(1).map(String::as_str).take(self.call.path.len()).eq(path);
        let (mut carried, mut behind) = (Vec::new(), Vec::new());
        for used in &self.call.flags {
            let flag = used.flag;
            let named = |name: &String| *name == flag.facet || *name == flag.name;
            let there = |word: &String| word == &flag.name || word.trim_start_matches('-') == flag.facet;
            if !self.carries.iter().any(named) || words.iter().any(there) {
                continue;
            }
            // A flag of the command itself may stand behind it alone.
            let of_tool = root.is_some_and(|root| root.spellings.iter().any(|(name, _)| *name == flag.name));
            let to = if of_tool { &mut carried } else { &mut behind };
            match used.value.map(|value| value.as_known().and_then(|text| std::str::from_utf8(text).ok())) {
                None => to.push(flag.name.clone()),
                Some(Some(value)) if flag.name.starts_with("--") || flag.name.len() > 2 => {
                    to.push(format!("{}={value}", flag.name));
                }
                Some(Some(value)) => to.extend([flag.name.clone(), value.to_owned()]),
                Some(None) => {}
            }
        }
        let at = if same { self.call.path.len().saturating_add(1) } else { words.len().min(2) };
        if words.len() >= at {
            words.splice(at..at, behind);
        }
        words.splice(1..1, carried);
    }
}

/// The next hole of a word: what stands before it, its name, and what stands behind it. `${x}`,
/// `{.x}` and `{{x}}` are other programs' templates.
fn next_hole(word: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = word.get(from..)?.find('{') {
        let at = from.checked_add(found)?;
        let (before, rest) = word.split_at_checked(at)?;
        if rest.starts_with("{{") {
            from = at.checked_add(rest.find("}}")?)?;
            continue;
        }
        let (hole, behind) = rest.get(1..)?.split_once('}')?;
        if before.ends_with('$') || hole.starts_with('.') {
            from = word.len().checked_sub(behind.len())?;
            continue;
        }
        return Some((before, hole, behind));
    }
    None
}

/// The name of the hole that is all of a word.
fn whole_hole(word: &str) -> Option<&str> {
    next_hole(word)
        .filter(|(before, _, behind)| before.is_empty() && behind.is_empty())
        .map(|(_, hole, _)| hole)
}

/// `:spec.replicas` as a JSON pointer; `None` where the whole text is meant.
fn pointer(path: &str) -> Option<String> {
    let path = path.strip_prefix(':').filter(|path| *path != "text")?;
    Some(path.split('.').map(|part| format!("/{part}")).collect())
}

/// The words of a template: blanks part them, single quotes keep them together.
fn split(form: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in form.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_split_as_they_are_meant() {
        assert_eq!(split("stat -c '%s %n' {file}").unwrap(), ["stat", "-c", "%s %n", "{file}"]);
        assert_eq!(split("a ''").unwrap(), ["a", ""]);
        assert_eq!(split("a 'b"), None);
        assert_eq!(pointer(":0.revision").as_deref(), Some("/0/revision"));
        assert_eq!(pointer(":text"), None);
        assert_eq!(next_hole("${Version}={x}!"), Some(("${Version}=", "x", "!")));
        assert_eq!(next_hole("{{.Id}}"), None);
        assert_eq!(whole_hole("{x?}"), Some("x?"));
        assert_eq!(pointer(""), None);
    }
}
