//! Writes the golden log: `cargo run -p agent-guardrail-audit --example golden DIRECTORY`.

#[path = "../tests/golden/maker.rs"]
#[allow(missing_docs, dead_code, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing)]
mod maker;

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "guardrail-audit/tests/golden/log".into());
    std::fs::create_dir_all(&directory)?;
    for (number, bytes) in maker::golden().segments {
        std::fs::write(format!("{directory}/{number:08}.jsonl"), bytes)?;
    }
    Ok(())
}
