//! Floor 0: the words of operation. The one table of metrics, the one table of error codes, and the only caller of
//! the `metrics` macros.
//!
//! - [`metrics`]: every series, with its labels, its buckets, what it means and what to do when it rises.
//! - [`emit`]: handles to series, made from the table, so that a name or label outside it cannot be written.
//! - [`error_codes`]: the codes that people can look up.
//! - [`docs`]: the reference page, rendered from the table.

pub mod docs;
pub mod emit;
pub mod error_codes;
pub mod metrics;

pub use emit::{Counter, Gauge, Histogram, counter, describe_all, gauge, histogram};
pub use metrics::Metric;
