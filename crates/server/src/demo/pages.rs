//! Pages, counted only from what came out: records of `notifications`, read like any consumer would.

use anyhow::Result;
use campanile_ledger::{Tail, TailError, Topic};
use serde_json::Value;

/// Records read in one go.
const CHUNK: usize = 1000;

#[derive(Debug, Default)]
pub struct Pages {
    /// Next offset of each partition.
    next: Vec<u64>,
    /// Pages that a provider took.
    pub taken: u64,
    /// Levels beyond the first that were entered, repeats too.
    pub escalations: u64,
    /// Incidents that were resolved before their priority's delay ended: nobody was woken.
    pub saved: u64,
}

impl Pages {
    /// Of so many partitions, from their first records on.
    pub fn new(shards: u16) -> Self {
        Self { next: vec![0; usize::from(shards)], ..Self::default() }
    }

    /// Reads on to the end.
    ///
    /// # Errors
    /// The log is damaged.
    pub fn read(&mut self, tail: &dyn Tail) -> Result<()> {
        for partition in 0..self.next.len() {
            loop {
                let records = match tail.read(Topic::Notifications, partition as u16, self.next[partition], CHUNK) {
                    Ok(records) => records,
                    Err(TailError::Trimmed { start, .. }) => {
                        self.next[partition] = start;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let Some(last) = records.last() else { break };
                self.next[partition] = last.offset + 1;
                records.iter().for_each(|stored| self.take(&stored.record.value));
            }
        }
        Ok(())
    }

    fn take(&mut self, value: &[u8]) {
        let json: Value = serde_json::from_slice(value).unwrap_or_default();
        let place = |nth: usize| json["place"][nth].as_u64().unwrap_or(0);
        match json["type"].as_str().unwrap_or_default() {
            "accepted" => self.taken += 1,
            "entered" if place(2) > 1 || place(1) > 0 => self.escalations += 1,
            "saved" => self.saved += 1,
            _ => {}
        }
    }

    /// `23 pages, 4 escalations, 31 incidents over before anybody was woken`.
    pub fn sentence(&self) -> String {
        let Self { taken, escalations, saved, .. } = self;
        format!("{taken} pages, {escalations} escalations, {saved} incidents over before anybody was woken")
    }
}
