//! Flags of which only a part is known: `--out="$x"`, `-o"$x"`, `--glob=*.rs`.

use guardrail_schema::ValueKind;

use super::{Arguments, Grammar};
use crate::identify::call::Unknown;
use crate::lower::{Value, Word};

impl<'a> Arguments<'_, 'a, '_> {
    /// A flag of which only the beginning is known: it is whatever it could be.
    pub(super) fn partial_flag(&mut self, prefix: &'a [u8], word: Word<'a>) {
        // `-o"$x"`: a short flag with its value attached.
        if !prefix.starts_with(b"--")
            && self.grammar != Grammar::SingleDash
            && let Some(flag) = prefix.get(..2).and_then(|short| self.find(short))
            && matches!(flag.value, ValueKind::Required | ValueKind::Optional)
        {
            let rest = prefix.get(2..).unwrap_or_default();
            let rest = rest.strip_prefix(b"=").filter(|_| self.tool.tool.pflag).unwrap_or(rest);
            let suffix = match word.value {
                Value::Partial { suffix, .. } => suffix,
                _ => &[],
            };
            let pattern = unmatched(&word, prefix.len() - rest.len());
            let value = Value::Partial { prefix: rest, suffix };
            let value = Word { value, pattern, ..Word::part(word) };
            return self.take(flag, Some(value), word.span);
        }
        let name = prefix.iter().position(|&b| b == b'=').and_then(|equals| prefix.get(..equals));
        let value = match word.value {
            Value::Partial { prefix, suffix } => {
                let known = name.map_or(0, |name| name.len() + 1);
                let prefix = prefix.get(known..).unwrap_or_default();
                let pattern = unmatched(&word, known);
                Word { value: Value::Partial { prefix, suffix }, pattern, ..Word::part(word) }
            }
            _ => Word { value: Value::Unknown, ..Word::part(word) },
        };
        if let Some(name) = name {
            return match self.find(name).or_else(|| self.abbreviated(name)) {
                Some(flag) => self.take(flag, Some(value), word.span),
                None => self.unlisted(word.span),
            };
        }
        self.call.unknown.push((Unknown::MaybeFlag, word.span));
        (self.uncertain, self.hidden_flags) = (true, true);
    }
}

/// What stands behind the flag in a word that is a glob to the shell: it is left as it is, unless a file is called after
/// the flag and its value.
fn unmatched<'a>(word: &Word<'a>, from: usize) -> Option<&'a [u8]> {
    let pattern = word.pattern.filter(|pattern| word.from.is_empty() && !pattern.contains(&b'\\'))?;
    pattern.get(from..)
}
