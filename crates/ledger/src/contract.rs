//! What every adapter must do, as one suite.
//!
//! An adapter's tests give a [`Subject`] and take all cases with [`contract_tests!`](crate::contract_tests). The cases
//! panic with what they found; they sleep nowhere and wait only for answers, each at most [`PATIENCE`].

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use campanile_model::{Epoch, ShardId, Span, Timestamp};

use crate::batch::{Batch, Publish, RowKey, TimerKey};
use crate::commit::Lane;
use crate::error::{AppendError, TailError};
use crate::port::{Appended, Appender, Claim, Ends, Intake, Settled, Shard, Shards, Tail};
use crate::record::{Record, Stored};
use crate::topic::Topic;

/// Longest wait for an answer that must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A ledger of two shards or more with nothing in it, and the means to trouble it.
pub trait Subject {
    type Shards: Shards;

    /// All shards that nobody holds.
    fn shards(&self) -> Self::Shards;
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
}

/// One `#[test]` per case, each on a new subject from `$make`.
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests!(@each $make;
            append_gives_consecutive_offsets_and_at_never_runs_backwards,
            append_to_a_partition_that_is_not_there_is_refused,
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
    let mut shards: Vec<_> = subject
        .shards()
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

pub fn append_gives_consecutive_offsets_and_at_never_runs_backwards<S: Subject>(subject: &mut S) {
    let first = put(subject, Topic::Events, 0, &["a", "b", "c"]);
    assert_eq!(first.first, 0);
    subject.turn(Span(1000));
    let second = put(subject, Topic::Events, 0, &["d"]);
    assert_eq!((second.first, second.at), (3, first.at + Span(1000)));
    subject.turn(Span(-5000));
    let third = put(subject, Topic::Events, 0, &["e"]);
    assert_eq!((third.first, third.at), (4, second.at), "the clock went back, the log must not");
    assert_eq!(put(subject, Topic::Events, 1, &["x"]).first, 0, "partitions count apart");
    let read = subject.tail().read(Topic::Events, 0, 0, 10).expect("read");
    assert_eq!(texts(&read), ["a", "b", "c", "d", "e"]);
    assert!(read.iter().map(|stored| stored.offset).eq(0..5));
    assert!(read.is_sorted_by_key(|stored| stored.at));
    assert_eq!((read[0].at, read[3].at), (first.at, second.at), "what was answered is what is read");
}

pub fn append_to_a_partition_that_is_not_there_is_refused<S: Subject>(subject: &mut S) {
    let appender = subject.appender();
    for topic in Topic::ALL {
        let partitions = appender.partitions(topic);
        let answer = appender.append_wait(topic, partitions, vec![record("a")]);
        assert!(matches!(answer, Err(AppendError::NoPartition { .. })), "{}: {answer:?}", topic.name());
        assert!(appender.append_wait(topic, partitions - 1, vec![record("a")]).is_ok(), "{}", topic.name());
    }
}

pub fn record_is_readable_only_once_it_is_durable<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    subject.hold();
    let answer = put_later(subject, Topic::Events, 0, &["a"]);
    assert!(read(&mut shard).main.is_empty());
    assert!(answer.try_recv().is_err(), "answered before it was durable");
    subject.release();
    assert_eq!(answer.recv_timeout(PATIENCE).expect("answer").expect("append").first, 0);
    assert_eq!(texts(&read(&mut shard).main), ["a"], "readable as soon as it is answered");
}

pub fn appended_records_are_read_by_lane_in_order<S: Subject>(subject: &mut S) {
    let mut shards = claim(subject);
    let with_header = record("c").with_header("kind", "odd");
    subject.appender().append_wait(Topic::Events, 0, vec![record("a"), with_header.clone()]).expect("append");
    let keyless = Record { key: None, ..record("") };
    subject.appender().append_wait(Topic::Triage, 0, vec![keyless.clone()]).expect("append");
    put(subject, Topic::Commands, 0, &["ack"]);
    put(subject, Topic::Events, 1, &["other"]);
    let intake = read(&mut shards[0]);
    assert_eq!(texts(&intake.main), ["a", "c"]);
    assert_eq!(intake.main[1].record, with_header, "key, headers and value come back as they were");
    assert_eq!(intake.hop[0].record, keyless, "no key is not an empty key");
    assert_eq!(texts(&intake.door), ["ack"]);
    assert!(intake.main_at_end && intake.hop_at_end);
    assert_eq!(texts(&read(&mut shards[1]).main), ["other"]);
}

pub fn read_tops_up_to_max_and_goes_on_where_it_ended<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    put(subject, Topic::Events, 0, &["a", "b", "c", "d", "e"]);
    let mut intake = Intake::default();
    shard.read(2, Duration::ZERO, &mut intake).expect("read");
    assert_eq!((texts(&intake.main), intake.main_at_end), (vec!["a".to_owned(), "b".to_owned()], false));
    assert_eq!(intake.horizon, None, "no horizon before the end");
    intake.main.pop_front();
    shard.read(2, Duration::ZERO, &mut intake).expect("read");
    assert_eq!(texts(&intake.main), ["b", "c"]);
    shard.read(100, Duration::ZERO, &mut intake).expect("read");
    assert_eq!((texts(&intake.main).concat().as_str(), intake.main_at_end), ("bcde", true));
    shard.read(100, Duration::ZERO, &mut intake).expect("read");
    assert_eq!(intake.main.len(), 4, "nothing twice");
}

pub fn concurrent_appends_interleave_without_gaps<S: Subject>(subject: &mut S) {
    let (threads, each) = (8_usize, 50_usize);
    let appender = subject.appender();
    let spans: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let work = |thread: usize| {
            let appender = Arc::clone(&appender);
            move || -> Vec<(u64, u64)> {
                let one = |n: usize| {
                    let records: Vec<_> = (0..=n % 3).map(|_| record(&format!("{thread}"))).collect();
                    let count = records.len() as u64;
                    (appender.append_wait(Topic::Events, 0, records).expect("append").first, count)
                };
                (0..each).map(one).collect()
            }
        };
        let handles: Vec<_> = (0..threads).map(|thread| scope.spawn(work(thread))).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("appender")).collect()
    });
    let mut spans = spans;
    spans.sort_unstable();
    let end = spans.iter().fold(0, |next, (first, count)| {
        assert_eq!(*first, next, "a gap or an overlap");
        first + count
    });
    assert_eq!(subject.tail().ends(Topic::Events, 0), Ends { start: 0, end });
    let read = subject.tail().read(Topic::Events, 0, 0, usize::MAX).expect("read");
    assert!(read.iter().map(|stored| stored.offset).eq(0..end));
    assert!(read.is_sorted_by_key(|stored| stored.at));
}

pub fn commit_shows_rows_timers_records_and_cursor_together<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    let before = shard.opening().commit.seq;
    put(subject, Topic::Events, 0, &["a", "b"]);
    read_main(&mut shard, 2);
    let seq = commit(&mut shard, everything("value", [2, 0, 0]));
    assert_eq!(seq, before + 1);
    assert_eq!(texts(&subject.tail().read(Topic::Incidents, 0, 0, 10).expect("read")), ["value"]);
    drop(shard);
    subject.crash_and_reopen();
    let mut shard = claim(subject).remove(0);
    let found = shard.opening().commit.clone();
    assert_eq!((found.seq, found.next, found.out_seq, found.serial), (seq, [2, 0, 0], 2, 5));
    assert_eq!((found.now, found.epoch), (Timestamp(7), Epoch(3)));
    assert_eq!(shard.rows(&[key(1), key(2)]).expect("rows"), [Some(b"value".to_vec()), None]);
    assert_eq!(shard.timers(Timestamp::MAX, 9).expect("timers"), [(Timestamp(5), timer(1, 1))]);
    assert!(read(&mut shard).main.is_empty(), "consumed inputs stay consumed");
}

pub fn crash_before_durability_keeps_all_of_a_commit_or_nothing<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    put(subject, Topic::Events, 0, &["a", "b"]);
    read_main(&mut shard, 2);
    let seq = commit(&mut shard, everything("old", [1, 0, 0]));
    subject.hold();
    let sealed = shard.seal(everything("newer", [2, 0, 0])).expect("seal");
    assert!(matches!(shard.settled(Duration::ZERO).expect("settled"), Settled::Pending | Settled::Committed(_)));
    drop(shard);
    subject.crash_and_reopen();
    let mut shard = claim(subject).remove(0);
    let found = shard.opening().commit.clone();
    let value = shard.rows(&[key(1)]).expect("rows").remove(0).expect("row 1");
    let due = shard.timers(Timestamp::MAX, 9).expect("timers");
    let published = texts(&subject.tail().read(Topic::Incidents, 0, 0, 9).expect("read"));
    let left = texts(&read(&mut shard).main);
    let seen = (found.seq, found.next[0], value.as_slice(), due[0].0.0, published.len(), left.len());
    if found.seq == sealed {
        assert_eq!(seen, (sealed, 2, b"newer".as_slice(), 5, 2, 0), "all of the batch");
    } else {
        assert_eq!(seen, (seq, 1, b"old".as_slice(), 3, 1, 1), "nothing of the batch");
    }
}

pub fn rows_scans_and_timers_see_sealed_batches<S: Subject>(subject: &mut S) {
    let mut shards = claim(subject);
    subject.hold();
    let shard = &mut shards[0];
    shard.seal(everything("value", [0; 3])).expect("seal");
    assert_eq!(shard.rows(&[key(2), key(1)]).expect("rows"), [None, Some(b"value".to_vec())]);
    assert_eq!(shard.scan(&[], None, 9).expect("scan"), [(key(1), b"value".to_vec())]);
    assert_eq!(shard.timers(Timestamp(5), 9).expect("timers"), [(Timestamp(5), timer(1, 1))]);
    let mut batch = Batch::default();
    batch.rows.put(key(1), |out| out.push(b'x'));
    batch.rows.delete(key(1));
    batch.rows.put(key(3), |_| {});
    batch.timers.push((timer(1, 1), None));
    shard.seal(batch).expect("seal");
    assert_eq!(shard.rows(&[key(1), key(3)]).expect("rows"), [None, Some(Vec::new())], "the later change wins");
    assert_eq!(shard.timers(Timestamp::MAX, 9).expect("timers"), []);
    assert_eq!(shards[1].rows(&[key(3)]).expect("rows"), [None], "shards have their own rows");
    subject.release();
}

pub fn scan_goes_by_prefix_and_after_a_key<S: Subject>(subject: &mut S) {
    let mut shards = claim(subject);
    for (n, shard) in shards.iter_mut().enumerate().take(2) {
        let mut batch = Batch::default();
        for row in [0x0101, 0x0102, 0x0201, 0x02ff, 0xffff] {
            batch.rows.put(key(row), |out| out.push(n as u8));
        }
        commit(shard, batch);
    }
    let mut scan = |prefix: &[u8], after: Option<u16>, limit: usize| -> Vec<RowKey> {
        let found = shards[0].scan(prefix, after.map(key), limit).expect("scan");
        assert!(found.iter().all(|(_, value)| value == &[0]), "a row of another shard");
        found.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(scan(&[1], None, 9), [key(0x0101), key(0x0102)]);
    assert_eq!(scan(&[2], Some(0x0201), 9), [key(0x02ff)]);
    assert_eq!(scan(&[], None, 3), [key(0x0101), key(0x0102), key(0x0201)]);
    assert_eq!(scan(&[0xff, 0xff], None, 9), [key(0xffff)]);
    assert_eq!(scan(&[1], Some(0x0102), 9), []);
    assert_eq!(scan(&[2], Some(0x0101), 9), [key(0x0201), key(0x02ff)], "after a key before the prefix");
}

pub fn timers_come_by_due_then_key_and_rearming_replaces<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    let mut batch = Batch::default();
    for (kind, object, due) in [(2, 1, 30), (1, 9, 10), (1, 2, 10), (0, 7, 20), (3, 3, 10)] {
        batch.timers.push((timer(kind, object), Some(Timestamp(due))));
    }
    batch.timers.push((timer(3, 3), Some(Timestamp(40))));
    commit(&mut shard, batch);
    let due = |shard: &mut ShardOf<S>, until: i64, max: usize| -> Vec<(i64, u8, u128)> {
        let found = shard.timers(Timestamp(until), max).expect("timers");
        found.into_iter().map(|(due, key)| (due.0, key.kind, key.object)).collect()
    };
    assert_eq!(due(&mut shard, 20, 9), [(10, 1, 2), (10, 1, 9), (20, 0, 7)]);
    assert_eq!(due(&mut shard, 100, 2), [(10, 1, 2), (10, 1, 9)]);
    assert_eq!(due(&mut shard, 9, 9), []);
    let mut batch = Batch::default();
    batch.timers.push((timer(1, 2), Some(Timestamp(-5))));
    batch.timers.push((timer(1, 9), None));
    batch.timers.push((timer(9, 9), None));
    commit(&mut shard, batch);
    let all = [(-5, 1, 2), (20, 0, 7), (30, 2, 1), (40, 3, 3)];
    assert_eq!(due(&mut shard, 100, 9), all, "moved earlier, deleted, and an unknown one deleted");
    drop(shard);
    subject.crash_and_reopen();
    assert_eq!(due(&mut claim(subject)[0], 100, 9), all);
}

pub fn next_due_is_never_later_than_the_earliest_timer<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    assert_eq!(shard.next_due().expect("next due"), None);
    for (object, due) in [(1, Some(50)), (2, Some(20)), (3, Some(90)), (2, None), (1, Some(70)), (4, Some(10))] {
        let mut batch = Batch::default();
        batch.timers.push((timer(1, object), due.map(Timestamp)));
        commit(&mut shard, batch);
        let earliest = shard.timers(Timestamp::MAX, 1).expect("timers")[0].0;
        assert!(shard.next_due().expect("next due").is_some_and(|at| at <= earliest));
    }
    assert_eq!(shard.timers(Timestamp(10), 9).expect("timers"), [(Timestamp(10), timer(1, 4))]);
    let mut batch = Batch::default();
    batch.timers.push((timer(1, 4), None));
    commit(&mut shard, batch);
    assert_eq!(shard.timers(Timestamp(69), 9).expect("timers"), []);
    let next = shard.next_due().expect("next due").expect("two timers are left");
    assert!(next > Timestamp(69) && next <= Timestamp(70), "{next:?}: asking for due ones makes progress");
}

pub fn reopen_returns_to_the_last_commit_and_reads_again<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    put(subject, Topic::Events, 0, &["a", "b", "c"]);
    read_main(&mut shard, 3);
    let seq = shard.seal(everything("value", [1, 0, 0])).expect("seal");
    let opening = shard.reopen().expect("reopen");
    assert_eq!((opening.commit.seq, opening.commit.next), (seq, [1, 0, 0]), "sealed batches are kept");
    assert_eq!(shard.opening().commit, opening.commit);
    assert_eq!(texts(&read_main(&mut shard, 2).main), ["b", "c"]);
    settle(&mut shard, seq);
    assert_eq!(commit(&mut shard, everything("value", [3, 0, 0])), seq + 1);
}

pub fn crash_keeps_the_last_durable_commit_and_inputs_go_on_from_it<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    put(subject, Topic::Events, 0, &["a", "b", "c", "d"]);
    put(subject, Topic::Commands, 0, &["x", "y"]);
    read_main(&mut shard, 4);
    let seq = commit(&mut shard, everything("value", [2, 0, 1]));
    drop(shard);
    subject.crash_and_reopen();
    let mut shard = claim(subject).remove(0);
    assert_eq!((shard.opening().commit.seq, shard.opening().commit.next), (seq, [2, 0, 1]));
    let intake = read(&mut shard);
    assert_eq!(
        (texts(&intake.main), texts(&intake.door)),
        (vec!["c".to_owned(), "d".to_owned()], vec!["y".to_owned()])
    );
    assert_eq!(intake.main[0].offset, 2);
    assert_eq!(commit(&mut shard, everything("value", [4, 0, 2])), seq + 1);
}

pub fn answered_appends_survive_a_crash<S: Subject>(subject: &mut S) {
    let last = put(subject, Topic::Directory, 0, &["one"]);
    put(subject, Topic::Events, 0, &["a", "b"]);
    subject.turn(Span(-1000));
    subject.crash_and_reopen();
    assert_eq!(texts(&subject.tail().read(Topic::Directory, 0, 0, 9).expect("read")), ["one"]);
    let more = put(subject, Topic::Events, 0, &["c"]);
    assert_eq!(more.first, 2, "offsets go on");
    assert!(more.at >= last.at, "time goes on where it was, though the clock went back");
    assert_eq!(texts(&subject.tail().read(Topic::Events, 0, 1, 9).expect("read")), ["b", "c"]);
}

pub fn horizon_comes_only_at_the_end_and_binds_later_appends<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    put(subject, Topic::Events, 0, &["a", "b"]);
    let mut intake = Intake::default();
    shard.read(1, Duration::ZERO, &mut intake).expect("read");
    assert_eq!(intake.horizon, None, "more is there to read");
    subject.turn(Span(500));
    shard.read(9, Duration::ZERO, &mut intake).expect("read");
    let horizon = intake.horizon.expect("both lanes were read to their ends");
    assert_eq!(horizon, intake.main[1].at + Span(500), "time goes on without input");
    subject.turn(Span(-900));
    assert_eq!(put(subject, Topic::Events, 0, &["c"]).at, horizon, "not older than the horizon");
    assert_eq!(put(subject, Topic::Triage, 0, &["d"]).at, horizon);
    subject.hold();
    let answer = put_later(subject, Topic::Events, 0, &["e"]);
    intake = Intake::default();
    shard.read(9, Duration::ZERO, &mut intake).expect("read");
    let (given, read) = (intake.horizon, intake.main.len());
    subject.release();
    let at = answer.recv_timeout(PATIENCE).expect("answer").expect("append").at;
    assert_eq!(read, 1, "what is not durable is not read");
    assert!(given.is_none_or(|given| given <= at), "a record on its way was older than the horizon");
}

pub fn hop_published_to_a_sibling_arrives_there<S: Subject>(subject: &mut S) {
    let mut shards = claim(subject);
    let mut batch = Batch::default();
    batch.publish.push(Publish { topic: Topic::Triage, partition: 1, record: record("hop") });
    batch.publish.push(Publish { topic: Topic::Triage, partition: 0, record: record("own") });
    batch.publish.push(Publish { topic: Topic::Triage, partition: 1, record: record("hop2") });
    subject.hold();
    let seq = shards[0].seal(batch).expect("seal");
    assert!(read(&mut shards[1]).hop.is_empty(), "not before it is durable");
    subject.release();
    settle(&mut shards[0], seq);
    assert_eq!(texts(&read(&mut shards[1]).hop), ["hop", "hop2"]);
    assert_eq!(texts(&read(&mut shards[0]).hop), ["own"]);
}

pub fn tail_never_shows_records_that_are_not_durable<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    put(subject, Topic::Incidents, 0, &["a"]);
    let tail = subject.tail();
    assert!(!tail.wait(Topic::Incidents, 0, 1, Duration::ZERO));
    subject.hold();
    let answer = put_later(subject, Topic::Incidents, 0, &["b"]);
    let seq = shard.seal(everything("c", [0; 3])).expect("seal");
    assert_eq!(tail.ends(Topic::Incidents, 0), Ends { start: 0, end: 1 });
    assert_eq!(texts(&tail.read(Topic::Incidents, 0, 0, 9).expect("read")), ["a"]);
    assert!(tail.read(Topic::Incidents, 0, 1, 9).expect("read").is_empty());
    assert!(!tail.wait(Topic::Incidents, 0, 1, Duration::from_millis(5)));
    subject.release();
    assert!(tail.wait(Topic::Incidents, 0, 1, PATIENCE));
    settle(&mut shard, seq);
    answer.recv_timeout(PATIENCE).expect("answer").expect("append");
    let mut read = texts(&tail.read(Topic::Incidents, 0, 1, 9).expect("read"));
    read.sort();
    assert_eq!(read, ["b", "c"]);
    assert!(tail.read(Topic::Incidents, 0, 99, 9).expect("read").is_empty(), "beyond the end is empty");
}

pub fn trimmed_offsets_are_reported_as_trimmed<S: Subject>(subject: &mut S) {
    for n in 0..10 {
        put(subject, Topic::Alerts, 0, &[&n.to_string()]);
    }
    subject.trim(Topic::Alerts, 0, 5);
    let tail = subject.tail();
    assert_eq!(tail.ends(Topic::Alerts, 0), Ends { start: 5, end: 10 });
    let refused = tail.read(Topic::Alerts, 0, 4, 9);
    assert!(matches!(refused, Err(TailError::Trimmed { asked: 4, start: 5 })), "{refused:?}");
    assert_eq!(texts(&tail.read(Topic::Alerts, 0, 5, 2).expect("read")), ["5", "6"]);
    subject.crash_and_reopen();
    assert!(subject.tail().ends(Topic::Alerts, 0).start <= 5);
    assert_eq!(put(subject, Topic::Alerts, 0, &["next"]).first, 10);
}

pub fn trim_stops_below_what_a_lane_has_not_committed<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    for n in 0..10 {
        put(subject, Topic::of_lane(Lane::Main), 0, &[&n.to_string()]);
    }
    subject.trim(Topic::Events, 0, 9);
    assert_eq!(subject.tail().ends(Topic::Events, 0).start, 0, "nothing was committed");
    read_main(&mut shard, 10);
    commit(&mut shard, everything("value", [3, 0, 0]));
    subject.trim(Topic::Events, 0, 9);
    assert_eq!(subject.tail().ends(Topic::Events, 0).start, 3);
    drop(shard);
    subject.crash_and_reopen();
    let left = texts(&read_main(&mut claim(subject)[0], 7).main).concat();
    assert_eq!(left, "3456789");
}

pub fn order_of_sealed_batches_holds<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    let mut last = 0;
    for n in 0..20 {
        last = shard.seal(everything(&format!("{n:02}"), [0; 3])).expect("seal");
    }
    settle(&mut shard, last);
    let read = texts(&subject.tail().read(Topic::Incidents, 0, 0, 99).expect("read"));
    assert_eq!(read, (0..20).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    assert_eq!(shard.id(), ShardId(0));
    assert_eq!(shard.rows(&[key(1)]).expect("rows"), [Some(b"19".to_vec())]);
}

pub fn shard_claimed_again_goes_on_from_its_last_commit<S: Subject>(subject: &mut S) {
    let mut shards = claim(subject);
    put(subject, Topic::Events, 0, &["a", "b"]);
    read_main(&mut shards[0], 2);
    let seq = commit(&mut shards[0], everything("value", [1, 0, 0]));
    drop(shards);
    let mut shard = claim(subject).remove(0);
    assert_eq!((shard.opening().commit.seq, shard.opening().commit.next), (seq, [1, 0, 0]));
    assert_eq!(texts(&read_main(&mut shard, 1).main), ["b"]);
    assert_eq!(commit(&mut shard, everything("value", [2, 0, 0])), seq + 1);
}

pub fn idle_ends_when_something_becomes_readable<S: Subject>(subject: &mut S) {
    let mut shards = claim(subject);
    read(&mut shards[0]);
    put(subject, Topic::Events, 1, &["a"]);
    let began = Instant::now();
    shards[0].idle(PATIENCE);
    assert!(began.elapsed() < PATIENCE / 2, "what came since the last read ends it at once");
    let mut intake = Intake::default();
    std::thread::scope(|scope| {
        let (shard, intake) = (&mut shards[0], &mut intake);
        scope.spawn(move || shard.read(9, PATIENCE, intake).expect("read"));
        put(subject, Topic::Events, 0, &["b"]);
    });
    assert_eq!(texts(&intake.main), ["b"]);
}
