//! Those who carry news that need no answer.

mod fan_out;
mod lines;
#[cfg(feature = "webhook")]
pub(crate) mod webhook;

pub use fan_out::FanOut;
pub use lines::LinesNotifier;
