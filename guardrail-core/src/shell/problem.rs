//! What the parser could not accept, and where.

use crate::shell::Span;

/// One thing the parser could not accept. A script with any is *partial*: what was read is
/// there, but more may hide in what was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// Where, in the text of the script that holds it.
    pub span: Span,
}

/// What kind of [`Problem`] it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A token that cannot stand here.
    Unexpected,
    /// The text ended inside a quote.
    UnterminatedQuote,
    /// The text ended inside a substitution, an expansion or arithmetic.
    UnterminatedExpansion,
    /// The text ended inside a compound command, or after an operator that needs more.
    UnexpectedEnd,
    /// A here-document without its delimiter line (bash warns and reads to the end).
    UnterminatedHereDocument,
    /// A substitution body (in backquotes or a here-document) that is no program.
    BadSubstitution,
    /// A line continuation inside a name. The shell reads on, but the name's span is not the name.
    SplitName,
    /// A zero byte, which no command can carry.
    ZeroByte,
    /// zsh syntax that bash reads otherwise or not at all.
    Zsh,
    /// More bytes than [`Limits::bytes`](crate::Limits).
    TooLong,
    /// Deeper nesting than [`Limits::depth`](crate::Limits).
    TooDeep,
    /// More steps than the limits allow.
    TooManySteps,
}

impl ProblemKind {
    /// Whether a limit was hit, which is answered as strictly as can be.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::TooLong | Self::TooDeep | Self::TooManySteps)
    }

    /// What is wrong, in lower case and without a final period.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Unexpected => "unexpected token",
            Self::UnterminatedQuote => "unterminated quote",
            Self::UnterminatedExpansion => "unterminated expansion",
            Self::UnexpectedEnd => "unexpected end of text",
            Self::UnterminatedHereDocument => "here-document without its delimiter",
            Self::BadSubstitution => "substitution that is no program",
            Self::SplitName => "name cut by a line continuation",
            Self::ZeroByte => "zero byte",
            Self::Zsh => "zsh syntax that bash does not read this way",
            Self::TooLong => "text longer than the limit",
            Self::TooDeep => "nested deeper than the limit",
            Self::TooManySteps => "more parsing steps than the limit",
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.kind.message(), self.span.start)
    }
}
