//! The whole of embedding guardrail: what is allowed runs, what must be asked is asked on the
//! terminal, and what is denied tells the agent why.
//!
//! ```text
//! cargo run -p agent-guardrail-examples --bin front_door -- 'git status'
//! ```

use std::error::Error;
use std::process::Command;

use guardrail::{Decision, Guard, Request, Style};

fn main() -> Result<(), Box<dyn Error>> {
    let command = std::env::args().nth(1).ok_or("usage: front_door COMMAND")?;
    let guard = Guard::new(); // once, at the start of the framework
    println!("{}", run_tool(&guard, &command)?);
    Ok(())
}

/// What the framework calls for its shell tool. The text it returns goes back to the agent.
fn run_tool(guard: &Guard, command: &str) -> Result<String, Box<dyn Error>> {
    let cwd = std::env::current_dir()?;
    let evaluation = guard.evaluate(&Request::shell(command).cwd(cwd.to_string_lossy()));
    let may_run = match &evaluation.decision {
        Decision::Allow => true,
        // What one person at one terminal may approve. Roles, channels and quorums are for plans.
        Decision::Ask(approval)
            if approval.approvers == 1 && approval.roles.is_empty() && approval.channels.is_anywhere() =>
        {
            eprintln!("{}", evaluation.draw(Style::Colour));
            ask("run it?")?
        }
        Decision::Ask(_) | Decision::Deny => false,
    };
    if !may_run {
        return Ok(format!("not run: {}", evaluation.draw(Style::Plain)));
    }
    // The very text that was evaluated, in the same shell language and directory.
    let output = Command::new("bash").args(["--norc", "-c", command]).current_dir(cwd).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Only a clear yes is one; silence, an empty line or the end of the input is a no.
fn ask(question: &str) -> Result<bool, Box<dyn Error>> {
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "y")
}
