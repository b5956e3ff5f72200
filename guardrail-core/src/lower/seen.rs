//! What variables of the shell's own may hold of what it saw: directories, last arguments, matches. It
//! only grows: where they stand in loops and branches, nobody has to know.

use crate::lower::Origin;

/// What was seen up to here.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    /// Every directory that was left: what `$OLDPWD` and the stack of directories may hold.
    pub(super) left: &'a [Origin<'a>],
    /// Every directory that was entered: where a handler may run.
    pub(super) entered: &'a [Origin<'a>],
    /// What `set` made positional parameters of.
    pub(super) given: &'a [Origin<'a>],
    /// What was assigned to variables whose names cannot be known.
    pub(super) strays: &'a [Origin<'a>],
    /// `shopt -s execfail`.
    pub(super) exec_fails: bool,
    /// What `$_` may be, where anything asks for it: the last argument of any command.
    pub(super) last_arguments: Option<&'a [Origin<'a>]>,
    /// What `$BASH_REMATCH` may be a piece of.
    pub(super) matched: &'a [Origin<'a>],
}

impl Seen<'_> {
    /// Keeps last arguments from here on, if a text asks for them.
    pub(super) fn expect(&mut self, text: &[u8]) {
        // Most texts have few dollars.
        let mut behind = text.split(|byte| *byte == b'$').skip(1);
        let asks = |rest: &[u8]| [&b"_"[..], b"{_", b"{!_"].iter().any(|name| rest.starts_with(name));
        if self.last_arguments.is_none() && behind.any(asks) {
            self.last_arguments = Some(&[]);
        }
    }
}
