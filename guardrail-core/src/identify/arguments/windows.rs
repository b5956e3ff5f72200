//! Flags as programs for Windows take them: `-Flag` and `/f`, letters of either case, `/t:0a`, `/q/c`.

use guardrail_schema::{Flag, ValueKind};

use super::Arguments;
use crate::lower::Word;

impl<'a, 'k> Arguments<'_, 'a, 'k> {
    /// Takes `word` for flags, if it is any.
    pub(super) fn windows(&mut self, word: Word<'a>) -> bool {
        let Some(text) = word.as_known() else { return false };
        if let Some(flag) = self.windows_flag(text) {
            self.take(flag, None, word.span);
        } else if let Some((flag, value)) = self.with_value(text) {
            self.take(flag, Some(Word::known(value, word.span)), word.span);
        } else if let Some(flags) = self.joined(text) {
            flags.into_iter().for_each(|flag| self.take(flag, None, word.span));
        } else if matches!(text, [b'-', _, ..]) {
            self.unlisted(word.span);
        } else {
            return false;
        }
        true
    }

    /// `-Command`, `-c`, `/C`, `//c`: the one flag that begins like this.
    fn windows_flag(&self, text: &[u8]) -> Option<&'k Flag> {
        let slashes = text.iter().take_while(|byte| **byte == b'/').count();
        let dashes = text.iter().take_while(|byte| **byte == b'-').count();
        let name = text.get(slashes.max(dashes)..).filter(|name| !name.is_empty() && slashes + dashes > 0)?;
        let name = [b"-", name].concat().to_ascii_lowercase();
        self.find(&name).or_else(|| self.begun(&name))
    }

    /// `/t:0a`.
    fn with_value(&self, text: &'a [u8]) -> Option<(&'k Flag, &'a [u8])> {
        let colon = text.iter().position(|byte| *byte == b':')?;
        let (flag, value) = text.split_at_checked(colon)?;
        let flag = self.windows_flag(flag).filter(|flag| flag.value == ValueKind::Optional)?;
        Some((flag, value.get(1..)?))
    }

    /// `/q/c`.
    fn joined(&self, text: &[u8]) -> Option<Vec<&'k Flag>> {
        let flags = text.strip_prefix(b"/")?.split(|byte| *byte == b'/');
        let flags = flags.map(|flag| self.find(&[b"-", flag].concat().to_ascii_lowercase()));
        flags.collect::<Option<Vec<_>>>().filter(|flags| flags.len() > 1)
    }
}
