//! `guardrail audit metrics`: what a log says in Prometheus' words.

use std::io::{self, Write as _};
use std::sync::Arc;

use guardrail_audit::read::stats::redacted;
use guardrail_audit::read::{Filter, LogFiles, Query};
use guardrail_host::observe::{Prometheus, Watch};

use super::arguments::MetricsArguments;
use super::{Failure, progress};
use crate::policy;

pub(super) fn metrics(task: &MetricsArguments) -> Result<(), Failure> {
    let log = LogFiles::open(&task.log)?;
    let Some(guard) = policy::guard(&task.layers)? else {
        return Err(Failure::failed("the policy cannot be loaded"));
    };
    let prometheus = Arc::new(Prometheus::default());
    let watch = Watch::of(Arc::new(guard)).sink(prometheus.clone());
    let bar = progress::bytes(log.bytes()?, "reading");
    let mut bytes = 0;
    for entry in Query::new(&log, Filter::new())? {
        let entry = entry?;
        bytes += entry.line.len() as u64 + 1;
        bar.set_position(bytes);
        watch.read(&entry.recorded, redacted(&entry.line));
    }
    bar.finish_and_clear();
    // For what still waits; the alerts are for those who are told as things happen.
    drop(watch.turn(std::time::SystemTime::now().into()));
    match &task.textfile {
        Some(path) => prometheus.write(path)?,
        None => io::stdout().write_all(prometheus.text().as_bytes())?,
    }
    Ok(())
}
