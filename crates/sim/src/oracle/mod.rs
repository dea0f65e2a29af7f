//! The oracle: every commit that becomes visible is held against the laws at once, and against a reference run of the same
//! inputs in the same order.
//!
//! Laws: each record of a lane is consumed once and in order; commits are numbered one after the other; `out_seq` has no
//! gap; revisions of an incident follow each other; the door does not move log time and a timer fires at the later of its
//! due and now; a scope is judged at its home alone; rows, timers and records are the reference's, byte for byte; and what
//! a restore brings back is that too.

mod script;
mod steps;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ahash::AHashMap;
use bytes::Bytes;
use campanile_engine::{Cadence, Machine, Runner, RunnerOptions};
use campanile_ledger::{Card, CommitRecord, Lane, MachineId, RowKey, TimerKey, Topic};
use campanile_model::murmur2::partition_of;
use campanile_model::{ShardId, Timestamp};
use campanile_processor::Directory;
use campanile_record::hop;
use serde_json::Value;

use crate::broker::{Broker, Committed, Place};
use crate::schedule::lock;
use crate::tables;
use crate::wire::stored;
use script::{Feed, ScriptShard, Table, feed};
use steps::{Run, Steps};

/// Never due: the oracle seals where the commit did.
const NEVER: Duration = Duration::from_secs(1 << 40);

/// Steps the reference through one feed at a wall time.
type Step = Box<dyn FnMut(Option<Timestamp>) -> Result<(), String>>;

struct Reference {
    table: Arc<Mutex<Table>>,
    /// `None` seals, a time is the wall of one step.
    step: Step,
    last: CommitRecord,
    /// Log time, reckoned apart from the engine.
    now: Timestamp,
    /// The changelog so far, newest value of each key.
    changelog: BTreeMap<Bytes, Bytes>,
}

pub(crate) struct Oracle {
    card: Card,
    directory: Directory,
    shards: BTreeMap<u16, Reference>,
    revisions: AHashMap<String, u64>,
    /// Incidents that commands may be about, with their shard.
    pub(crate) incidents: Vec<(u16, String)>,
    pub(crate) commits: u64,
    pub(crate) inputs: u64,
}

type Law = Result<(), String>;

fn check(holds: bool, law: impl FnOnce() -> String) -> Law {
    if holds { Ok(()) } else { Err(law()) }
}

impl Oracle {
    pub(crate) fn new(card: Card, directory: Directory) -> Self {
        let (shards, revisions, incidents) = Default::default();
        Self { card, directory, shards, revisions, incidents, commits: 0, inputs: 0 }
    }

    fn reference(&mut self, shard: u16) -> &mut Reference {
        let (card, directory) = (self.card, &self.directory);
        self.shards.entry(shard).or_insert_with(|| Reference::new(card, directory, ShardId(shard)))
    }

    /// Judges one commit.
    pub(crate) fn committed(&mut self, broker: &mut Broker, commit: &Committed) -> Law {
        let shard = commit.shard;
        let text = commit.rows.iter().rfind(|(key, _)| &key[..] == b"~commit");
        let text = text.and_then(|(_, value)| value.as_ref()).and_then(|value| std::str::from_utf8(value).ok());
        let Some(record) = text.and_then(|text| text.parse::<CommitRecord>().ok()) else {
            return Err(format!("shard {shard}: a transaction without its commit record"));
        };
        self.commits += 1;
        let witness = (record.next[0], record.to_string());
        check(commit.witness.as_ref() == Some(&witness), || {
            format!("shard {shard}: commit {} is witnessed as {:?}", record.seq, commit.witness)
        })?;
        let last = self.reference(shard).last.clone();
        check(record.seq == last.seq + 1, || {
            format!("shard {shard}: commit {} follows {}: applied twice, or lost", record.seq, last.seq)
        })?;
        let steps = commit.records.iter().find(|(place, _)| *place == Place::of(Topic::Steps, shard));
        match steps {
            Some((_, found)) => {
                let steps = steps::read(found).ok_or("steps that cannot be read")?;
                self.consumed(broker, shard, &record, &steps)?;
                self.compare_records(commit, shard)?;
            }
            None => {
                check(record.next == last.next && commit.records.is_empty(), || {
                    format!("shard {shard}: commit {} moves lanes and notes no steps", record.seq)
                })?;
                let (card, directory) = (self.card, Directory::clone(&self.directory));
                self.reference(shard).open(card, &directory, ShardId(shard), record.clone());
            }
        }
        self.judge_records(commit, shard, &record, &last)?;
        let reference = self.reference(shard);
        reference.last = record;
        reference.apply_rows(commit, shard)
    }

    /// Lanes: nothing left out, nothing twice. Then the reference does the same.
    fn consumed(&mut self, broker: &mut Broker, shard: u16, record: &CommitRecord, steps: &Steps) -> Law {
        check(steps.seq == record.seq && steps.next == record.next && steps.now == record.now, || {
            format!("shard {shard}: steps of commit {} say {steps:?}", record.seq)
        })?;
        let mut next = self.reference(shard).last.next;
        let mut wall = None;
        let mut inputs = 0;
        let reference = self.reference(shard);
        for run in &steps.runs {
            match *run {
                Run::Clamped { at } => wall = Some(at),
                Run::Timer { due, at } => {
                    let told = reference.now.max(due);
                    check(at == told, || format!("shard {shard}: a timer due {due} fired at {at}, not at {told}"))?;
                    reference.now = told;
                    reference.give(Feed::Horizon(due), None)?;
                }
                Run::Lane { lane, first, count } => {
                    for offset in first..first + count {
                        inputs += 1;
                        let log = broker.lane(lane, shard);
                        let entry = log.committed(next[lane as usize], u64::MAX).next().and_then(stored);
                        let Some(entry) = entry.filter(|entry| entry.offset == offset) else {
                            return Err(format!(
                                "shard {shard}: {} {offset} was consumed where {} was next: lost or applied twice",
                                lane.as_str(),
                                next[lane as usize]
                            ));
                        };
                        next[lane as usize] = offset + 1;
                        let source = hop::source(&entry.record).map_or(entry.at, |source| source.at);
                        if lane != Lane::Door {
                            reference.now = reference.now.max(wall.unwrap_or(source));
                        }
                        reference.give(Feed::Input(lane, entry), wall.take())?;
                    }
                }
            }
        }
        check(next == record.next, || format!("shard {shard}: {next:?} was consumed, {:?} committed", record.next))?;
        let now = reference.now;
        check(now == record.now, || {
            format!("shard {shard}: log time is {} after commit {}, reckoned {now}", record.now, record.seq)
        })?;
        let seal = (reference.step)(None);
        self.inputs += inputs;
        seal
    }

    /// What was published, against what the reference publishes.
    fn compare_records(&mut self, commit: &Committed, shard: u16) -> Law {
        let sealed = lock(&self.reference(shard).table).sealed.take();
        let batch = sealed.ok_or_else(|| format!("shard {shard}: the reference had nothing to commit"))?;
        let mut expected: Vec<(Place, Bytes, Bytes)> = Vec::new();
        for it in batch.publish {
            let place = Place::of(it.topic, it.partition);
            expected.push((place, it.record.key.unwrap_or_default(), it.record.value));
        }
        expected.sort_by_key(|(place, _, _)| *place);
        let found = commit
            .records
            .iter()
            .map(|(place, record)| (*place, record.key.clone().unwrap_or_default(), record.value.clone()));
        for (nth, found) in found.enumerate() {
            let Some(wanted) = expected.get(nth) else {
                return Err(format!("shard {shard}: published {found:?}, and the reference did not"));
            };
            check(found == *wanted, || format!("shard {shard}: published {found:?}, the reference {wanted:?}"))?;
        }
        check(commit.records.len() == expected.len(), || {
            format!("shard {shard}: published {} records, the reference {}", commit.records.len(), expected.len())
        })
    }

    /// Laws of the incidents topic.
    fn judge_records(&mut self, commit: &Committed, shard: u16, record: &CommitRecord, last: &CommitRecord) -> Law {
        let mut out_seq = last.out_seq;
        for (_, found) in commit.records.iter().filter(|(place, _)| *place == Place::of(Topic::Incidents, shard)) {
            let value: Value = serde_json::from_slice(&found.value).map_err(|error| error.to_string())?;
            out_seq += 1;
            check(value["out_seq"] == out_seq, || {
                format!("shard {shard}: out_seq {} where {out_seq} was next", value["out_seq"])
            })?;
            let Some(service) = value["data"]["service"]["id"].as_str() else { continue };
            let home = partition_of(service.as_bytes(), self.card.shards);
            check(home == shard, || format!("{service} was judged at shard {shard}, its home is {home}"))?;
            let id = value["data"]["id"].as_str().unwrap_or_default().to_owned();
            let revision = value["revision"].as_u64().unwrap_or_default();
            let newest = self.revisions.entry(id.clone()).or_insert(0);
            check(revision == *newest + 1, || {
                format!("TR-5: incident {id} went from revision {newest} to {revision}")
            })?;
            *newest = revision;
            if revision == 1 {
                self.incidents.push((shard, id));
            }
        }
        check(out_seq == record.out_seq, || {
            format!("shard {shard}: {out_seq} records published, commit {} says {}", record.seq, record.out_seq)
        })
    }

    /// What a claim brought back, against the reference.
    pub(crate) fn restored(
        &mut self,
        commit: &CommitRecord,
        shard: u16,
        rows: &[(RowKey, Vec<u8>)],
        timers: &[(Timestamp, TimerKey)],
    ) -> Law {
        let reference = self.reference(shard);
        check(*commit == reference.last, || {
            format!("shard {shard} opened at commit {}, the last one is {}", commit.seq, reference.last.seq)
        })?;
        let table = lock(&reference.table);
        check(rows.iter().map(|(key, value)| (key, value)).eq(&table.rows), || {
            format!("shard {shard}: {} rows restored are not the {} of the reference", rows.len(), table.rows.len())
        })?;
        let found: BTreeMap<TimerKey, Timestamp> = timers.iter().map(|(due, key)| (*key, *due)).collect();
        check(found == table.timers, || {
            format!("shard {shard}: {} timers restored, the reference has {}", found.len(), table.timers.len())
        })
    }

    /// Laws of the machine on what has come to rest.
    pub(crate) fn at_rest(&mut self, broker: &mut Broker, horizon: Timestamp) -> Law {
        for (shard, reference) in &self.shards {
            tables::hold(self.card, ShardId(*shard), &lock(&reference.table).rows)?;
        }
        for shard in 0..broker.partitions {
            let last = self.reference(shard).last.clone();
            for lane in Lane::ALL {
                let left = broker.lane(lane, shard).committed(last.next[lane as usize], u64::MAX).count();
                check(left == 0, || format!("shard {shard}: {left} records of {} are not consumed", lane.as_str()))?;
            }
            let late = lock(&self.reference(shard).table).timers_due_by(horizon);
            check(late == 0, || format!("shard {shard}: {late} timers that were due by {horizon} did not fire"))?;
        }
        Ok(())
    }
}

impl Reference {
    fn new(card: Card, directory: &Directory, shard: ShardId) -> Self {
        let (table, last, now, changelog) = Default::default();
        let mut reference = Self { table, step: Box::new(|_| Ok(())), last, now, changelog };
        reference.open(card, directory, shard, CommitRecord::default());
        reference
    }

    /// Begins anew on its own table, as the shard's new owner does on what it restored.
    fn open(&mut self, card: Card, directory: &Directory, shard: ShardId, commit: CommitRecord) {
        let script = ScriptShard::open(card, shard, commit, &self.table);
        self.step = stepper(script, campanile_processor::machine(Directory::clone(directory), shard, "http://sim"));
    }

    fn give(&mut self, input: Feed, wall: Option<Timestamp>) -> Law {
        feed(&self.table, input);
        // Far ahead of every input, unless the commit says at which wall this one was judged.
        let far = Timestamp(i64::MAX / 4);
        (self.step)(Some(wall.unwrap_or(far)))
    }

    /// Rows of the transaction, against the reference's table as a changelog.
    fn apply_rows(&mut self, commit: &Committed, shard: u16) -> Law {
        for (key, value) in commit.rows.iter().filter(|(key, _)| &key[..] != b"~commit") {
            match value {
                Some(value) => drop(self.changelog.insert(key.clone(), value.clone())),
                None => drop(self.changelog.remove(key)),
            }
        }
        let table = lock(&self.table);
        let rows = table.rows.iter().map(|(key, value)| ([&b"r"[..], &key.0].concat(), value.clone()));
        let timers = table.timers.iter().map(|(key, due)| {
            ([&[b't', key.kind][..], &key.object.to_be_bytes()].concat(), due.0.to_be_bytes().to_vec())
        });
        let is_equal = rows.chain(timers).eq(self.changelog.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        check(is_equal, || format!("shard {shard}: the changelog is not the state at commit {}", self.last.seq))
    }
}

/// The engine on the script, as a step.
fn stepper<M: Machine + 'static>(script: ScriptShard, machine: M) -> Step {
    let cadence = Cadence {
        gap: NEVER,
        age: NEVER,
        age_hard: NEVER,
        changes: usize::MAX,
        bytes: usize::MAX,
        changes_hard: usize::MAX,
        bytes_hard: usize::MAX,
    };
    let mut runner = Runner::new(
        script,
        machine,
        RunnerOptions { cadence, event_time: false, steps: true, machine: MachineId::Triage },
    );
    Box::new(move |wall| {
        let done = match wall {
            Some(wall) => runner.step(wall).map(drop),
            None => runner.drain(NEVER).map(drop),
        };
        done.map_err(|stop| format!("the reference stopped: {stop}"))
    })
}
