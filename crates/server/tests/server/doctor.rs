//! What the doctor makes of facts: each likely mistake is seen, and a sound cluster passes.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use campanile_ledger::{Ends, Record, Stored};
use campanile_ledger_kafka::inspect::{ClockReading, Cluster, Group, Partition, Progress};
use campanile_model::Timestamp;
use campanile_model::murmur2::partition_of;
use campanile_server::doctor::{Check, Verdict, judge, worst};

const TOPIC: &str = "campanile.events";

fn cluster(leader: i32, replicas: usize, in_sync: usize) -> Cluster {
    let partition = Partition { number: 0, leader, replicas, in_sync };
    Cluster { brokers: Vec::new(), topics: HashMap::from([(TOPIC.to_owned(), vec![partition])]) }
}

fn settings(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
fn check(found: &Check, verdict: Verdict) {
    assert_eq!(found.verdict, verdict, "{}", found.found);
    assert_eq!(found.remedy.is_empty(), verdict == Verdict::Good, "a remedy exactly where one is needed");
}

#[test]
fn partition_without_leader_is_bad_and_one_with_a_copy_missing_is_warned_of() {
    check(&judge::copies(&cluster(1, 3, 3)), Verdict::Good);
    check(&judge::copies(&cluster(1, 3, 2)), Verdict::Warning);
    check(&judge::copies(&cluster(-1, 3, 0)), Verdict::Bad);
}

#[test]
fn replication_must_survive_a_broker_and_a_restart() {
    let judged = |copies, in_sync| {
        let topics = HashMap::from([(TOPIC.to_owned(), settings(&[("min.insync.replicas", in_sync)]))]);
        judge::replication(&cluster(1, copies, copies), &topics)
    };
    check(&judged(3, "2"), Verdict::Good);
    check(&judged(3, "1"), Verdict::Bad);
    check(&judged(3, "3"), Verdict::Bad);
    check(&judged(1, "1"), Verdict::Warning);
}

#[test]
fn harmful_broker_settings_are_named() {
    let judged = |name, value| judge::broker_settings(&settings(&[(name, value)]));
    let cleanup = "transaction.abort.timed.out.transaction.cleanup.interval.ms";
    let cases = [
        (cleanup, "1000", Verdict::Good),
        (cleanup, "10000", Verdict::Warning),
        ("auto.create.topics.enable", "true", Verdict::Warning),
        ("unclean.leader.election.enable", "true", Verdict::Bad),
        ("transaction.max.timeout.ms", "7999", Verdict::Bad),
        ("transaction.max.timeout.ms", "8000", Verdict::Good),
        ("group.max.session.timeout.ms", "6000", Verdict::Bad),
        ("offsets.retention.minutes", "1440", Verdict::Warning),
    ];
    for (name, value, verdict) in cases {
        let found = judged(name, value);
        assert_eq!(found.len(), 1, "{name}={value}");
        check(&found[0], verdict);
        assert!(verdict == Verdict::Good || found[0].found.contains(name), "{} names {name}", found[0].found);
    }
}

#[test]
fn clock_is_judged_beyond_what_the_way_may_have_cost() {
    let judged =
        |ahead_ms, trip_ms| judge::clock(ClockReading { ahead_ms, round_trip: Duration::from_millis(trip_ms) });
    check(&judged(-900, 2), Verdict::Good);
    check(&judged(1003, 2), Verdict::Warning);
    check(&judged(-1500, 2000), Verdict::Good);
    check(&judged(-400_000, 2), Verdict::Bad);
}

#[test]
fn group_without_members_is_bad_and_spare_members_are_told() {
    let judged = |state: &str, members| {
        let members = vec![("campanile-a".to_owned(), "/10.0.0.1".to_owned()); members];
        judge::group(&Group { name: "g".to_owned(), state: state.to_owned(), members }, 2)
    };
    check(&judged("Stable", 2), Verdict::Good);
    check(&judged("Stable", 3), Verdict::Warning);
    check(&judged("PreparingRebalance", 2), Verdict::Warning);
    check(&judged("Empty", 0), Verdict::Bad);
    check(&judged("Dead", 0), Verdict::Bad);
}

#[test]
fn lag_counts_from_the_committed_position_and_open_transactions_are_seen() {
    let judged = |committed: Option<u64>, end, high| {
        let committed = committed.map(|offset| (offset, None));
        judge::progress(&[Progress { shard: 0, committed, stable: Ends { start: 0, end }, high }])
    };
    let [lag, open] = judged(Some(100), 100_100, 100_100).try_into().expect("two checks");
    check(&lag, Verdict::Good);
    check(&open, Verdict::Good);
    let [lag, open] = judged(None, 100_001, 100_002).try_into().expect("two checks");
    check(&lag, Verdict::Warning);
    check(&open, Verdict::Warning);
}

#[test]
fn keyless_and_wrongly_partitioned_producers_are_told_apart() {
    let event = |key: Option<&'static str>, partition| {
        let record = Record { key: key.map(Bytes::from), ..Record::default() };
        (partition, Stored { offset: 0, at: Timestamp(0), record })
    };
    let home = partition_of(b"key", 4);
    let judged = |wrong: (u16, Stored), count| {
        let mut sample = vec![event(Some("key"), home); 10 - count];
        sample.extend(vec![wrong; count]);
        judge::producers(&sample, 4)
    };
    check(&judge::producers(&[], 4), Verdict::Good);
    check(&judged(event(None, 0), 0), Verdict::Good);
    let keyless = judged(event(None, 0), 1);
    check(&keyless, Verdict::Warning);
    assert!(keyless.found.contains("10 % have no key"), "{}", keyless.found);
    let strayed = judged(event(Some("key"), (home + 1) % 4), 1);
    check(&strayed, Verdict::Warning);
    assert!(strayed.remedy.contains("murmur2"), "{}", strayed.remedy);
}

#[test]
fn missing_permission_is_named_with_its_topic() {
    let judged = |operations: &[&str]| {
        let operations: BTreeSet<_> = operations.iter().map(|it| (*it).to_owned()).collect();
        judge::permissions(&HashMap::from([(TOPIC.to_owned(), operations)]))
    };
    check(&judged(&["READ", "WRITE", "DESCRIBE"]), Verdict::Good);
    let found = judged(&["READ", "DESCRIBE"]);
    check(&found, Verdict::Bad);
    assert!(found.found.contains("WRITE on campanile.events"), "{}", found.found);
    check(&judge::permissions(&HashMap::new()), Verdict::Unknown);
}

#[test]
fn one_bad_check_decides() {
    let checks = [Check::good("a", ""), Check::warning("b", "", "x"), Check::unknown("c", "", "x")];
    assert_eq!(worst(&checks), Verdict::Warning);
    assert_eq!(worst(&[Check::bad("d", "", "x"), Check::good("a", "")]), Verdict::Bad);
}
