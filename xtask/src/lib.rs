//! What keeps the knowledge complete: comparing it with the tools themselves, reporting what it
//! covers, and writing the pages about it. A person runs these; nothing here ships.

pub mod check;
pub mod compare;
pub mod coverage;
pub mod listing;
pub mod manual;
pub mod manual_page;
pub mod manual_value;
pub mod model;
pub mod outcome;
pub mod pages;
pub mod scaffold;
pub mod tree;
pub mod undo;
pub mod undo_model;

/// What went wrong, for the person at the terminal: what, where, and what to do.
pub type Outcome<T> = Result<T, String>;
