//! What a commit says it consumed, read back from `campanile.steps`.

use campanile_ledger::{Lane, Record};
use campanile_model::Timestamp;
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Lane {
        lane: Lane,
        first: u64,
        count: u64,
    },
    /// The next record was judged at this time, its own being too far ahead of the wall.
    Clamped {
        at: Timestamp,
    },
    Timer {
        due: Timestamp,
        at: Timestamp,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub(crate) seq: u64,
    pub(crate) now: Timestamp,
    pub(crate) next: [u64; 3],
    pub(crate) runs: Vec<Run>,
}

fn lane(name: &str) -> Option<Lane> {
    Lane::ALL.into_iter().find(|lane| lane.as_str() == name)
}

fn run(value: &Value) -> Option<Run> {
    let number = |nth: usize| value[nth].as_i64().map(Timestamp);
    match value[0].as_str()? {
        "clamped" => Some(Run::Clamped { at: number(3)? }),
        "timer" => Some(Run::Timer { due: number(3)?, at: number(4)? }),
        name => Some(Run::Lane { lane: lane(name)?, first: value[1].as_u64()?, count: value[2].as_u64()? }),
    }
}

pub(crate) fn read(record: &Record) -> Option<Steps> {
    let value: Value = serde_json::from_slice(&record.value).ok()?;
    let next = &value["next"];
    Some(Steps {
        seq: value["seq"].as_u64()?,
        now: Timestamp(value["now"].as_i64()?),
        next: [next[0].as_u64()?, next[1].as_u64()?, next[2].as_u64()?],
        runs: value["runs"].as_array()?.iter().map(run).collect::<Option<_>>()?,
    })
}
