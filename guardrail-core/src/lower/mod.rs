//! [`Script`](crate::shell::Script) to [`Program`]: the shell's own semantics. Builtins that
//! change scope are language and so are known here by name; what any program does is not.

mod ansi_c;
mod arithmetic;
mod brace;
mod builtin;
mod builtin_names;
mod constant;
mod declaration;
mod directory;
mod edit;
mod environment;
mod expand;
mod field;
mod file_name;
mod flow;
mod function;
mod input;
mod inside;
mod join;
mod lowerer;
mod matched;
mod order;
mod parameter;
mod pattern;
mod program;
mod redirect;
mod reference;
mod repeat;
mod scope;
mod secret_names;
mod seen;
mod simple;
mod substitution;
mod template;
mod test_command;

pub use builtin_names::is_builtin;
pub use environment::Binding;
pub(crate) use file_name::{FileName, Roots};
pub use lowerer::{Entry, Inherit, Known, Lowerer};
pub use order::Groups;
pub use program::*;
pub(crate) use secret_names::is_secret;
pub(crate) use template::Template;
