//! The table of metrics: one entry per series, and nowhere else a name.
//!
//! Names follow Prometheus' practice: a prefix, base units, `_total` on counters. No label has unbounded values: a
//! partition is a label, a dedup key, a routing key or an incident never is. Each entry says what one unit of it
//! means and what an operator does when it rises, because an alarm without a remedy is noise of our own making.

mod gateway;
mod ledger;
mod notifier;
mod process;
mod processor;

pub use gateway::*;
pub use ledger::*;
pub use notifier::*;
pub use process::*;
pub use processor::*;

/// One series.
#[derive(Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub labels: &'static [Label],
    /// Upper bounds of a histogram's buckets, in its unit, rising; empty for the other kinds. Whoever installs the
    /// exporter gives them to it.
    pub buckets: &'static [f64],
    /// What one unit of it means. A sentence, read in the exporter's help line.
    pub meaning: &'static str,
    /// What an operator does when it rises, or that nothing needs doing.
    pub remedy: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises; begins at 0 with the process.
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things, of the kind that the name says.
    Count,
    Seconds,
    Bytes,
    BytesPerSecond,
    /// Seconds since 1970-01-01 UTC.
    UnixSeconds,
    /// 0 or 1.
    Flag,
}

impl Unit {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes per second",
            Self::UnixSeconds => "seconds since 1970",
            Self::Flag => "0 or 1",
        }
    }
}

#[derive(Debug)]
pub struct Label {
    pub name: &'static str,
    pub values: Values,
}

/// What a label can say.
#[derive(Debug)]
pub enum Values {
    /// These words; the empty one where the label has nothing to add.
    Closed(&'static [&'static str]),
    /// Values that are not known here, and what bounds their number.
    Bounded(&'static str),
}

/// Number of a shard, which is the number of its partition.
pub const SHARD: Label =
    Label { name: "shard", values: Values::Bounded("`0` to the ledger's number of shards less 1") };

/// What runs on a shard: the processor's machine or the notifier's.
pub const MACHINE: Label = Label { name: "machine", values: Values::Closed(&["triage", "notifier"]) };

/// Short names of the topics, as in `campanile tail`.
pub const TOPIC: Label = Label {
    name: "topic",
    values: Values::Closed(&[
        "events",
        "triage",
        "commands",
        "incidents",
        "alerts",
        "dead-letters",
        "directory",
        "steps",
        "pages",
        "answers",
        "notifications",
    ]),
};

/// From half a millisecond, which is a commit in memory, to the minute at which everyone has given up.
pub const SECONDS_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// From a small alert to beyond the largest body, 524288 bytes.
pub const BYTES_BUCKETS: &[f64] = &[
    256.0,
    512.0,
    1_024.0,
    2_048.0,
    4_096.0,
    8_192.0,
    16_384.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
];

/// Records in one batch, from a trickle to the largest batch.
pub const RECORDS_BUCKETS: &[f64] =
    &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0];

/// Every series, in the order of the reference page: title of the group, its metrics.
pub static GROUPS: &[(&str, &[&Metric])] = &[
    ("Gateway", gateway::ALL),
    ("Processor", processor::ALL),
    ("Notifier", notifier::ALL),
    ("Ledger", ledger::LEDGER),
    ("RocksDB", ledger::ROCKSDB),
    ("Process and directory", process::ALL),
];

/// Every series.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    GROUPS.iter().flat_map(|(_, metrics)| metrics.iter().copied())
}

/// The series of this name, without the suffixes that the exporter adds to a histogram.
pub fn named(name: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.name == name)
}
