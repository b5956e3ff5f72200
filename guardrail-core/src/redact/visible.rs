//! Characters that a reader cannot see, or takes for others, made visible.
//!
//! What a person approves has to be what they saw. Escape sequences repaint a terminal, bidi
//! controls reorder a line, zero-width characters split a word that looks whole, and a Cyrillic
//! `а` in a host name is another host. [`visible`] writes each of them out as `⟨ESC⟩` or
//! `⟨U+202E⟩`. A `⟨` that the text itself holds is written as `⟨U+27E8⟩`, so that two different
//! texts never look alike.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

/// Why a character is not to be trusted on sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Class {
    /// It tells a terminal to do something, or breaks the line in some programs only.
    Control,
    /// It changes the order in which the text is shown.
    Bidi,
    /// It takes no room.
    ZeroWidth,
    /// It looks like a space, or like nothing, and is no white space to a shell.
    Filler,
    /// It looks like a Latin letter or a sign of the shell, and is another.
    Confusable,
}

/// The text with everything invisible or misleading written out; borrowed where there is none.
///
/// Newline and tab stay, and so does text in any script, and emoji in all their sequences.
///
/// ```
/// use guardrail_core::redact::visible;
///
/// assert_eq!(visible("ls \u{1b}[2K; rm \u{202e}x"), "ls ⟨ESC⟩[2K; rm ⟨U+202E⟩x");
/// assert_eq!(visible("curl p\u{430}ypal.com"), "curl p⟨U+0430⟩ypal.com");
/// assert_eq!(visible("echo héllo 日本 🚀 👩‍💻 ❤️"), "echo héllo 日本 🚀 👩‍💻 ❤️");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = 0;
    let mut copy = |out: &mut String, to: Range<usize>| {
        // The bracket of the notation itself.
        for (i, part) in text.get(rest..to.start).unwrap_or_default().split('⟨').enumerate() {
            if i > 0 {
                out.push_str("⟨U+27E8⟩");
            }
            out.push_str(part);
        }
        rest = to.end;
    };
    for (range, _) in invisible_characters(text) {
        copy(&mut out, range.clone());
        for c in text.get(range).unwrap_or_default().chars() {
            write_out(&mut out, c);
        }
    }
    if out.is_empty() && !text.contains('⟨') {
        return Cow::Borrowed(text);
    }
    copy(&mut out, text.len()..text.len());
    Cow::Owned(out)
}

/// The bytes of each character that cannot be seen or misleads, with the reason.
///
/// ```
/// use guardrail_core::redact::{InvisibleClass, invisible_characters};
///
/// let found: Vec<_> = invisible_characters("rm\u{200b} -rf\u{a0}x").collect();
/// assert_eq!(found, [(2..5, InvisibleClass::ZeroWidth), (9..11, InvisibleClass::Filler)]);
/// ```
#[must_use]
pub const fn invisible_characters(text: &str) -> InvisibleCharacters<'_> {
    InvisibleCharacters { text, at: 0, previous: None, before: None, word: 0..0 }
}

/// Iterates over what [`invisible_characters`] finds.
#[derive(Clone, Debug)]
pub struct InvisibleCharacters<'t> {
    text: &'t str,
    at: usize,
    /// The character before `at`, and the one before it.
    previous: Option<char>,
    before: Option<char>,
    /// The last word found to mix look-alikes with Latin letters, or not to (empty, at its end).
    word: Range<usize>,
}

impl Iterator for InvisibleCharacters<'_> {
    type Item = (Range<usize>, Class);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at..)?;
            let plain = plain_prefix(rest.as_bytes());
            if plain > 0 {
                self.at += plain;
                let mut skipped = rest.get(..plain).unwrap_or_default().chars();
                let (last, other) = (skipped.next_back(), skipped.next_back());
                self.before = other.or(self.previous);
                self.previous = last;
                continue;
            }
            let c = rest.chars().next()?;
            let range = self.at..self.at + c.len_utf8();
            let tag_end = if c == BLACK_FLAG { flag_end(self.text, range.end) } else { None };
            let class = self.classify(c, &range);
            self.at = tag_end.unwrap_or(range.end);
            self.before = self.previous;
            self.previous = Some(c);
            if let Some(class) = class {
                return Some((range, class));
            }
        }
    }
}

impl InvisibleCharacters<'_> {
    fn classify(&mut self, c: char, range: &Range<usize>) -> Option<Class> {
        let class = class_of(c)?;
        let next = || self.text.get(range.end..).and_then(|rest| rest.chars().next());
        let is_honest = match c {
            // Emoji are joined by it, and some scripts shape letters with it.
            '\u{200d}' | '\u{200c}' => {
                let last = match self.previous {
                    Some('\u{fe0f}') => self.before,
                    other => other,
                };
                let joins_emoji =
                    c == '\u{200d}' && last.is_some_and(is_emoji) && next().is_some_and(is_emoji);
                joins_emoji || (self.previous.is_some_and(is_joining) && next().is_some_and(is_joining))
            }
            '\u{fe0e}' | '\u{fe0f}' => {
                self.previous.is_some_and(|p| is_emoji(p) || matches!(p, '0'..='9' | '#' | '*'))
                    && (self.previous.is_some_and(is_emoji) || next() == Some('\u{20e3}'))
            }
            // Variants of ideographs, as names need them.
            '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}' => self.previous.is_some_and(is_ideograph),
            _ if class == Class::Confusable && !is_sign(c) => !self.is_in_mixed_word(range),
            _ => false,
        };
        (!is_honest).then_some(class)
    }

    /// Whether the word around a look-alike letter holds Latin letters, and nothing that shows
    /// that it is of two scripts.
    fn is_in_mixed_word(&mut self, range: &Range<usize>) -> bool {
        if range.start < self.word.end {
            return self.word.contains(&range.start);
        }
        // Never back into a word that was judged before, so that all words together are read once.
        let head = self.text.get(self.word.end..range.start).unwrap_or_default();
        let start = range.start
            - head.chars().rev().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>();
        let tail = self.text.get(range.start..).unwrap_or_default();
        let end =
            range.start + tail.chars().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>();
        let word = self.text.get(start..end).unwrap_or_default();
        let has_latin = word.chars().any(|c| c.is_ascii_alphabetic());
        let is_plainly_mixed = word.chars().any(|c| is_foreign(c) && class_of(c).is_none());
        let mixed = has_latin && !is_plainly_mixed;
        self.word = if mixed { start..end } else { end..end };
        mixed
    }
}

const BLACK_FLAG: char = '\u{1f3f4}';

/// Where the flag of a region ends whose tags start at `at`.
fn flag_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let tags = rest
        .chars()
        .take_while(|c| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}'))
        .count();
    // Every tag takes four bytes.
    let end = at + tags * 4;
    let is_closed = text.get(end..)?.starts_with('\u{e007f}');
    (is_closed && (3..=6).contains(&tags)).then_some(end + 4)
}

/// Whether a text is ASCII without control characters, newline and tab excepted.
fn is_plain(bytes: &[u8]) -> bool {
    plain_prefix(bytes) == bytes.len()
}

const fn is_plain_byte(b: u8) -> bool {
    // Branch-free, so that a block of them becomes a few vector instructions.
    (b >= 0x20) & (b < 0x7f) | (b == b'\n') | (b == b'\t')
}

/// How many bytes from the start on are plain.
fn plain_prefix(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<64>();
    let whole = blocks
        .iter()
        .take_while(|block| block.iter().fold(true, |plain, b| plain & is_plain_byte(*b)))
        .count();
    // Commands are short: their ends are worth smaller blocks.
    let start = whole * 64;
    let (blocks, _) = bytes.get(start..).unwrap_or_default().as_chunks::<16>();
    let whole = blocks
        .iter()
        .take_while(|block| block.iter().fold(true, |plain, b| plain & is_plain_byte(*b)))
        .count();
    let start = start + whole * 16;
    start + bytes.iter().skip(start).take_while(|b| is_plain_byte(**b)).count()
}

/// The class a character has wherever it stands. Some stand honestly among their like.
const fn class_of(c: char) -> Option<Class> {
    Some(match c {
        '\n' | '\t' | ' '..='~' => return None,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffc}' => {
            Class::Control
        }
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Class::Bidi
        }
        '\u{ad}'
        | '\u{34f}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Class::ZeroWidth,
        '\u{a0}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{2800}'
        | '\u{3000}'
        | '\u{3164}'
        | '\u{ffa0}' => Class::Filler,
        _ if is_look_alike(c) || is_sign(c) => Class::Confusable,
        _ => return None,
    })
}

/// Signs that look like `;`, `/`, `:`, `.`, `!` or `-` to a reader and like a letter to a shell.
const fn is_sign(c: char) -> bool {
    matches!(
        c,
        '\u{37e}'
            | '\u{1c3}'
            | '\u{2024}'
            | '\u{2044}'
            | '\u{2215}'
            | '\u{2236}'
            | '\u{29f8}'
            | '\u{a789}'
            | '\u{2010}'
            | '\u{2011}'
            | '\u{2212}'
    )
}

/// Cyrillic, Greek and Armenian letters that look like Latin ones.
const fn is_look_alike(c: char) -> bool {
    matches!(
        c,
        'а' | 'е'
            | 'о'
            | 'р'
            | 'с'
            | 'у'
            | 'х'
            | 'ѕ'
            | 'і'
            | 'ј'
            | 'ѵ'
            | 'һ'
            | 'ԁ'
            | 'ԛ'
            | 'ԝ'
            | 'ӏ'
            | 'ҽ'
            | 'ɡ'
            | 'А'
            | 'В'
            | 'Е'
            | 'Ѕ'
            | 'І'
            | 'Ј'
            | 'К'
            | 'М'
            | 'Н'
            | 'О'
            | 'Р'
            | 'С'
            | 'Т'
            | 'У'
            | 'Х'
            | 'Ү'
            | 'Ԍ'
            | 'Ԛ'
            | 'Ԝ'
            | 'Ӏ'
            | 'α'
            | 'ο'
            | 'ν'
            | 'ρ'
            | 'ι'
            | 'υ'
            | 'κ'
            | 'χ'
            | 'γ'
            | 'ϲ'
            | 'ϳ'
            | 'Α'
            | 'Β'
            | 'Ε'
            | 'Ζ'
            | 'Η'
            | 'Ι'
            | 'Κ'
            | 'Μ'
            | 'Ν'
            | 'Ο'
            | 'Ρ'
            | 'Τ'
            | 'Υ'
            | 'Χ'
            | 'Ϲ'
            | 'Ϳ'
            | 'օ'
            | 'ո'
            | 'ս'
            | 'հ'
            | 'ց'
            | 'զ'
            | 'յ'
    )
}

/// Letters of the scripts that the look-alikes come from.
const fn is_foreign(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{531}'..='\u{58f}')
}

const fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21aa}'
            | '\u{231a}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{25fe}' | '\u{2600}'..='\u{27bf}'
            | '\u{2934}' | '\u{2935}' | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}'
            | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

/// Letters of scripts that join, from Arabic to Khmer and Mongolian, with their marks.
const fn is_joining(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{18aa}')
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

const C0: [&str; 32] = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS",
    "US",
];

fn write_out(out: &mut String, c: char) {
    out.push('⟨');
    match (C0.get(c as usize), c) {
        (Some(name), _) => out.push_str(name),
        (None, '\u{7f}') => out.push_str("DEL"),
        // Writing to a string cannot fail.
        (None, _) => drop(write!(out, "U+{:04X}", u32::from(c))),
    }
    out.push('⟩');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn shows(text: &str, expected: &str) {
        assert_eq!(visible(text), expected);
    }

    #[test]
    fn honest_text_stays() {
        for text in [
            "",
            "echo héllo 日本 🚀",
            "line\n\ttab",
            "👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 ❤️ ❤️‍🔥 👍🏽 👩🏽‍🚀 1️⃣ #️⃣ ©️ 🇩🇪 ☎︎",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "привет мир, рос и сор",
            "Ελληνικά, ΑΒΓ",
            "μs Δt λx π2 Ωm",
            "docker-контейнер, commitы, git'ом",
            "می\u{200c}خواهم क्\u{200d}ष",
            "葛\u{e0100}城",
            "naïve café — “quoted” … ≤ → ✓",
            "e\u{301} combining",
            "مرحبا שלום ไทย 한국어",
        ] {
            assert!(matches!(visible(text), Cow::Borrowed(_)), "{text} became {}", visible(text));
            assert_eq!(invisible_characters(text).count(), 0, "{text}");
        }
    }

    #[test]
    fn what_hides_is_shown() {
        shows("a\u{1b}[31mb\rc\u{8}d\u{0}e\u{7f}f\u{9b}g", "a⟨ESC⟩[31mb⟨CR⟩c⟨BS⟩d⟨NUL⟩e⟨DEL⟩f⟨U+009B⟩g");
        shows("a\u{202e}b\u{2066}c\u{200f}", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200F⟩");
        shows("r\u{200b}m\u{feff}\u{ad}", "r⟨U+200B⟩m⟨U+FEFF⟩⟨U+00AD⟩");
        shows("a\u{200d}b x\u{fe0f}", "a⟨U+200D⟩b x⟨U+FE0F⟩");
        shows("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}⟨U+FE0F⟩");
        shows("🚀\u{200d}rm", "🚀⟨U+200D⟩rm");
        shows("x\u{e0041}\u{e0042}", "x⟨U+E0041⟩⟨U+E0042⟩");
        shows("a\u{a0}b\u{3164}c\u{2800}d\u{3000}e", "a⟨U+00A0⟩b⟨U+3164⟩c⟨U+2800⟩d⟨U+3000⟩e");
        shows("\u{440}aypal gооgle ο1k", "⟨U+0440⟩aypal g⟨U+043E⟩⟨U+043E⟩gle ⟨U+03BF⟩1k");
        shows("ls\u{37e} a\u{2215}b", "ls⟨U+037E⟩ a⟨U+2215⟩b");
        shows("⟨ESC⟩", "⟨U+27E8⟩ESC⟩");
        shows("a\u{2028}b", "a⟨U+2028⟩b");
    }

    #[test]
    fn long_words_are_read_once() {
        let text = "а".repeat(1 << 17);
        assert_eq!(invisible_characters(&text).count(), 0);
        let text = format!("a{text}");
        assert_eq!(invisible_characters(&text).count(), 1 << 17);
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_left(text in "[\\x00-\\x{ff}\\x{200b}-\\x{206f}\\x{400}-\\x{45f}\\x{e0020}-\\x{e007f}🏴❤️👩⟨⟩a-z]{0,40}") {
            let shown = visible(&text);
            prop_assert_eq!(invisible_characters(&shown).filter(|(_, class)| *class != Class::Confusable).count(), 0);
        }

        #[test]
        fn ascii_shortcut_agrees(text in "[ -~\\n\\t]{0,200}") {
            prop_assert!(is_plain(text.as_bytes()));
            prop_assert_eq!(text.chars().filter_map(class_of).count(), 0);
        }

        #[test]
        fn different_texts_look_different(a in "[⟨⟩CR\\rU+27E8\\x{200b}]{0,12}", b in "[⟨⟩CR\\rU+27E8\\x{200b}]{0,12}") {
            prop_assert_eq!(a == b, visible(&a) == visible(&b));
        }
    }
}
