//! The names of the shell's builtins.

/// Every builtin of bash 5.
const BUILTINS: &[&[u8]] = &[
    b".",
    b":",
    b"[",
    b"alias",
    b"bg",
    b"bind",
    b"break",
    b"builtin",
    b"caller",
    b"cd",
    b"command",
    b"compgen",
    b"complete",
    b"compopt",
    b"continue",
    b"declare",
    b"dirs",
    b"disown",
    b"echo",
    b"enable",
    b"eval",
    b"exec",
    b"exit",
    b"export",
    b"false",
    b"fc",
    b"fg",
    b"getopts",
    b"hash",
    b"help",
    b"history",
    b"jobs",
    b"kill",
    b"let",
    b"local",
    b"logout",
    b"mapfile",
    b"popd",
    b"printf",
    b"pushd",
    b"pwd",
    b"read",
    b"readarray",
    b"readonly",
    b"return",
    b"set",
    b"shift",
    b"shopt",
    b"source",
    b"suspend",
    b"test",
    b"times",
    b"trap",
    b"true",
    b"type",
    b"typeset",
    b"ulimit",
    b"umask",
    b"unalias",
    b"unset",
    b"wait",
];

/// Where the builtins begin that begin with each byte; they end where those of the next do.
#[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
static FIRSTS: [u8; 129] = {
    let mut firsts = [0; 129];
    let (mut byte, mut at) = (0, 0);
    while byte < 129 {
        while at < BUILTINS.len() && (BUILTINS[at][0] as usize) < byte {
            at += 1;
        }
        firsts[byte] = at as u8;
        byte += 1;
    }
    firsts
};

/// Whether the shell runs a command of this name itself, where no function has it.
#[must_use]
pub fn is_builtin(name: &[u8]) -> bool {
    let Some(first) = name.first().map(|byte| usize::from(*byte)) else { return false };
    match (FIRSTS.get(first), FIRSTS.get(first + 1)) {
        (Some(&start), Some(&end)) => {
            BUILTINS.get(usize::from(start)..usize::from(end)).is_some_and(|names| names.contains(&name))
        }
        _ => false,
    }
}

/// Builtins whose arguments of the form `name=value` are assignments to the grammar as well.
pub(super) fn is_declaration(name: &[u8]) -> bool {
    matches!(name, b"export" | b"declare" | b"typeset" | b"local" | b"readonly" | b"alias")
}

/// Builtins that the standard calls special.
pub(super) fn is_special(name: &[u8]) -> bool {
    matches!(
        name,
        b"." | b":"
            | b"break"
            | b"continue"
            | b"eval"
            | b"exec"
            | b"exit"
            | b"export"
            | b"readonly"
            | b"return"
            | b"set"
            | b"shift"
            | b"source"
            | b"times"
            | b"trap"
            | b"unset"
    )
}

/// Builtins that are called to bind variables.
pub(super) fn binds(name: &[u8]) -> bool {
    (is_declaration(name) && name != b"alias")
        || matches!(
            name,
            b"read" | b"printf" | b"mapfile" | b"readarray" | b"getopts" | b"command" | b"builtin"
        )
}

/// Whether some builtin's name could begin and end like this.
pub(super) fn may_be_builtin(prefix: &[u8], suffix: &[u8]) -> bool {
    BUILTINS.iter().any(|name| name.starts_with(prefix) && name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(BUILTINS.is_sorted());
        assert!(is_builtin(b"cd") && is_builtin(b"[") && !is_builtin(b"rm"));
    }
}
