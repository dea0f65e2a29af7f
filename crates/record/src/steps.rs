//! `campanile.steps`: what each commit of a shard consumed, in the order it was judged. With the input topics it is
//! enough to replay every decision of the shard.
//!
//! `{"v":1,"seq":7,"now":…,"epoch":1,"serial":41,"out_seq":12,"next":[m,h,d],"runs":[["main",first,count],
//! ["timer","auto_resolve","object in hex",due,at],["hop",first,count],["clamped","hop",offset,at],["door",first,count]]}`. Times are
//! milliseconds. `clamped` stands in front of a record that was judged at another time than its own.

use std::io::Write;

use campanile_model::{Epoch, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Consecutive records of one lane.
    Lane {
        lane: &'static str,
        first: u64,
        count: u64,
    },
    /// The next record carried a time too far ahead of the wall and was judged at `at`.
    Clamped {
        lane: &'static str,
        offset: u64,
        at: Timestamp,
    },
    Timer {
        kind: &'static str,
        object: u128,
        due: Timestamp,
        at: Timestamp,
    },
}

/// Collects the runs of one batch.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    runs: Vec<Run>,
}

impl Steps {
    pub fn record(&mut self, lane: &'static str, offset: u64) {
        if let Some(Run::Lane { lane: last, first, count }) = self.runs.last_mut()
            && *last == lane
            && *first + *count == offset
        {
            *count += 1;
            return;
        }
        self.runs.push(Run::Lane { lane, first: offset, count: 1 });
    }

    pub fn clamped(&mut self, lane: &'static str, offset: u64, at: Timestamp) {
        self.runs.push(Run::Clamped { lane, offset, at });
    }

    pub fn timer(&mut self, kind: &'static str, object: u128, due: Timestamp, at: Timestamp) {
        self.runs.push(Run::Timer { kind, object, due, at });
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub fn clear(&mut self) {
        self.runs.clear();
    }
}

/// Where the shard stands after the commit.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub seq: u64,
    pub now: Timestamp,
    pub epoch: Epoch,
    pub serial: u64,
    pub out_seq: u64,
    pub next: [u64; 3],
}

pub fn encode(steps: &Steps, standing: Standing) -> Vec<u8> {
    let Standing { seq, now, epoch, serial, out_seq, next: [main, hop, door] } = standing;
    let mut out = Vec::with_capacity(160 + 32 * steps.runs.len());
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "{{\"v\":1,\"seq\":{seq},\"now\":{},\"epoch\":{},\"serial\":{serial},\"out_seq\":{out_seq},\"next\":[{main},{hop},{door}],\"runs\":[",
        now.0, epoch.0
    );
    for (i, run) in steps.runs.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let _ = match run {
            Run::Lane { lane, first, count } => write!(out, "{comma}[\"{lane}\",{first},{count}]"),
            Run::Clamped { lane, offset, at } => write!(out, "{comma}[\"clamped\",\"{lane}\",{offset},{}]", at.0),
            Run::Timer { kind, object, due, at } => {
                write!(out, "{comma}[\"timer\",\"{kind}\",\"{object:x}\",{},{}]", due.0, at.0)
            }
        };
    }
    out.extend_from_slice(b"]}");
    out
}
