//! Handles to series. The only user of the `metrics` crate's macros.
//!
//! A handle is made once and kept: making one looks a name up, using one is an atomic. It belongs to the recorder that
//! was installed when it was made; one made before any recorder is a handle to nothing, which tests rely on and which a
//! program avoids by installing the recorder first.

use std::time::Duration;

use metrics::Label;

use crate::metrics::{Kind, Metric, Unit, Values, all};

#[derive(Clone)]
pub struct Counter(metrics::Counter);

impl Counter {
    pub fn add(&self, count: u64) {
        self.0.increment(count);
    }
}

#[derive(Clone)]
pub struct Gauge(metrics::Gauge);

impl Gauge {
    pub fn set(&self, value: f64) {
        self.0.set(value);
    }

    pub fn add(&self, difference: f64) {
        self.0.increment(difference);
    }

    pub fn subtract(&self, difference: f64) {
        self.0.decrement(difference);
    }
}

#[derive(Clone)]
pub struct Histogram(metrics::Histogram);

impl Histogram {
    /// One observation, in the metric's unit.
    pub fn record(&self, value: f64) {
        self.0.record(value);
    }

    /// One observation of a metric in seconds.
    pub fn record_duration(&self, duration: Duration) {
        self.0.record(duration.as_secs_f64());
    }
}

/// The series of a counter with these values for its labels, named in the table's order.
///
/// # Panics
/// In debug builds, if kind, label names or values are not those of the table.
pub fn counter(metric: &'static Metric, labels: &[(&'static str, &str)]) -> Counter {
    Counter(metrics::counter!(metric.name, checked(metric, Kind::Counter, labels)))
}

/// The series of a gauge, as [`counter`].
///
/// # Panics
/// As [`counter`].
pub fn gauge(metric: &'static Metric, labels: &[(&'static str, &str)]) -> Gauge {
    Gauge(metrics::gauge!(metric.name, checked(metric, Kind::Gauge, labels)))
}

/// The series of a histogram, as [`counter`].
///
/// # Panics
/// As [`counter`].
pub fn histogram(metric: &'static Metric, labels: &[(&'static str, &str)]) -> Histogram {
    Histogram(metrics::histogram!(metric.name, checked(metric, Kind::Histogram, labels)))
}

/// Gives the recorder the unit and the help line of every series. Once, after the recorder is installed.
pub fn describe_all() {
    for metric in all() {
        match (metric.kind, unit(metric.unit)) {
            (Kind::Counter, unit) => metrics::describe_counter!(metric.name, unit, metric.meaning),
            (Kind::Gauge, unit) => metrics::describe_gauge!(metric.name, unit, metric.meaning),
            (Kind::Histogram, unit) => metrics::describe_histogram!(metric.name, unit, metric.meaning),
        }
    }
}

const fn unit(unit: Unit) -> metrics::Unit {
    match unit {
        Unit::Seconds | Unit::UnixSeconds => metrics::Unit::Seconds,
        Unit::Bytes => metrics::Unit::Bytes,
        Unit::BytesPerSecond | Unit::Count | Unit::Flag => metrics::Unit::Count,
    }
}

fn checked(metric: &'static Metric, kind: Kind, labels: &[(&'static str, &str)]) -> Vec<Label> {
    debug_assert!(metric.kind == kind, "{} is a {}, not a {}", metric.name, metric.kind.as_str(), kind.as_str());
    debug_assert!(
        metric.labels.iter().map(|label| label.name).eq(labels.iter().map(|(name, _)| *name)),
        "{} has other labels than {labels:?}",
        metric.name
    );
    debug_assert!(
        metric.labels.iter().zip(labels).all(|(label, (_, value))| match label.values {
            Values::Closed(words) => words.contains(value),
            Values::Bounded(_) => true,
        }),
        "{} has no such values as {labels:?}",
        metric.name
    );
    labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect()
}
