//! Where measurements go.

use std::borrow::Cow;

use super::table::Metric;

/// Takes measurements. It must return soon, since what is measured waits for it, and must not call the
/// watch that called it.
pub trait Sink: Send + Sync {
    /// A counter grew.
    fn add(&self, metric: &'static Metric, labels: &[LabelValue], by: u64);

    /// A gauge is this now.
    fn set(&self, metric: &'static Metric, labels: &[LabelValue], value: f64);

    /// A value of a histogram.
    fn observe(&self, metric: &'static Metric, labels: &[LabelValue], value: f64);
}

/// The name of a label, and its value, which is one of its [`Values`](super::Values).
pub type LabelValue = (&'static str, Cow<'static, str>);

#[cfg(feature = "metrics")]
pub use facade::Facade;

#[cfg(feature = "metrics")]
mod facade {
    //! The `metrics` facade: whatever recorder the embedding program installed.

    use metrics::{Key, Label, Level, Metadata, Unit, with_recorder};

    use super::{LabelValue, Metric, Sink};
    use crate::observe::table::{METRICS, MetricKind};

    /// Hands measurements on to the recorder of the `metrics` crate that the program installed.
    /// Where none is, nothing happens.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Facade;

    static ABOUT: Metadata<'static> = Metadata::new("guardrail", Level::INFO, Some("guardrail"));

    impl Facade {
        /// Tells the recorder what each metric is. To be called once, behind installing it.
        pub fn describe(self) {
            with_recorder(|recorder| {
                for metric in METRICS {
                    let unit = (metric.unit == "seconds").then_some(Unit::Seconds);
                    match metric.kind {
                        MetricKind::Counter => {
                            recorder.describe_counter(metric.name.into(), unit, metric.help.into());
                        }
                        MetricKind::Gauge => {
                            recorder.describe_gauge(metric.name.into(), unit, metric.help.into());
                        }
                        MetricKind::Histogram(_) => {
                            recorder.describe_histogram(metric.name.into(), unit, metric.help.into());
                        }
                    }
                }
            });
        }
    }

    fn key(metric: &'static Metric, labels: &[LabelValue]) -> Key {
        let label = |(name, value): &LabelValue| Label::new(*name, value.clone());
        Key::from_parts(metric.name, labels.iter().map(label).collect::<Vec<_>>())
    }

    impl Sink for Facade {
        fn add(&self, metric: &'static Metric, labels: &[LabelValue], by: u64) {
            with_recorder(|to| to.register_counter(&key(metric, labels), &ABOUT).increment(by));
        }

        fn set(&self, metric: &'static Metric, labels: &[LabelValue], value: f64) {
            with_recorder(|to| to.register_gauge(&key(metric, labels), &ABOUT).set(value));
        }

        fn observe(&self, metric: &'static Metric, labels: &[LabelValue], value: f64) {
            with_recorder(|to| to.register_histogram(&key(metric, labels), &ABOUT).record(value));
        }
    }
}
