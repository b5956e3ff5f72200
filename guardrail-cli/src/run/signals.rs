//! Signals that stop a plan: the first one finishes the step, the second ends it, the third kills
//! it.

use std::io::{self, Write as _};

use guardrail_core::plan::{Stop, StopLevel};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From now on signals stop what looks at `stop`, instead of ending this process.
pub(super) fn heed(stop: &Stop) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let stop = stop.clone();
    std::thread::Builder::new().name("guardrail-signals".to_owned()).spawn(move || {
        for (_, count) in signals.forever().zip(1..) {
            let (level, words) = match count {
                1 => (StopLevel::Finish, "stopping behind this step; again to end it now"),
                2 => (StopLevel::End, "ending this step; again to kill it"),
                _ => (StopLevel::Kill, "killing everything"),
            };
            stop.request(level);
            // There may be nobody left to tell.
            let _ = writeln!(io::stderr(), "guardrail: {words}");
        }
    })?;
    Ok(())
}
