//! The funnel, counted only from what came out: records of `alerts` and `incidents`, read like any consumer would.

use std::collections::HashMap;

use anyhow::Result;
use campanile_ledger::{Stored, Tail, TailError, Topic};
use serde_json::Value;

use super::story::{EXPECTED, Totals};

/// Records read in one go.
const CHUNK: usize = 1000;

#[derive(Debug, Default)]
pub struct Funnel {
    /// Next offset of each partition of `alerts`, and of `incidents`.
    next: [Vec<u64>; 2],
    alerts: HashMap<String, Seen>,
    /// Priority of each incident when it was triggered.
    incidents: HashMap<String, Option<String>>,
}

#[derive(Debug, Default)]
struct Seen {
    count: u64,
    was_suppressed: bool,
    is_resolved: bool,
}

impl Funnel {
    /// A funnel of so many partitions, from their first records on.
    pub fn new(shards: u16) -> Self {
        let zeros = vec![0; usize::from(shards)];
        Self { next: [zeros.clone(), zeros], ..Self::default() }
    }

    /// Reads on to the end of both topics.
    ///
    /// # Errors
    /// The log is damaged.
    pub fn read(&mut self, tail: &dyn Tail) -> Result<()> {
        for (lane, topic) in [Topic::Alerts, Topic::Incidents].into_iter().enumerate() {
            for partition in 0..self.next[lane].len() {
                loop {
                    let records = match tail.read(topic, partition as u16, self.next[lane][partition], CHUNK) {
                        Ok(records) => records,
                        Err(TailError::Trimmed { start, .. }) => {
                            self.next[lane][partition] = start;
                            continue;
                        }
                        Err(error) => return Err(error.into()),
                    };
                    let Some(last) = records.last() else { break };
                    self.next[lane][partition] = last.offset + 1;
                    records.iter().for_each(|stored| self.take(topic, stored));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, topic: Topic, stored: &Stored) {
        let json: Value = serde_json::from_slice(&stored.record.value).unwrap_or_default();
        if topic == Topic::Alerts {
            let Some(id) = json["id"].as_str() else { return };
            let seen = self.alerts.entry(id.to_owned()).or_default();
            seen.count = json["count"].as_u64().unwrap_or(seen.count);
            seen.was_suppressed |= json["suppressed"] == true;
            seen.is_resolved = json["status"] == "resolved";
        } else if json["event_type"] == "incident.triggered"
            && let Some(id) = json["data"]["id"].as_str()
        {
            let priority = json["data"]["priority"]["summary"].as_str().map(str::to_owned);
            self.incidents.insert(id.to_owned(), priority);
        }
    }

    pub fn totals(&self) -> Totals {
        let of =
            |name: &str| self.incidents.values().filter(|priority| priority.as_deref() == Some(name)).count() as u64;
        Totals {
            raw: self.alerts.values().map(|seen| seen.count).sum(),
            alerts: self.alerts.len() as u64,
            unsuppressed: self.alerts.values().filter(|seen| !seen.was_suppressed).count() as u64,
            incidents: self.incidents.len() as u64,
            priorities: [of("P1"), of("P2"), of("P3")],
        }
    }

    /// Every expected alert came and was resolved: nothing more will come.
    pub fn is_over(&self) -> bool {
        self.alerts.len() as u64 >= EXPECTED.alerts && self.alerts.values().all(|seen| seen.is_resolved)
    }
}

/// What differs from the expected numbers, one line each.
pub fn differences(found: &Totals) -> Vec<String> {
    let [p1, p2, p3] = found.priorities;
    let [e1, e2, e3] = EXPECTED.priorities;
    let pairs = [
        ("raw alerts", EXPECTED.raw, found.raw),
        ("alerts", EXPECTED.alerts, found.alerts),
        ("not suppressed", EXPECTED.unsuppressed, found.unsuppressed),
        ("incidents", EXPECTED.incidents, found.incidents),
        ("P1", e1, p1),
        ("P2", e2, p2),
        ("P3", e3, p3),
    ];
    let wrong = pairs.into_iter().filter(|(_, expected, found)| expected != found);
    wrong.map(|(name, expected, found)| format!("{name}: expected {expected}, found {found}")).collect()
}

/// `1000 raw → 400 alerts → 300 not suppressed → 50 incidents (P1 5, P2 15, P3 30)`.
pub fn sentence(totals: &Totals) -> String {
    let Totals { raw, alerts, unsuppressed, incidents, priorities: [p1, p2, p3] } = totals;
    format!(
        "{raw} raw → {alerts} alerts → {unsuppressed} not suppressed → {incidents} incidents (P1 {p1}, P2 {p2}, P3 {p3})"
    )
}
