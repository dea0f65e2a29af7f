//! What the machine says during a batch.

use campanile_ledger::{Publish, Record, TimerKey, Topic};
use campanile_model::{Outcome, Timestamp};

/// Collects records, timers and outcomes until the batch is sealed.
#[derive(Debug, Default)]
pub struct Output {
    pub(crate) publish: Vec<Publish>,
    pub(crate) bytes: usize,
    pub(crate) timers: Vec<(TimerKey, Option<Timestamp>)>,
    pub(crate) out_seq: u64,
    /// Few different outcomes occur in a batch: a short list beats a map.
    pub(crate) outcomes: Vec<(Outcome, u64)>,
    pub(crate) dead_letters: Vec<(&'static str, &'static str, u64)>,
}

impl Output {
    pub fn new(out_seq: u64) -> Self {
        Self { out_seq, ..Self::default() }
    }

    pub fn publish(&mut self, topic: Topic, partition: u16, record: Record) {
        self.bytes += record.size();
        self.publish.push(Publish { topic, partition, record });
    }

    /// The number of the next record on the topic that this machine alone writes; each number is taken once.
    pub fn next_out_seq(&mut self) -> u64 {
        self.out_seq += 1;
        self.out_seq
    }

    pub fn timer(&mut self, key: TimerKey, due: Option<Timestamp>) {
        self.timers.push((key, due));
    }

    pub fn outcome(&mut self, outcome: Outcome) {
        match self.outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, count)) => *count += 1,
            None => self.outcomes.push((outcome, 1)),
        }
    }

    pub fn dead_letter(&mut self, stage: &'static str, reason: &'static str) {
        match self.dead_letters.iter_mut().find(|(s, r, _)| *s == stage && *r == reason) {
            Some((_, _, count)) => *count += 1,
            None => self.dead_letters.push((stage, reason, 1)),
        }
    }

    pub fn records(&self) -> usize {
        self.publish.len()
    }

    /// Records so far, for machines' own tests.
    pub fn published(&self) -> &[Publish] {
        &self.publish
    }

    pub fn outcomes(&self) -> &[(Outcome, u64)] {
        &self.outcomes
    }
}
