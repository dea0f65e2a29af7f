//! What every adapter must do, as one suite.
//!
//! An adapter's tests give a [`Subject`] and take all cases with [`contract_tests!`](crate::contract_tests). The cases
//! panic with what they found; they sleep nowhere and wait only for answers, each at most [`PATIENCE`].

mod commits;
mod lanes;
mod log;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use campanile_model::{Epoch, Span, Timestamp};

use crate::batch::{Batch, Publish, RowKey, TimerKey};
use crate::error::AppendError;
use crate::machine::MachineId;
use crate::port::{Appended, Appender, Claim, Intake, Settled, Shard, Shards, Tail};
use crate::record::{Record, Stored};
use crate::topic::Topic;

pub use commits::*;
pub use lanes::*;
pub use log::*;

/// Longest wait for an answer that must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A ledger of two shards or more with nothing in it, and the means to trouble it.
pub trait Subject {
    type Shards: Shards;

    /// All shards of a machine that nobody holds.
    fn shards_of(&self, machine: MachineId) -> Self::Shards;
    /// Those of triage.
    fn shards(&self) -> Self::Shards {
        self.shards_of(MachineId::Triage)
    }
    fn appender(&self) -> Arc<dyn Appender>;
    fn tail(&self) -> Arc<dyn Tail>;
    /// Turns the clock that stamps append times; it stands otherwise. A negative span turns it back.
    fn turn(&self, by: Span);
    /// Nothing becomes durable until [`Subject::release`].
    fn hold(&self);
    fn release(&self);
    /// Ends the process, as by kill -9, and opens again what it left. Durability is no longer held back after that.
    fn crash_and_reopen(&mut self);
    /// Trims a partition as far as it may be, at most below `below`.
    fn trim(&self, topic: Topic, partition: u16, below: u64);
    /// Largest record that the ledger takes, in bytes of key, headers and value.
    fn record_bytes_max(&self) -> usize {
        crate::memory::RECORD_BYTES_MAX
    }
}

/// One `#[test]` per case, each on a new subject from `$make`.
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests!(@each $make;
            append_gives_consecutive_offsets_and_at_never_runs_backwards,
            append_to_a_partition_that_is_not_there_is_refused,
            record_over_the_limit_is_refused_with_its_append,
            record_is_readable_only_once_it_is_durable,
            appended_records_are_read_by_lane_in_order,
            read_tops_up_to_max_and_goes_on_where_it_ended,
            concurrent_appends_interleave_without_gaps,
            commit_shows_rows_timers_records_and_cursor_together,
            crash_before_durability_keeps_all_of_a_commit_or_nothing,
            rows_scans_and_timers_see_sealed_batches,
            scan_goes_by_prefix_and_after_a_key,
            timers_come_by_due_then_key_and_rearming_replaces,
            next_due_is_never_later_than_the_earliest_timer,
            reopen_returns_to_the_last_commit_and_reads_again,
            crash_keeps_the_last_durable_commit_and_inputs_go_on_from_it,
            answered_appends_survive_a_crash,
            horizon_comes_only_at_the_end_and_binds_later_appends,
            hop_published_to_a_sibling_arrives_there,
            tail_never_shows_records_that_are_not_durable,
            trimmed_offsets_are_reported_as_trimmed,
            trim_stops_below_what_a_lane_has_not_committed,
            order_of_sealed_batches_holds,
            shard_claimed_again_goes_on_from_its_last_commit,
            idle_ends_when_something_becomes_readable,
            machines_have_lanes_rows_timers_and_commits_of_their_own,
            trim_stops_below_what_either_machine_has_not_committed,
            machine_that_never_ran_begins_with_what_is_held,
        );
    };
    (@each $make:expr; $($case:ident),+ $(,)?) => {$(
        #[test]
        fn $case() {
            $crate::contract::$case(&mut $make);
        }
    )+};
}

type ShardOf<S> = <<S as Subject>::Shards as Shards>::Shard;

fn claim<S: Subject>(subject: &S) -> Vec<ShardOf<S>> {
    claim_of(subject, MachineId::Triage)
}

fn claim_of<S: Subject>(subject: &S, machine: MachineId) -> Vec<ShardOf<S>> {
    let mut shards: Vec<_> = subject
        .shards_of(machine)
        .claims(PATIENCE)
        .into_iter()
        .map(|claim| match claim {
            Claim::Granted(shard) => shard,
            Claim::Revoked(id) | Claim::Lost(id) => panic!("shard {id} was taken away at the first claim"),
        })
        .collect();
    shards.sort_by_key(|shard| shard.id().0);
    assert!(shards.len() >= 2, "the suite needs two shards, got {}", shards.len());
    shards
}

fn record(text: &str) -> Record {
    Record::new(format!("key-{text}"), text.to_owned())
}

fn put<S: Subject>(subject: &S, topic: Topic, partition: u16, texts: &[&str]) -> Appended {
    let records = texts.iter().map(|text| record(text)).collect();
    subject.appender().append_wait(topic, partition, records).expect("append is answered")
}

fn put_later<S: Subject>(
    subject: &S,
    topic: Topic,
    partition: u16,
    texts: &[&str],
) -> Receiver<Result<Appended, AppendError>> {
    let (tx, rx) = mpsc::channel();
    let records = texts.iter().map(|text| record(text)).collect();
    subject.appender().append(topic, partition, records, Box::new(move |answer| drop(tx.send(answer))));
    rx
}

fn texts<'a>(records: impl IntoIterator<Item = &'a Stored>) -> Vec<String> {
    records.into_iter().map(|stored| String::from_utf8_lossy(&stored.record.value).into_owned()).collect()
}

fn read<S: Shard>(shard: &mut S) -> Intake {
    let mut intake = Intake::default();
    shard.read(1000, Duration::ZERO, &mut intake).expect("read");
    intake
}

/// Reads until the main lane holds `count` records.
fn read_main<S: Shard>(shard: &mut S, count: usize) -> Intake {
    let mut intake = Intake::default();
    let until = Instant::now() + PATIENCE;
    while intake.main.len() < count {
        assert!(Instant::now() < until, "read {} records of {count}", intake.main.len());
        shard.read(1000, Duration::from_millis(100), &mut intake).expect("read");
    }
    intake
}

fn settle<S: Shard>(shard: &mut S, seq: u64) {
    let until = Instant::now() + PATIENCE;
    loop {
        match shard.settled(Duration::from_millis(100)).expect("settled") {
            Settled::Committed(reached) if reached >= seq => return,
            Settled::Committed(_) | Settled::Pending => {}
            other => panic!("batch {seq} did not settle: {other:?}"),
        }
        assert!(Instant::now() < until, "batch {seq} did not settle");
    }
}

fn commit<S: Shard>(shard: &mut S, batch: Batch) -> u64 {
    let seq = shard.seal(batch).expect("seal");
    settle(shard, seq);
    seq
}

fn key(n: u16) -> RowKey {
    let mut bytes = [0; crate::batch::ROW_KEY_BYTES];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    RowKey(bytes)
}

fn timer(kind: u8, object: u128) -> TimerKey {
    TimerKey { kind, object }
}

/// A batch that changes one of everything: row 1 and timer (1, 1) get the value `text`, which is also published.
fn everything(text: &str, next: [u64; 3]) -> Batch {
    let mut batch = Batch { next, now: Timestamp(7), epoch: Epoch(3), serial: 5, out_seq: 2, ..Batch::default() };
    batch.rows.put(key(1), |out| out.extend_from_slice(text.as_bytes()));
    batch.timers.push((timer(1, 1), Some(Timestamp(text.len() as i64))));
    batch.publish.push(Publish { topic: Topic::Incidents, partition: 0, record: record(text) });
    batch
}
