//! The contract suite on a real broker, each case on topics of its own.
//!
//! Two cases turn the log's clock, which nobody can do to a broker; they have a form of their own below. In all others
//! the subject only knows how to wait: what is in the log takes some milliseconds to be fetched.

mod support;

use std::time::{Duration, Instant};

use campanile_ledger::contract::{PATIENCE, Subject};
use campanile_ledger::{Batch, Intake, Record, Shard, Shards, TimerKey, Topic};
use campanile_model::{Span, Timestamp};
use support::OnKafka;

campanile_ledger::contract_tests!(@each OnKafka::new();
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
    hop_published_to_a_sibling_arrives_there,
    tail_never_shows_records_that_are_not_durable,
    trimmed_offsets_are_reported_as_trimmed,
    trim_stops_below_what_a_lane_has_not_committed,
    order_of_sealed_batches_holds,
    shard_claimed_again_goes_on_from_its_last_commit,
    idle_ends_when_something_becomes_readable,
    machines_have_lanes_rows_timers_and_commits_of_their_own,
    trim_stops_below_what_either_machine_has_not_committed,
);

#[test]
fn append_gives_consecutive_offsets_and_the_brokers_time() {
    let subject = OnKafka::new();
    let put = |texts: &[&str]| {
        let records = texts.iter().map(|text| Record::new("key", (*text).to_owned())).collect();
        subject.appender().append_wait(Topic::Events, 0, records).expect("append")
    };
    let (first, second) = (put(&["a", "b", "c"]), put(&["d"]));
    assert_eq!((first.first, second.first), (0, 3));
    assert!(second.at >= first.at && first.at > Timestamp(0));
    let read = subject.tail().read(Topic::Events, 0, 0, 10).expect("read");
    assert!(read.iter().map(|stored| stored.offset).eq(0..4));
    assert_eq!((read[0].at, read[3].at), (first.at, second.at), "what was answered is what is read");
}

#[test]
fn horizon_comes_when_a_timer_is_due_and_binds_later_appends() {
    let subject = OnKafka::new();
    let shards = subject.shards().claims(PATIENCE);
    let mut shard = shards
        .into_iter()
        .find_map(|claim| match claim {
            campanile_ledger::Claim::Granted(shard) if shard.id().0 == 0 => Some(shard),
            _ => None,
        })
        .expect("shard 0");
    let at = subject.appender().append_wait(Topic::Events, 0, vec![Record::new("key", "a")]).expect("append").at;
    let mut intake = Intake::default();
    shard.read(9, Duration::ZERO, &mut intake).expect("read");
    assert_eq!((intake.main.len(), intake.horizon), (1, None), "no timer, no question");
    let mut batch = Batch { next: [1, 0, 0], ..Batch::default() };
    batch.timers.push((TimerKey { kind: 1, object: 1 }, Some(at + Span(300))));
    shard.seal(batch).expect("seal");
    let until = Instant::now() + PATIENCE;
    let horizon = loop {
        assert!(Instant::now() < until, "the horizon never came");
        let mut intake = Intake::default();
        shard.read(9, Duration::from_millis(10), &mut intake).expect("read");
        if let Some(horizon) = intake.horizon {
            break horizon;
        }
    };
    assert!(horizon >= at + Span(300), "time goes on without input");
    let later = subject.appender().append_wait(Topic::Events, 0, vec![Record::new("key", "b")]).expect("append");
    assert!(later.at >= horizon, "a record appended later is not older than the horizon");
}
