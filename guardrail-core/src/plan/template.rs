//! Templates of the knowledge, with their holes filled by the words of a call.
//!
//! `{name}` is what was given for an operand or a flag, `{name?}` the same where it need not be there,
//! `{--flag}` a flag as it was given with all of its values (`{--name|-n}`: by either spelling),
//! `{*1}` what the first star of the rule's path stands for, `{captured}` or `{captured:a.0.b}` a piece of
//! what was captured.

use super::derive::BEFORE;
use crate::identify::Call;

/// A call, by which holes are filled.
#[derive(Clone, Copy)]
pub(super) struct Given<'g, 'a, 'k> {
    pub(super) call: &'g Call<'a, 'k>,
    /// Its words, the program first. All of them are known.
    pub(super) words: &'g [String],
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
            let Some((before, rest)) = word.split_once('{') else {
                filled.words.push(word);
                continue;
            };
            let (hole, behind) = rest.split_once('}')?;
            if let Some(path) = hole.strip_prefix("captured") {
                filled.captured = Some(pointer(path));
                filled.words.push(format!("{before}{{{{captured.{BEFORE}}}}}{behind}"));
                continue;
            }
            let whole = before.is_empty() && behind.is_empty();
            let (hole, needed) = hole.strip_suffix('?').map_or((hole, true), |hole| (hole, false));
            if let Some(star) = hole.strip_prefix('*') {
                let star = stars.get(star.parse::<usize>().ok()?.checked_sub(1)?)?;
                filled.words.push(format!("{before}{star}{behind}"));
            } else if hole.starts_with('-') {
                match self.spelled(hole) {
                    Some(flag) if whole => filled.words.extend(flag),
                    None if !needed => {}
                    _ => return None,
                }
            } else {
                self.facet(hole, before, behind, needed, &mut filled.words)?;
            }
        }
        self.carry(&mut filled.words);
        Some(filled)
    }

    /// The values of an operand or a flag, by its name.
    fn facet(
        &self,
        name: &str,
        before: &str,
        behind: &str,
        needed: bool,
        words: &mut Vec<String>,
    ) -> Option<()> {
        let values: Option<Vec<String>> = self
            .call
            .facet(name)
            .map(|word| Some(std::str::from_utf8(word.as_known()?).ok()?.to_owned()))
            .collect();
        let behind_flag = words.last().is_some_and(|last| last.starts_with('-') && last != "--");
        match (values?.as_slice(), before.is_empty() && behind.is_empty()) {
            // What was not given is left out, with the flag that would have taken it.
            ([], true) if behind_flag => {
                words.pop();
            }
            ([], _) if !needed => {}
            ([], _) => return None,
            (values, true) => {
                // What was an operand must not become a flag.
                let ended = behind_flag || words.iter().any(|word| word == "--");
                if !ended && values.iter().any(|value| value.starts_with('-')) {
                    return None;
                }
                words.extend(values.iter().cloned());
            }
            ([value], false) => words.push(format!("{before}{value}{behind}")),
            (_, false) => return None,
        }
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
        if !flag.contains('=') {
            let behind = self.words.get(place.checked_add(1)?..).unwrap_or_default();
            words.extend(behind.iter().take_while(|word| !word.starts_with('-')).cloned());
        }
        Some(words)
    }

    /// Gives a derived command of the same tool the name by which it was called, and the flags that say
    /// where it works.
    fn carry(&self, words: &mut Vec<String>) {
        let (Some(tool), Some(first)) = (self.call.tool, words.first_mut()) else { return };
        if !tool.tool.names.contains(first) {
            return;
        }
        if let Some(typed) = self.words.first() {
            first.clone_from(typed);
        }
        let mut carried = Vec::new();
        for used in &self.call.flags {
            let flag = used.flag;
            let named = |name: &String| *name == flag.facet || *name == flag.name;
            let there = |word: &String| word == &flag.name || word.trim_start_matches('-') == flag.facet;
            if !self.carries.iter().any(named) || words.iter().any(there) {
                continue;
            }
            match used.value.map(|value| value.as_known().and_then(|text| std::str::from_utf8(text).ok())) {
                None => carried.push(flag.name.clone()),
                Some(Some(value)) if flag.name.starts_with("--") || flag.name.len() > 2 => {
                    carried.push(format!("{}={value}", flag.name));
                }
                Some(Some(value)) => carried.extend([flag.name.clone(), value.to_owned()]),
                Some(None) => {}
            }
        }
        words.splice(1..1, carried);
    }
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
        assert_eq!(pointer(""), None);
    }
}
