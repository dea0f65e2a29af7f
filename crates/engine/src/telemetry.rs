//! Outcomes to series, once per batch: nothing here is touched per event.

use std::time::{Duration, Instant};

use ahash::AHashMap;
use campanile_catalogue::emit::{Counter, Gauge, Histogram, counter, gauge, histogram};
use campanile_catalogue::metrics;
use campanile_ledger::{Intake, MachineId, Topic};
use campanile_model::{Outcome, ShardId, Timestamp};

use crate::shard::Standing;
use crate::slice::Growing;

/// Least time between two updates of gauges.
const GAUGES_EVERY: Duration = Duration::from_millis(500);

pub(crate) struct Telemetry {
    machine: MachineId,
    shard: String,
    outcomes: AHashMap<Outcome, Counter>,
    topics: AHashMap<Topic, Counter>,
    timers: AHashMap<&'static str, Counter>,
    dead_letters: AHashMap<(&'static str, &'static str), Counter>,
    rows: AHashMap<&'static str, Gauge>,
    commits: Counter,
    commit_seconds: Histogram,
    commit_records: Histogram,
    forwarded: Counter,
    panics: Counter,
    ahead: Counter,
    halted: Gauge,
    lag_seconds: Gauge,
    log_time: Gauge,
    /// Of events, so only of the machine that judges them.
    latency: Option<[Histogram; 3]>,
    gauges_at: Option<Instant>,
}

/// What the batch's oldest event has waited for, taken when it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Oldest {
    pub(crate) append_to_read: Duration,
    pub(crate) read_at: Instant,
}

impl Telemetry {
    pub(crate) fn new(machine: MachineId, shard: ShardId) -> Self {
        let shard = shard.to_string();
        let of = ("machine", machine.as_str());
        let own = [of, ("shard", shard.as_str())];
        let stage = |stage| histogram(&metrics::EVENT_LATENCY_SECONDS, &[("stage", stage)]);
        Self {
            outcomes: AHashMap::new(),
            topics: AHashMap::new(),
            timers: AHashMap::new(),
            dead_letters: AHashMap::new(),
            rows: AHashMap::new(),
            commits: counter(&metrics::COMMITS_TOTAL, &own),
            commit_seconds: histogram(&metrics::COMMIT_DURATION_SECONDS, &[of]),
            commit_records: histogram(&metrics::COMMIT_RECORDS, &[of]),
            forwarded: counter(&metrics::FORWARDED_TOTAL, &[]),
            panics: counter(&metrics::PANICS_TOTAL, &own),
            ahead: counter(&metrics::INPUTS_AHEAD_TOTAL, &own),
            halted: gauge(&metrics::HALTED, &own),
            lag_seconds: gauge(&metrics::LAG_SECONDS, &own),
            log_time: gauge(&metrics::LOG_TIME_SECONDS, &own),
            latency: (machine == MachineId::Triage)
                .then(|| [stage("append_to_read"), stage("read_to_commit"), stage("end_to_end")]),
            gauges_at: None,
            machine,
            shard,
        }
    }

    /// Counts what a batch did, as it is sealed.
    pub(crate) fn sealed(&mut self, growing: &Growing, rows: usize) {
        for (outcome, count) in &growing.output.outcomes {
            let (name, reason) = outcome.labels();
            let metric = match self.machine {
                MachineId::Triage => &metrics::EVENTS_PROCESSED_TOTAL,
                MachineId::Notifier => &metrics::PAGING_TOTAL,
            };
            let labels = [("shard", self.shard.as_str()), ("outcome", name), ("reason", reason)];
            let series = self.outcomes.entry(*outcome).or_insert_with(|| counter(metric, &labels));
            series.add(*count);
            if *outcome == Outcome::Forwarded {
                self.forwarded.add(*count);
            }
        }
        for (stage, reason, count) in &growing.output.dead_letters {
            let labels = [("stage", *stage), ("reason", *reason)];
            let series = self.dead_letters.entry((stage, reason));
            series.or_insert_with(|| counter(&metrics::DEAD_LETTERS_TOTAL, &labels)).add(*count);
        }
        for (kind, count) in &growing.fired {
            let series = self.timers.entry(kind);
            series.or_insert_with(|| counter(&metrics::TIMERS_FIRED_TOTAL, &[("kind", *kind)])).add(*count);
        }
        let mut published: Vec<(Topic, u64)> = Vec::new();
        for publish in &growing.output.publish {
            match published.iter_mut().find(|(topic, _)| *topic == publish.topic) {
                Some((_, count)) => *count += 1,
                None => published.push((publish.topic, 1)),
            }
        }
        for (topic, count) in published {
            let series = self.topics.entry(topic);
            let labels = [("topic", topic.short_name())];
            series.or_insert_with(|| counter(&metrics::RECORDS_PUBLISHED_TOTAL, &labels)).add(count);
        }
        if growing.clamped > 0 {
            self.ahead.add(growing.clamped);
        }
        self.commit_records.record((growing.output.records() + rows) as f64);
    }

    /// A batch became durable, so long after it was sealed.
    pub(crate) fn committed(&mut self, since_seal: Duration, oldest: Option<Oldest>) {
        self.commits.add(1);
        self.commit_seconds.record_duration(since_seal);
        if let (Some(Oldest { append_to_read, read_at }), Some(latency)) = (oldest, &self.latency) {
            let read_to_commit = read_at.elapsed();
            latency[0].record_duration(append_to_read);
            latency[1].record_duration(read_to_commit);
            latency[2].record_duration(append_to_read + read_to_commit);
        }
    }

    pub(crate) fn panicked(&self) {
        self.panics.add(1);
    }

    pub(crate) fn gauges_due(&self) -> bool {
        self.gauges_at.is_none_or(|at| at.elapsed() >= GAUGES_EVERY)
    }

    pub(crate) fn gauges(
        &mut self,
        standing: &Standing,
        intake: &Intake,
        remembered: &[(&'static str, usize)],
        wall: Timestamp,
    ) {
        self.gauges_at = Some(Instant::now());
        self.halted.set(if standing.halted.is_some() { 1.0 } else { 0.0 });
        self.log_time.set(standing.now.0 as f64 / 1000.0);
        let heads = [intake.main.front(), intake.hop.front(), intake.door.front()];
        let oldest = heads.into_iter().flatten().map(|stored| stored.at).min();
        self.lag_seconds.set(oldest.map_or(0.0, |at| wall.since(at).0.max(0) as f64 / 1000.0));
        for (kind, count) in remembered {
            let labels = [("machine", self.machine.as_str()), ("shard", self.shard.as_str()), ("kind", *kind)];
            let series = self.rows.entry(kind);
            series.or_insert_with(|| gauge(&metrics::ROWS_REMEMBERED, &labels)).set(*count as f64);
        }
    }
}
