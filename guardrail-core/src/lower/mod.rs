//! [`Script`](crate::shell::Script) to [`Program`]: the shell's own semantics. Builtins that
//! change scope are language and so are known here by name; what any program does is not.

mod program;

pub use program::*;
