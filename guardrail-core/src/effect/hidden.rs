//! Secrets that a path names without spelling them: through what a glob found earlier, around a
//! piece that cannot be known, by a link of the system's.

use crate::effect::View;
use crate::effect::names::Names;
use crate::effect::place::{Components, Root, locate_written};
use crate::lower::{Lead, Origin, Value, Word};
use crate::shell::Span;

/// Stands for a component of which nothing is known: no file has this name.
const HOLE: &[u8] = b"\0";

/// How many of the globs that flowed into a word are looked at: beyond, it may be anything.
const MOST: usize = 256;

/// How many of them are put together in pairs: of more, some pair may be a secret's.
const FEW: usize = 45;

/// How many are looked at in one evaluation.
const MOST_LOOKS: u32 = 1 << 14;

/// Whether the path in `word`, seen from `directory`, may be a secret's although nothing that is
/// written in it says so.
pub(super) fn is_secret(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> bool {
    (is_open(word) && locate_written(directory, &Word::known(b"", word.span), view).secret)
        || climbs_to_secret(word, view)
        || below_another_root(word, view)
        || around_holes(word, directory, view)
        || holed(word, directory, view)
        || found(word, directory, view)
        || found_below(word, directory, view)
}

/// A word of which nothing is known: standing among secrets, it may be any of them.
fn is_open(word: &Word<'_>) -> bool {
    matches!(word.value, Value::Unknown) && word.pattern.is_none() && !word.from.is_empty()
}

/// `/var/run/../etc/shadow`: where a link leads up to is not where the text leads up to, so what
/// follows is taken from the root as well.
fn climbs_to_secret(word: &Word<'_>, view: &View<'_>) -> bool {
    let text = word.pattern.unwrap_or(match word.value {
        Value::Known(text) => text,
        Value::Partial { prefix, suffix } => {
            if prefix.is_empty() {
                suffix
            } else {
                prefix
            }
        }
        Value::Unknown => return false,
    });
    let Some(at) = text.windows(3).rposition(|three| three == b"../") else { return false };
    let mut path = Components::new(Root::Absolute);
    path.push(text.get(at + 3..).unwrap_or_default());
    let process = text.starts_with(b"/proc/") || text.starts_with(b"/dev/fd/");
    (process && matches!(path.as_slice(), [.., b"environ" | b"mem"]))
        || Names::of(&path, view, word.pattern.is_some()).secret
}

/// `web:/etc/shadow`, `web/etc/shadow`, `etc/shadow`: a file of the system of a container, another
/// machine or an archive.
fn below_another_root(word: &Word<'_>, view: &View<'_>) -> bool {
    let Some(text) = word.as_known().filter(|text| text.first() != Some(&b'/')) else { return false };
    let names_secret = |path: &[u8]| {
        let mut root = Components::new(Root::Absolute);
        root.push(path);
        Names::of(&root, view, false).secret
    };
    let colon = text.iter().position(|byte| *byte == b':');
    if colon
        .and_then(|at| text.get(at + 1..))
        .is_some_and(|path| path.starts_with(b"/") && names_secret(path))
    {
        return true;
    }
    let etc = text.windows(4).rposition(|part| part == b"etc/");
    let starts = |at: usize| at == 0 || text.get(at - 1) == Some(&b'/');
    let shadow = text.ends_with(b"shadow") || text.ends_with(b"shadow-");
    shadow && etc.filter(|at| starts(*at)).and_then(|at| text.get(at..)).is_some_and(names_secret)
}

/// `/proc/$$/root/etc/shadow`: whole components that cannot be known, with what stands around them.
fn around_holes(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> bool {
    let holed = |word: &Word<'_>| matches!(word.value, Value::Partial { prefix, .. } if word.lead == Lead::Text && word.pattern.is_none() && prefix.ends_with(b"/"));
    let absolute = word.lead != Lead::Text || word.pattern.unwrap_or(word.prefix()).first() == Some(&b'/');
    let within = !absolute && holed(directory);
    if !within && !holed(word) {
        return false;
    }
    let mut path = Components::new(Root::Relative);
    if within {
        add_around(&mut path, directory);
    }
    add_around(&mut path, word);
    path.through_proc(view);
    Names::of(&path, view, word.pattern.is_some()).secret
}

/// `/etc/sha$x`: what cannot be known may be all that a glob would find in its place.
fn holed(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> bool {
    let Value::Partial { prefix, suffix } = word.value else { return false };
    let absolute = |text: &[u8]| text.first() == Some(&b'/');
    let placed = absolute(prefix) || (!prefix.is_empty() && absolute(directory.prefix()));
    let plain = word.lead == Lead::Text && word.pattern.is_none() && placed;
    plain && pattern_is_secret(Lead::Text, &[prefix, b"*", suffix].concat(), directory, view)
}

fn add_around<'p>(path: &mut Components<'p>, word: &Word<'p>) {
    if word.prefix().first() == Some(&b'/') {
        *path = Components::new(Root::Absolute);
    }
    match (word.pattern, word.value) {
        (Some(pattern), _) => path.push(pattern),
        (None, Value::Known(text)) => path.push(text),
        (None, Value::Partial { prefix, suffix }) => {
            path.push(prefix);
            // What is only a part of a component says nothing about the whole.
            if suffix.is_empty() || suffix.starts_with(b"/") {
                path.push(HOLE);
                path.push(suffix);
            }
        }
        (None, Value::Unknown) => path.push(HOLE),
    }
}

/// What a glob found, alone and with what was put around it: `for d in ~/.s*; do cat $d/id_rsa`.
fn found(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> bool {
    !may_look(word, view)
        || too_many(word)
        || too_many_pairs(word)
        || globs(word).any(|(lead, pattern)| {
            let names = |text: &[u8]| {
                pattern_is_secret(lead, text, directory, view) || walks_secrets(lead, text, directory, view)
            };
            names(pattern)
                || match word.value {
                    Value::Partial { prefix, suffix } if !(prefix.is_empty() && suffix.is_empty()) => {
                        let behind = [pattern, suffix].concat();
                        // What it was found as begins with the prefix, unless that was put in front.
                        names(&behind) || (!pattern.starts_with(prefix) && names(&[prefix, &behind].concat()))
                    }
                    _ => false,
                }
        })
        || pairs(word).any(|(lead, path)| pattern_is_secret(lead, &path, directory, view))
}

/// What two globs found, one below the other: `for d in /e?c; do for f in s?adow; do cat $d/$f`.
fn pairs<'w>(word: &'w Word<'_>) -> impl Iterator<Item = (Lead, Vec<u8>)> + 'w {
    let several = globs(word).nth(1).is_some();
    let above = globs(word).take(if several { FEW } else { 0 });
    above.flat_map(move |(lead, above)| {
        let relative = |(lead, below): &(Lead, &[u8])| *lead == Lead::Text && below.first() != Some(&b'/');
        globs(word).take(FEW).filter(relative).flat_map(move |(_, below)| {
            let root = [&b"/"[..], above, b"/", below].concat();
            [(lead, [above, b"/", below].concat()), (Lead::Text, root)]
        })
    })
}

/// A path in a directory that a glob found: `cd ~/.s*; cat *`.
fn found_below(word: &Word<'_>, directory: &Word<'_>, view: &View<'_>) -> bool {
    if word.lead != Lead::Text || directory.from.is_empty() {
        return false;
    }
    let text = match (word.pattern, word.value) {
        (Some(pattern), _) => pattern,
        (None, Value::Known(text)) => text,
        (None, Value::Partial { suffix, .. }) => suffix,
        (None, Value::Unknown) => b"",
    };
    if text.first() == Some(&b'/') {
        return false;
    }
    let here = Word::known(b"", word.span);
    !may_look(directory, view)
        || too_many(directory)
        || globs(directory)
            .any(|(lead, pattern)| pattern_is_secret(lead, &[pattern, b"/", text].concat(), &here, view))
}

/// Counts names that are about to be looked at; whether that is still within bounds.
fn may_look(word: &Word<'_>, view: &View<'_>) -> bool {
    let Some(looks) = view.looks else { return true };
    let count = globs(word).count() as u32;
    // Each of them alone, and all of them in pairs.
    let few = count.min(FEW as u32);
    let pairs = if count > 1 { few * few } else { 0 };
    looks.set(looks.get().saturating_add(count + 2 * pairs));
    count == 0 || looks.get() <= MOST_LOOKS
}

fn globs<'w>(word: &'w Word<'_>) -> impl Iterator<Item = (Lead, &'w [u8])> {
    let files = word.from.iter().filter_map(|origin| match origin {
        Origin::Files(lead, patterns) => Some((*lead, *patterns)),
        _ => None,
    });
    let each = |(lead, patterns): (Lead, &'w [u8])| {
        patterns.split(|byte| *byte == b'\n').map(move |pattern| (lead, pattern))
    };
    files.flat_map(each).filter(|(_, pattern)| !pattern.is_empty()).take(MOST)
}

/// Whether there are more of them than anybody looks at.
fn too_many(word: &Word<'_>) -> bool {
    !word.from.is_empty() && globs(word).count() >= MOST
}

/// Whether more of them may meet in a word than are put together in pairs. What is one list of
/// constants is one piece.
fn too_many_pairs(word: &Word<'_>) -> bool {
    let lists = word.from.iter().filter(|origin| matches!(origin, Origin::Files(..)));
    !word.from.is_empty() && lists.take(2).count() > 1 && globs(word).count() > FEW
}

/// All that is below a home, or below a directory of the system's that holds secrets.
fn walks_secrets(lead: Lead, pattern: &[u8], directory: &Word<'_>, view: &View<'_>) -> bool {
    let Some(above) = pattern.strip_suffix(b"/**") else { return false };
    let value = match lead {
        Lead::Text if above.is_empty() => Value::Known(&b"/"[..]),
        Lead::Text => Value::Known(above),
        _ => Value::Partial { prefix: b"", suffix: above },
    };
    locate_written(&Word { value, lead, ..Word::unknown(Span::default()) }, directory, view).hoard
}

fn pattern_is_secret(lead: Lead, pattern: &[u8], directory: &Word<'_>, view: &View<'_>) -> bool {
    let mut path = Components::new(match lead {
        Lead::Home => Root::Home,
        Lead::OtherHome => Root::OtherHome,
        Lead::Text if pattern.first() == Some(&b'/') => Root::Absolute,
        Lead::Text | Lead::WorkingDirectory => Root::Relative,
    });
    if path.root == Root::Relative {
        if let Some(cwd) = view.cwd {
            path = Components::new(Root::Absolute);
            path.push(cwd);
        }
        add_around(&mut path, directory);
    }
    path.push(pattern);
    path.through_proc(view);
    if Names::of(&path, view, true).secret {
        return true;
    }
    // Up from where nobody knows: it may be the root that it comes to.
    path.climbs() && {
        let mut root = Components::new(Root::Absolute);
        path.as_slice().iter().for_each(|part| root.push(part));
        Names::of(&root, view, true).secret
    }
}
