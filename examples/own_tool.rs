//! A company's own command-line tool, made known to the guard by a file.
//!
//! ```text
//! cargo run -p agent-guardrail-examples --bin own_tool -- 'shipit deploy web --rehearse'
//! ```

use std::error::Error;

use guardrail::{Guard, Request, Style};

/// The tool's file. It may add what it knows and raise what others know; it can lower nothing.
const SHIPIT: &str = include_str!("shipit.toml");

fn main() -> Result<(), Box<dyn Error>> {
    let command = std::env::args().nth(1).ok_or("usage: own_tool COMMAND")?;
    let guard = Guard::builder().tool(SHIPIT)?.build();
    print!("{}", guard.evaluate(&Request::shell(command)).draw(Style::Plain));
    Ok(())
}
