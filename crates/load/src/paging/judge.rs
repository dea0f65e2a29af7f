//! What the topics say of each incident's second level.

use std::collections::HashMap;

use anyhow::Result;
use campanile_ledger::{Tail, Topic};
use campanile_model::{Span, Timestamp};
use serde_json::Value;

/// Milliseconds, sorted.
#[derive(Default)]
pub(super) struct Lateness(Vec<i64>);

impl Lateness {
    fn of(mut all: Vec<i64>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The value that a share of all does not exceed; 0 of none.
    pub(super) fn quantile(&self, share: f64) -> i64 {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(rank.max(1) - 1).copied().unwrap_or_default()
    }

    pub(super) fn line(&self) -> String {
        let of = |share| self.quantile(share);
        format!("p50 {} ms · p99 {} ms · p99.9 {} ms · most {} ms", of(0.5), of(0.99), of(0.999), of(1.0))
    }
}

pub(super) struct Verdict {
    pub(super) escalated: u64,
    /// From the deadline to the append of the command that asks for the step.
    pub(super) asked: Lateness,
    /// From the deadline to the log time at which the level was entered and its people paged.
    pub(super) entered: Lateness,
    pub(super) early: usize,
    pub(super) after_answer: usize,
}

impl Verdict {
    pub(super) fn of(tail: &dyn Tail, shards: u16, delay: Span) -> Result<Self> {
        let (mut first, mut second) = (HashMap::new(), HashMap::new());
        each(tail, Topic::Notifications, shards, |_, record| {
            if record["type"] == "entered" {
                let at = time(&record["occurred_at"]);
                let level = if record["place"][2] == 1 { &mut first } else { &mut second };
                level.insert(text(&record["incident"]), at);
            }
        })?;
        let mut asked = Vec::with_capacity(second.len());
        each(tail, Topic::Commands, shards, |at, record| {
            let is_second = record["verb"] == "escalate" && record["level"] == 2 && record["lap"] == 0;
            if let Some(entered) = first.get(record["incident"].as_str().unwrap_or_default()).filter(|_| is_second) {
                asked.push(at.since(*entered + delay).0);
            }
        })?;
        let (mut answered, mut escalated) = (HashMap::new(), HashMap::new());
        each(tail, Topic::Incidents, shards, |_, record| {
            let (seq, id) = (record["revision"].as_u64(), text(&record["data"]["id"]));
            match record["event_type"].as_str() {
                Some("incident.acknowledged") => drop(answered.insert(id, seq)),
                Some("incident.escalated") => drop(escalated.insert(id, seq)),
                Some(_) | None => {}
            }
        })?;
        let lateness = |(id, at): (&String, &Timestamp)| first.get(id).map(|entered| at.since(*entered + delay).0);
        let entered: Vec<_> = second.iter().filter_map(lateness).collect();
        Ok(Self {
            escalated: second.len() as u64,
            early: asked.iter().filter(|late| **late < 0).count(),
            after_answer: escalated.iter().filter(|(id, seq)| answered.get(*id).is_some_and(|it| it < *seq)).count(),
            asked: Lateness::of(asked),
            entered: Lateness::of(entered),
        })
    }
}

/// Whether a record of the incidents topic is of this kind.
pub(super) fn is_event(record: &[u8], kind: &str) -> bool {
    serde_json::from_slice::<Value>(record).is_ok_and(|record| record["event_type"] == kind)
}

fn each(tail: &dyn Tail, topic: Topic, shards: u16, mut show: impl FnMut(Timestamp, &Value)) -> Result<()> {
    for partition in 0..shards {
        let mut next = 0;
        loop {
            let records = tail.read(topic, partition, next, 10_000)?;
            let Some(last) = records.last() else { break };
            next = last.offset + 1;
            for stored in &records {
                show(stored.at, &serde_json::from_slice(&stored.record.value)?);
            }
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn time(value: &Value) -> Timestamp {
    let at = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Timestamp(at.map_or(0, jiff::Timestamp::as_millisecond))
}
