//! The reserved words, recognised only where the grammar may hold one.

use crate::shell::cursor::{self, Parser};

/// A reserved word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    If,
    Then,
    Elif,
    Else,
    Fi,
    While,
    Until,
    For,
    Select,
    In,
    Do,
    Done,
    Case,
    Esac,
    Function,
    Coproc,
    Time,
    Bang,
    OpenBrace,
    CloseBrace,
    OpenTest,
    CloseTest,
}

impl Keyword {
    fn from_bytes(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"if" => Self::If,
            b"then" => Self::Then,
            b"elif" => Self::Elif,
            b"else" => Self::Else,
            b"fi" => Self::Fi,
            b"while" => Self::While,
            b"until" => Self::Until,
            b"for" => Self::For,
            b"select" => Self::Select,
            b"in" => Self::In,
            b"do" => Self::Do,
            b"done" => Self::Done,
            b"case" => Self::Case,
            b"esac" => Self::Esac,
            b"function" => Self::Function,
            b"coproc" => Self::Coproc,
            b"time" => Self::Time,
            b"!" => Self::Bang,
            b"{" => Self::OpenBrace,
            b"}" => Self::CloseBrace,
            b"[[" => Self::OpenTest,
            b"]]" => Self::CloseTest,
            _ => return None,
        })
    }

    /// Whether no command can begin with it: it belongs to a construct around.
    pub(super) const fn closes(self) -> bool {
        matches!(
            self,
            Self::Then
                | Self::Elif
                | Self::Else
                | Self::Fi
                | Self::Do
                | Self::Done
                | Self::Esac
                | Self::In
                | Self::CloseBrace
                | Self::CloseTest
        )
    }

    /// Whether a compound command begins with it.
    pub(super) const fn opens(self) -> bool {
        matches!(
            self,
            Self::If
                | Self::While
                | Self::Until
                | Self::For
                | Self::Select
                | Self::Case
                | Self::OpenBrace
                | Self::OpenTest
        )
    }
}

/// A reserved word and where it ends.
pub(super) type Found = Option<(Keyword, usize)>;

impl Parser<'_> {
    /// The reserved word under the cursor.
    #[inline]
    pub(super) fn keyword(&mut self) -> Found {
        let first = self.peek()?;
        if !cursor::is(first, cursor::KEYWORD) {
            return None;
        }
        if first == b'}' && self.closer == Some(b'}') {
            // The end of `${ list; }` needs no delimiter behind it.
            return Some((Keyword::CloseBrace, self.at + 1));
        }
        let rest = self.rest();
        // The longest has eight bytes.
        let rest = rest.get(..9).unwrap_or(rest);
        let length = rest.iter().position(|&byte| !cursor::is(byte, cursor::KEYWORD)).unwrap_or(rest.len());
        match rest.get(length) {
            Some(b'\\') => return self.joined_keyword(),
            Some(&byte) if !cursor::is(byte, cursor::DELIMITER) => return None,
            // A process substitution belongs to the word before it.
            Some(b'<' | b'>') if self.byte(self.past_joins(self.at + length + 1)) == Some(b'(') => {
                return None;
            }
            _ => {}
        }
        let keyword = Keyword::from_bytes(rest.get(..length)?)?;
        Some((keyword, self.at + length))
    }

    /// The same for a word that line continuations cut into pieces.
    #[cold]
    fn joined_keyword(&self) -> Found {
        let mut word = [0; 8];
        let mut at = self.at;
        let mut length = 0;
        loop {
            at = self.past_joins(at);
            match self.byte(at) {
                Some(byte) if !cursor::is(byte, cursor::DELIMITER) => {
                    *word.get_mut(length)? = byte;
                    length += 1;
                    at += 1;
                }
                Some(b'<' | b'>') if self.byte(self.past_joins(at + 1)) == Some(b'(') => return None,
                _ => return Some((Keyword::from_bytes(word.get(..length)?)?, at)),
            }
        }
    }

    /// Takes the reserved word if it stands here.
    pub(super) fn eat_keyword(&mut self, wanted: Keyword) -> bool {
        match self.keyword() {
            Some((keyword, end)) if keyword == wanted => {
                self.at = end;
                true
            }
            _ => false,
        }
    }

    /// Takes the reserved word, or records that it is missing.
    pub(super) fn expect(&mut self, wanted: Keyword) {
        if !self.eat_keyword(wanted) {
            self.unexpected();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::shell::{outlined, parsed};

    #[test]
    fn reserved_words_count_only_where_a_command_begins() {
        assert_eq!(outlined("echo if then }"), "Sequence simple <|echo> <|if> <|then> <|}>; ");
        assert_eq!(outlined(">f if"), "Sequence simple <|if> DefaultOutput <|f>; ");
        assert_eq!(
            outlined("a | time b"),
            "Sequence pipeline(false, false) | simple <|a> | simple <|time> <|b>; "
        );
        assert_eq!(parsed("a; in").problems().len(), 1);
    }

    #[test]
    fn a_delimiter_must_follow() {
        assert_eq!(outlined("{a,b} ifx"), "Sequence simple <|{a,b}> <|ifx>; ");
        assert_eq!(outlined("if<(a)"), "Sequence simple <|if|<([Sequence simple <|a>; ]>; ");
        assert_eq!(outlined("{(a)}"), "Sequence group[Sequence subshell[Sequence simple <|a>; ]; ]; ");
        assert_eq!(outlined("i\\\nf a; then b; f\\\ni"), outlined("if a; then b; fi"));
    }
}
