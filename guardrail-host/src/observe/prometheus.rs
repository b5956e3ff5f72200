//! Measurements as Prometheus reads them: a text, or a file for node_exporter's textfile
//! collector.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::sink::{LabelValue, Sink};
use super::table::{METRICS, Metric, MetricKind};

/// Keeps measurements, and prints them in Prometheus' text format 0.0.4.
///
/// It serves nothing: hand [`text`](Self::text) to whatever answers HTTP in the program that embeds
/// this, or let a [file](Self::write) be collected.
///
/// ```
/// use std::sync::Arc;
///
/// use guardrail_core::Guard;
/// use guardrail_core::record::{Record, Timestamp};
/// use guardrail_core::Request;
/// use guardrail_host::observe::{Prometheus, Watch};
///
/// let guard = Arc::new(Guard::new());
/// let prometheus = Arc::new(Prometheus::default());
/// let watch = Watch::of(guard.clone()).sink(prometheus.clone());
///
/// let request = Request::shell("git status");
/// let record = Record::evaluation(&request, &watch.evaluate(&request));
/// watch.recorded(&[record], Timestamp::UNIX_EPOCH, 0);
/// assert!(prometheus.text().contains(r#"guardrail_decisions_total{decision="allow",risk="low"} 1"#));
/// ```
#[derive(Debug, Default)]
pub struct Prometheus {
    series: Mutex<BTreeMap<(&'static str, Vec<LabelValue>), Series>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Series {
    Count(u64),
    Value(f64),
    /// How many are at most each bound and above the one before, then the sum and the number.
    Spread(Vec<u64>, f64, u64),
}

/// The content type of [`Prometheus::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Prometheus {
    /// All measurements, with what each metric is. Metrics come in the order of [`METRICS`], their
    /// series by their labels, so that the same measurements make the same text.
    #[must_use]
    pub fn text(&self) -> String {
        let series = self.lock();
        let mut out = String::new();
        for metric in METRICS {
            let _ = writeln!(out, "# HELP {} {}", metric.name, escaped(metric.help, false));
            let _ = writeln!(out, "# TYPE {} {}", metric.name, metric.kind.as_str());
            let mut any = false;
            let from = (metric.name, Vec::new());
            for ((_, labels), value) in series.range(from..).take_while(|((name, _), _)| *name == metric.name)
            {
                any = true;
                sample(&mut out, metric, labels, value);
            }
            // What has no labels is there from the start, so that what never happened reads as 0.
            if !any && metric.labels.is_empty() {
                sample(&mut out, metric, &[], &Series::new(metric.kind));
            }
        }
        out
    }

    /// Writes the [text](Self::text) to a file that everybody may read, in one step: whoever reads
    /// it sees the old one or the new one. Node_exporter reads files that end in `.prom`.
    ///
    /// # Errors
    ///
    /// Where it cannot be written; an older file is then as it was.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        let beside = path.with_file_name(beside);
        // What a killed process of the same number left is nobody's.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = std::fs::File::from(openat(CWD, &beside, flags, Mode::from_raw_mode(0o644))?);
        // Whatever the mask of this process says.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let written = file
            .write_all(self.text().as_bytes())
            .and_then(|()| file.set_permissions(readable))
            .and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, Vec<LabelValue>), Series>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, metric: &'static Metric, labels: &[LabelValue], change: impl FnOnce(&mut Series)) {
        let mut series = self.lock();
        let of = series.entry((metric.name, labels.to_vec())).or_insert_with(|| Series::new(metric.kind));
        change(of);
    }
}

impl Series {
    fn new(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Counter => Self::Count(0),
            MetricKind::Gauge => Self::Value(0.0),
            MetricKind::Histogram(bounds) => Self::Spread(vec![0; bounds.len()], 0.0, 0),
        }
    }
}

impl Sink for Prometheus {
    fn add(&self, metric: &'static Metric, labels: &[LabelValue], by: u64) {
        self.change(metric, labels, |series| {
            if let Series::Count(count) = series {
                *count = count.saturating_add(by);
            }
        });
    }

    fn set(&self, metric: &'static Metric, labels: &[LabelValue], value: f64) {
        self.change(metric, labels, |series| *series = Series::Value(value));
    }

    fn observe(&self, metric: &'static Metric, labels: &[LabelValue], value: f64) {
        let MetricKind::Histogram(bounds) = metric.kind else { return };
        self.change(metric, labels, |series| {
            if let Series::Spread(counts, sum, number) = series {
                let bucket = bounds.iter().position(|bound| value <= *bound);
                if let Some(count) = bucket.and_then(|at| counts.get_mut(at)) {
                    *count += 1;
                }
                *sum += value;
                *number += 1;
            }
        });
    }
}

fn sample(out: &mut String, metric: &Metric, labels: &[LabelValue], series: &Series) {
    let name = metric.name;
    let _ = match (series, metric.kind) {
        (Series::Count(count), _) => writeln!(out, "{name}{} {count}", braced(labels, None)),
        (Series::Value(value), _) => writeln!(out, "{name}{} {value}", braced(labels, None)),
        (Series::Spread(counts, sum, number), MetricKind::Histogram(bounds)) => {
            let mut up_to = 0;
            for (count, bound) in counts.iter().zip(bounds) {
                up_to += count;
                let _ = writeln!(out, "{name}_bucket{} {up_to}", braced(labels, Some(&bound.to_string())));
            }
            let _ = writeln!(out, "{name}_bucket{} {number}", braced(labels, Some("+Inf")));
            let _ = writeln!(out, "{name}_sum{} {sum}", braced(labels, None));
            writeln!(out, "{name}_count{} {number}", braced(labels, None))
        }
        (Series::Spread(..), _) => Ok(()),
    };
}

fn braced(labels: &[LabelValue], bound: Option<&str>) -> String {
    let all =
        labels.iter().map(|(name, value)| (*name, value.as_ref())).chain(bound.map(|bound| ("le", bound)));
    let all: Vec<_> = all.map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

/// As the format wants it in a help text, or between quotes. A rule's name may come from a
/// project's own policy, so that what cannot be seen in it is written out.
fn escaped(text: &str, quoted: bool) -> String {
    let text = guardrail_core::redact::visible(text).replace('\\', "\\\\").replace('\n', "\\n");
    if quoted { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::table::{DECISIONS_BY_RULE, EVALUATION, OLDEST};
    use super::*;

    #[test]
    fn a_histogram_counts_up_to_each_bound() {
        let prometheus = Prometheus::default();
        for value in [1e-6, 2e-6, 7.0] {
            prometheus.observe(&EVALUATION, &[], value);
        }
        let text = prometheus.text();
        let expected = "# TYPE guardrail_evaluation_seconds histogram
guardrail_evaluation_seconds_bucket{le=\"0.000001\"} 1
guardrail_evaluation_seconds_bucket{le=\"0.0000025\"} 2
";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("guardrail_evaluation_seconds_bucket{le=\"0.1\"} 2\n"), "{text}");
        assert!(text.contains("guardrail_evaluation_seconds_bucket{le=\"+Inf\"} 3\n"), "{text}");
        assert!(text.contains("guardrail_evaluation_seconds_sum 7.000003\n"), "{text}");
        assert!(text.contains("guardrail_evaluation_seconds_count 3\n"), "{text}");
    }

    #[test]
    fn a_value_makes_no_line_and_no_label_of_its_own() {
        let prometheus = Prometheus::default();
        let rule = "a\"} 1\nguardrail_records_total{kind=\"plan\"} 99\\\u{202e}";
        prometheus.add(
            &DECISIONS_BY_RULE,
            &[("decision", "deny".into()), ("rule", rule.to_owned().into())],
            1,
        );
        let text = prometheus.text();
        let line = "guardrail_decisions_by_rule_total{decision=\"deny\",rule=\"a\\\"} \
                    1\\nguardrail_records_total{kind=\\\"plan\\\"} 99\\\\⟨U+202E⟩\"} 1\n";
        assert!(text.contains(line), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("guardrail_records_total{")), "{text}");
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("guardrail.prom");
        let prometheus = Prometheus::default();
        prometheus.write(&path).unwrap();
        prometheus.set(&OLDEST, &[], 2.5);
        prometheus.write(&path).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("guardrail_approvals_oldest_seconds 2.5\n"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o444, 0o444);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);

        // A link in its place is replaced, and not followed.
        let other = directory.path().join("other");
        std::fs::write(&other, "precious").unwrap();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        prometheus.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
        assert!(prometheus.write(&directory.path().join("nowhere/x.prom")).is_err());
    }
}
