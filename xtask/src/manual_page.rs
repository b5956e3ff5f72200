//! A manual page: where it lies, what it looks like printed, which flags it lists, and which of them take
//! a value.
//!
//! Pages are read as `man` prints them and not from their source: man, mdoc, and what other languages
//! are made into all look alike there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use guardrail_schema::Grammar;

use crate::manual_value::{self, Takes, UNDERLINED};
use crate::{Outcome, listing};

/// The endings of the pages of programs, the likeliest first.
const ENDINGS: [&str; 5] = ["1", "8", "1p", "1ssl", "6"];
/// So wide that hardly a line is broken.
const WIDTH: &str = "400";
/// Sections in which a dash at the beginning of a line names no flag of the tool.
const ELSEWHERE: [&str; 13] = [
    "AUTHOR",
    "BUGS",
    "CAVEATS",
    "COPYRIGHT",
    "DIAGNOSTICS",
    "ENVIRONMENT",
    "EXAMPLE",
    "EXIT",
    "FILES",
    "HISTORY",
    "REPORTING",
    "SEE ALSO",
    "STANDARDS",
];

/// The page of `name`: in `pages` (what packages were unpacked into, or a folder of `man1`, `man8`),
/// or where `man` finds it.
///
/// # Errors
///
/// Where there is none.
pub fn find(name: &str, pages: Option<&Path>) -> Outcome<PathBuf> {
    let Some(pages) = pages else {
        let text = listing::printed("man", &["-w".to_owned(), name.to_owned()])?;
        let path = text.lines().map(PathBuf::from).find(|path| path.is_file());
        return path.ok_or_else(|| format!("{name}: `man -w` finds no page"));
    };
    let root = root_of(pages);
    let folders = ENDINGS.iter().map(|ending| (root.join(format!("man{}", first(ending))), ending));
    folders
        .flat_map(|(folder, ending)| {
            ["", ".gz"].map(|packed| folder.join(format!("{name}.{ending}{packed}")))
        })
        .find(|path| path.exists())
        .ok_or_else(|| format!("{name}: no page in {}", root.display()))
}

/// The name that a page is of: `cp` for `man1/cp.1.gz`.
#[must_use]
pub fn name_of(page: &Path) -> String {
    let file = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = file.strip_suffix(".gz").unwrap_or(&file);
    file.rsplit_once('.').map_or(file, |(name, _)| name).to_owned()
}

/// What `man` prints of the page, without bold letters, and with a mark for the lines below words.
///
/// # Errors
///
/// Where `man` cannot be run, or prints nothing.
pub fn printed(page: &Path) -> Outcome<String> {
    let page = std::path::absolute(page).map_err(|error| format!("{}: {error}", page.display()))?;
    let mut man = Command::new("man");
    man.arg("-l")
        .arg(&page)
        .env("MANWIDTH", WIDTH)
        .env("MANOPT", "--nh --nj")
        .env("MAN_KEEP_FORMATTING", "1");
    // A page that is only `.so man1/other.1` is found from the folder above.
    if let Some(root) = page.parent().and_then(Path::parent).filter(|root| root.is_dir()) {
        man.current_dir(root);
    }
    let text = plain(&listing::answer(man, "man")?);
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    if lines > 3 { Ok(text) } else { Err(format!("{}: `man -l` prints nothing", page.display())) }
}

/// The flags that a printed page lists, each by its spelling without a value, and whether it takes one:
/// where it begins a line as a term, and in the synopsis. With the grammar `key-value`, also what is written
/// `key=value` (dd).
#[must_use]
pub fn flags(text: &str, grammar: Grammar) -> BTreeMap<String, Takes> {
    let (mut found, mut brief) = (BTreeMap::new(), BTreeMap::new());
    let mut clusters = BTreeSet::new();
    let keys = grammar == Grammar::KeyValue;
    let words = matches!(grammar, Grammar::SingleDash | Grammar::Find | Grammar::Windows);
    let mut section = String::new();
    // Terms one below the other, without a text between them.
    let mut pile = Vec::new();
    // What stands above: nothing, a term, or a text, and how far it is indented.
    let (mut blank, mut term_above, mut above) = (true, false, 0);
    for line in text.lines() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        // Pages made from DocBook write each flag behind a bullet.
        let body = unmarked(body);
        if body.is_empty() {
            blank = true;
            continue;
        }
        if indent == 0 {
            section = body.trim_start_matches(UNDERLINED).to_ascii_uppercase();
            settle(&mut found, &mut pile);
            (blank, term_above, above) = (true, false, 0);
            continue;
        }
        // A text that is broken before a dash goes on as far right as the line above.
        let begins = blank || indent < above || above < 5 || (term_above && indent == above);
        let counts = !ELSEWHERE.iter().any(|elsewhere| section.starts_with(elsewhere));
        if section.starts_with("SYNOPSIS") {
            for (name, takes, alone) in synopsis(body) {
                if alone {
                    clusters.insert(name);
                } else {
                    note(&mut brief, name, takes);
                }
            }
        } else if counts && begins && body.starts_with('-') {
            if blank {
                settle(&mut found, &mut pile);
            }
            pile.extend(spellings(body));
            // A text stands behind the term.
            if body.trim_end().contains("  ") {
                settle(&mut found, &mut pile);
            }
            (blank, term_above, above) = (false, true, indent);
            continue;
        } else if counts && begins && keys {
            found.extend(key(body).map(|name| (name, Takes::Value)));
        }
        settle(&mut found, &mut pile);
        (blank, term_above, above) = (false, body.starts_with('-') && begins, indent);
    }
    settle(&mut found, &mut pile);
    // `[-abc]` is three flags, unless it is explained as one.
    for cluster in clusters {
        let letters: Vec<String> =
            cluster.chars().skip(1).filter_map(|letter| clean(&format!("-{letter}"))).collect();
        // Capitals alone stand for a number or a name: `[-WIDTH]`.
        let named = cluster.len() > 3 && cluster.chars().skip(1).all(|letter| letter.is_ascii_uppercase());
        let whole = words || letters.len() < 2 || named || found.contains_key(&cluster);
        for name in if whole { vec![cluster] } else { letters } {
            note(&mut brief, name, Takes::Nothing);
        }
    }
    for (name, takes) in brief {
        let both = found.get(&name).map_or(takes, |listed| listed.beside(takes));
        found.insert(name, both);
    }
    found
}

/// Puts terms one below the other to the flags that were found. Of `-f` in the line above that of
/// `--file=FILE`, only the latter shows the value.
fn settle(found: &mut BTreeMap<String, Takes>, pile: &mut Vec<(String, Takes)>) {
    let value = pile.iter().any(|(_, takes)| *takes != Takes::Nothing);
    for (name, takes) in pile.drain(..) {
        note(found, name, if value && takes == Takes::Nothing { Takes::Untold } else { takes });
    }
}

/// Puts a flag to those that were found, once more or for the first time.
fn note(found: &mut BTreeMap<String, Takes>, name: String, takes: Takes) {
    let both = found.get(&name).map_or(takes, |before| before.and(takes));
    found.insert(name, both);
}

/// The term behind the bullet of a list: `• --all`, or `o  --all` where there are only plain letters.
fn unmarked(body: &str) -> &str {
    let item =
        body.strip_prefix(['•', '·', '*', '+', 'o']).filter(|rest| rest.starts_with(char::is_whitespace));
    item.map(str::trim_start).filter(|rest| rest.starts_with('-')).unwrap_or(body)
}

/// The spellings in a term, and what they take: `-a, --all[=WHEN]`, `-e script or --expression=script`.
fn spellings(term: &str) -> Vec<(String, Takes)> {
    let mut found = Vec::new();
    let mut rest = Some(term);
    while let Some(text) = rest {
        let (names, tail) = flag(text);
        if names.is_empty() {
            break;
        }
        rest = next(tail);
        let own = tail.get(..tail.len() - rest.map_or(0, str::len)).unwrap_or(tail);
        found.extend(names.into_iter().map(|name| {
            let takes = manual_value::shown(&name, own);
            (name, takes)
        }));
    }
    manual_value::together(found)
}

/// The flag that `text` begins with, in all the spellings that brackets make of it, and what is behind it.
fn flag(text: &str) -> (Vec<String>, &str) {
    let split = |text: &str, at: usize| (text.get(..at).unwrap_or_default().to_owned(), at);
    let end = |text: &str| text.find(|c: char| !belongs(c)).unwrap_or(text.len());
    let (word, at) = split(text, end(text));
    let tail = text.get(at..).unwrap_or_default();
    for no in ["[no-]", "[no]", "{no-}", "(no-)", "[un]"] {
        if let Some(behind) = tail.strip_prefix(no) {
            let (name, at) = split(behind, end(behind));
            let no = no.get(1..no.len() - 1).unwrap_or_default();
            let both = [format!("{word}{name}"), format!("{word}{no}{name}")];
            let names = both.iter().filter_map(|name| clean(name)).collect();
            return (names, behind.get(at..).unwrap_or_default());
        }
    }
    (clean(&word).into_iter().collect(), tail)
}

/// What stands behind a value and a separator, where that is another spelling of the same flag.
fn next(tail: &str) -> Option<&str> {
    for (at, _) in tail.match_indices('-') {
        let (between, rest) = (tail.get(..at)?, tail.get(at..)?);
        if !between.ends_with([' ', ',', '|', '/', '(', '[']) {
            continue;
        }
        let between = between.trim_end_matches(['(', '[']);
        // Behind two blanks begins the text, unless a spelling stands there.
        if between.trim_end().contains("  ") || between.contains(". ") {
            return None;
        }
        let separated = between.trim_end().ends_with([',', '|', '/'])
            || between.split_whitespace().last().is_some_and(|word| word == "or" || word == "and");
        let words = between.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
        return (words <= if separated { 4 } else { 1 }).then_some(rest);
    }
    None
}

/// The flags in a line of the synopsis, whatever begins with a dash, what they take, and whether each stands
/// alone between brackets behind one dash.
fn synopsis(line: &str) -> Vec<(String, Takes, bool)> {
    let mut found: Vec<(String, Takes, bool)> = Vec::new();
    let (mut before, mut inside) = (' ', 0_usize);
    // Of `[-f | --file FILE]` only the last one shows the value.
    let mut or = None;
    for (at, letter) in line.char_indices() {
        if letter == '-' && " [(|{,".contains(before) {
            let (names, tail) = flag(line.get(at..).unwrap_or_default());
            let alone = before == '[' && tail.starts_with(']');
            let (own, ends) = argument(tail);
            // What a synopsis calls the flags as a whole.
            let named = ["-option", "-options", "-flags", "-opts"];
            let names = names.into_iter().filter(|name| !named.contains(&name.to_ascii_lowercase().as_str()));
            for name in names {
                let takes = match manual_value::shown(&name, own) {
                    // Between brackets a word belongs to the flag, outside of them it may be an operand.
                    Takes::Value | Takes::Untold if own.starts_with(' ') && inside == 0 => Takes::Untold,
                    Takes::Untold if own.starts_with(' ') && !own.trim_start().starts_with('[') => {
                        Takes::Value
                    }
                    takes => takes,
                };
                if let Some((_, above, _)) = or.take().and_then(|place: usize| found.get_mut(place))
                    && takes != Takes::Nothing
                {
                    *above = Takes::Untold;
                }
                if ends == Some('|') && takes == Takes::Nothing {
                    or = Some(found.len());
                }
                found.push((name.clone(), takes, alone && !name.starts_with("--")));
            }
        }
        match letter {
            '[' | '{' => inside += 1,
            ']' | '}' => inside = inside.saturating_sub(1),
            _ => {}
        }
        before = letter;
    }
    found
}

/// What stands behind a flag of a synopsis up to the next one or the end of its brackets, and what ends it.
fn argument(tail: &str) -> (&str, Option<char>) {
    let (mut inside, mut before) = (0_usize, 'x');
    for (at, letter) in tail.char_indices() {
        let ends = match letter {
            '|' => inside == 0,
            '-' => " [(|{,".contains(before),
            ']' | '}' => inside == 0,
            _ => false,
        };
        if ends {
            return (tail.get(..at).unwrap_or(tail).trim_end_matches(['[', '(', '{', '|']), Some(letter));
        }
        match letter {
            '[' | '{' => inside += 1,
            ']' | '}' => inside -= 1,
            _ => {}
        }
        before = letter;
    }
    (tail, None)
}

/// `bs` of the term `bs=BYTES`.
fn key(term: &str) -> Option<String> {
    let (name, _) = term.trim_start_matches(UNDERLINED).split_once('=')?;
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    named.then(|| name.to_owned())
}

/// The spelling without what ends a sentence, where it is one of a flag.
fn clean(word: &str) -> Option<String> {
    let short = word.chars().count() <= 2;
    let word = if short { word } else { word.trim_end_matches([':', '.', '!', '*', '#']) };
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    let first = name.chars().next()?;
    let named = first.is_ascii_alphanumeric()
        || (word.len() == 2 && first.is_ascii_punctuation() && first != '-')
        || (!word.starts_with("--") && "@?#".contains(first));
    (named && !name.ends_with('-')).then(|| word.to_owned())
}

fn belongs(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-_.+?@#%!:~*$^".contains(letter)
}

/// The text without letters printed over each other, with one kind of dash, and with a mark before each
/// word with a line below it, unless that is a flag or a part of one.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut below, mut within, mut over) = (false, false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\u{8}' {
            out.pop();
            over = true;
            continue;
        }
        if letter == '_' && letters.next_if_eq(&'\u{8}').is_some() {
            // A line below a line is a bold one, or goes on as what stands before it.
            below = letters.peek() != Some(&'_') || within;
            continue;
        }
        let dash = matches!(letter, '-' | '\u{2010}' | '\u{2011}' | '\u{2212}');
        if !over {
            if below && !within && !dash && !out.ends_with('-') {
                out.push(UNDERLINED);
            }
            within = below;
        }
        (below, over) = (false, false);
        match letter {
            _ if dash => out.push('-'),
            '\t' => out.push_str("        "),
            letter => out.push(letter),
        }
    }
    out
}

/// The folder with `man1` in it.
pub(crate) fn root_of(pages: &Path) -> PathBuf {
    ["usr/share/man", "share/man", "man"]
        .iter()
        .map(|inner| pages.join(inner))
        .find(|inner| inner.is_dir())
        .unwrap_or_else(|| pages.to_owned())
}

fn first(ending: &str) -> &str {
    ending.get(..1).unwrap_or(ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        flags(&plain(text), Grammar::Getopt).into_keys().collect()
    }

    fn told(text: &str) -> String {
        let found = flags(&plain(text), Grammar::Getopt);
        let list: Vec<String> = found.iter().map(|(name, takes)| format!("{name} {takes:?}")).collect();
        list.join(", ")
    }

    #[test]
    fn a_flag_behind_a_bullet_is_a_flag() {
        let page =
            "OPTIONS\n       •   --help, -?\n\n           Displays it.\n\n       o   --raw\n\n       o -n\n";
        assert_eq!(read(page), ["--help", "--raw", "-?", "-n"]);
    }

    #[test]
    fn a_page_of_gnu() {
        let text = "LS(1)      User Commands     LS(1)\n\nSYNOPSIS\n       ls [OPTION]... [FILE]...\n\nDESCRIPTION\n\
                    \x20      List.  Sort by default, see\n       --sort and so on.\n\n       -a, --all\n              do not ignore \
                    entries, also with -x\n\n       --color[=WHEN]\n              color; see -y\n\n       -I, --ignore=PATTERN\n\
                    \x20             text\n\n       -1     list one file per line, as -z\n\n       -[no]way\n\nEXAMPLES\n\n       \
                    -q     is none\n";
        assert_eq!(read(text), ["--all", "--color", "--ignore", "-1", "-I", "-a", "-noway", "-way"]);
    }

    #[test]
    fn a_page_of_bsd() {
        let text = "SYNOPSIS\n     ls [-@AB1] [-WIDTH] [--color=when] [-D format] [file ...]\n\nDESCRIPTION\n     The following options:\n\n     \
                    -A      Include entries, but not -k\n             and not more.\n     -D format\n             When \
                    printing.\n     -b blocksize, --block-size blocksize\n             Size.\n";
        let words = flags("SYNOPSIS\n     x [-ext]\n", Grammar::SingleDash);
        assert_eq!(words.into_keys().collect::<Vec<_>>(), ["-ext"]);
        assert_eq!(read(text), ["--block-size", "--color", "-1", "-@", "-A", "-B", "-D", "-WIDTH", "-b"]);
    }

    fn names(term: &str) -> Vec<String> {
        spellings(term).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn values_in_the_list_and_in_the_synopsis() {
        assert_eq!(
            told(
                "SYNOPSIS\n     x [-ab] [-f _\u{8}f] [-q | --quiet LEVEL] [-s] [-t] -k word\n\nOPTIONS\n     -a\n\n     -f   \
                  \x20 It.\n\n     -s _\u{8}s_\u{8}i\n     --size\n\n     -t\n     --to=WHERE\n             Both.\n"
            ),
            "--quiet Value, --size Untold, --to Value, -a Nothing, -b Nothing, -f Untold, -k Untold, -q Untold, \
             -s Value, -t Nothing"
        );
        assert_eq!(told("OPTIONS\n     -b_\u{8}n or --buffers=_\u{8}n\n"), "--buffers Value, -b Value");
        assert_eq!(
            told("SYNOPSIS\n     x [-e[size]] [-[no]v] [-d [-w n]] [-i -o] {-c|-t} [x]\n"),
            "-c Nothing, -d Nothing, -e Attached, -i Nothing, -n Nothing, -o Nothing, -t Nothing, -v Nothing, \
             -w Value"
        );
    }

    #[test]
    fn other_ways_to_write_a_term() {
        assert_eq!(names("-e script  --expression=script"), ["-e", "--expression"]);
        assert_eq!(names("-bn or --buffers=n"), ["-bn", "--buffers"]);
        assert_eq!(names("--[no-]pager | -P"), ["--pager", "--no-pager", "-P"]);
        assert_eq!(names("-x TAG      (-exclude)           Exclude -tag"), ["-x", "-exclude"]);
        assert_eq!(names("-s     No signals, -v is more."), ["-s"]);
        assert_eq!(names("-?, -h/--help:"), ["-?", "-h", "--help"]);
        assert_eq!(names("-1 (the digit one)"), ["-1"]);
        assert_eq!(names("-# or -T#, --fast[=#]"), ["-#", "-T", "--fast"]);
        assert_eq!(names("-f FILE, --file FILE, --output=FILE"), ["-f", "--file", "--output"]);
        assert_eq!(
            read("OPTIONS\n       o   -c, --stdout: write\n       o   of this -k\n"),
            ["--stdout", "-c"]
        );
        assert!(names("------").is_empty());
        assert!(names("- a dash").is_empty());
        assert!(names("--").is_empty());
    }

    #[test]
    fn bold_letters_are_letters() {
        assert_eq!(plain("-\u{8}-a\u{8}a _\u{8}x_\u{8}y"), "-a \u{1}xy");
        assert_eq!(plain("a\u{8}a_\u{8}_b\u{8}b _\u{8}a_\u{8}__\u{8}b"), "a_b \u{1}a_b");
        assert_eq!(read("OPTIONS\n       -\u{8}-\u{2010}\u{8}\u{2010}a\u{8}al\u{8}l"), ["--al"]);
    }

    #[test]
    fn keys_count_only_where_they_are_meant() {
        let text = "DESCRIPTION\n       bs=BYTES\n              read BYTES\n\n       -a     all\n";
        assert_eq!(flags(text, Grammar::KeyValue).into_keys().collect::<Vec<_>>(), ["-a", "bs"]);
        assert_eq!(flags(text, Grammar::Getopt).into_keys().collect::<Vec<_>>(), ["-a"]);
    }

    #[test]
    fn pages_are_named_and_printed() {
        assert_eq!(name_of(Path::new("man1/mkfs.ext4.8.gz")), "mkfs.ext4");
        if Command::new("man").arg("--version").output().is_err() {
            println!("SKIPPED there is no `man` here");
            return;
        }
        let folder = std::env::temp_dir().join(format!("guardrail-pages-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("man1")).unwrap();
        let man = ".TH X 1\n.SH NAME\nx \\- does it\n.SH OPTIONS\n.TP\n\\fB\\-a\\fR, \\fB\\-\\-all\\fR=\\fIWHEN\\fR\nall of it\n.TP\n.B \\-1\n(the digit one)\n";
        let mdoc = ".Dd January 1, 2026\n.Dt Y 1\n.Os\n.Sh NAME\n.Nm y\n.Nd does it\n.Sh SYNOPSIS\n.Nm\n.Op Fl ab\n.Op Fl f Ar file\n.Sh DESCRIPTION\n.Bl -tag -width indent\n.It Fl a , Fl -all\nAll.\n.It Fl f Ar file\nIt.\n.El\n";
        std::fs::write(folder.join("man1/x.1"), man).unwrap();
        std::fs::write(folder.join("man1/y.1"), mdoc).unwrap();
        let list = |name: &str| {
            let page = find(name, Some(&folder)).unwrap();
            flags(&printed(&page).unwrap(), Grammar::Getopt).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(list("x"), ["--all", "-1", "-a"]);
        assert_eq!(list("y"), ["--all", "-a", "-b", "-f"]);
        assert!(find("z", Some(&folder)).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
