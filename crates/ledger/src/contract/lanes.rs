//! Cases of reading lanes.

use std::time::{Duration, Instant};

use campanile_model::{Span, Timestamp};

use super::{
    PATIENCE, Subject, claim, claim_of, commit, everything, key, put, put_later, read, read_main, record, settle,
    texts, timer,
};
use crate::batch::{Batch, Publish};
use crate::machine::MachineId;
use crate::port::{Intake, Shard};
use crate::record::Record;
use crate::topic::Topic;

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

pub fn trim_stops_below_what_a_lane_has_not_committed<S: Subject>(subject: &mut S) {
    let mut shard = claim(subject).remove(0);
    for n in 0..10 {
        put(subject, Topic::Events, 0, &[&n.to_string()]);
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

pub fn machines_have_lanes_rows_timers_and_commits_of_their_own<S: Subject>(subject: &mut S) {
    put(subject, Topic::Events, 0, &["event"]);
    put(subject, Topic::Incidents, 0, &["incident"]);
    put(subject, Topic::Pages, 0, &["page"]);
    put(subject, Topic::Answers, 0, &["answer"]);
    let mut triage = claim(subject).remove(0);
    let mut notifier = claim_of(subject, MachineId::Notifier).remove(0);
    assert_eq!(texts(&read_main(&mut triage, 1).main), ["event"]);
    let mut intake = read_main(&mut notifier, 1);
    // Lanes are fetched apart: one may be there before another.
    let until = Instant::now() + PATIENCE;
    while (intake.hop.is_empty() || intake.door.is_empty()) && Instant::now() < until {
        notifier.read(9, PATIENCE / 10, &mut intake).expect("read");
    }
    assert_eq!(texts(&intake.main), ["incident"]);
    assert_eq!((texts(&intake.hop), texts(&intake.door)), (vec!["page".to_owned()], vec!["answer".to_owned()]));
    commit(&mut triage, everything("of triage", [1, 0, 0]));
    assert_eq!(notifier.rows(&[key(1)]).expect("rows"), [None], "a row of the other machine");
    assert_eq!(notifier.timers(Timestamp::MAX, 9).expect("timers"), []);
    commit(&mut notifier, everything("of the notifier, longer", [1, 1, 1]));
    for (shard, text) in [(&mut triage, "of triage"), (&mut notifier, "of the notifier, longer")] {
        assert_eq!(shard.rows(&[key(1)]).expect("rows"), [Some(text.as_bytes().to_vec())]);
        let due = Timestamp(text.len() as i64);
        assert_eq!(shard.timers(Timestamp::MAX, 9).expect("timers"), [(due, timer(1, 1))]);
    }
    drop((triage, notifier));
    subject.crash_and_reopen();
    let (triage, notifier) = (claim(subject).remove(0), claim_of(subject, MachineId::Notifier).remove(0));
    assert_eq!(triage.opening().commit.next, [1, 0, 0]);
    assert_eq!(notifier.opening().commit.next, [1, 1, 1]);
}

/// What nobody has consumed yet may go only while the notifier has never run; once it runs, its cursor counts too.
pub fn trim_stops_below_what_either_machine_has_not_committed<S: Subject>(subject: &mut S) {
    for n in 0..10 {
        put(subject, Topic::Incidents, 0, &[&n.to_string()]);
    }
    let mut notifier = claim_of(subject, MachineId::Notifier).remove(0);
    read_main(&mut notifier, 10);
    commit(&mut notifier, everything("value", [4, 0, 0]));
    subject.trim(Topic::Incidents, 0, 9);
    assert_eq!(subject.tail().ends(Topic::Incidents, 0).start, 4);
    drop(notifier);
    subject.crash_and_reopen();
    let left = texts(&read_main(&mut claim_of(subject, MachineId::Notifier)[0], 6).main).concat();
    assert!(left.starts_with("456789"), "{left}");
}

pub fn machine_that_never_ran_begins_with_what_is_held<S: Subject>(subject: &mut S) {
    for n in 0..10 {
        put(subject, Topic::Incidents, 0, &[&n.to_string()]);
    }
    subject.trim(Topic::Incidents, 0, 5);
    let start = subject.tail().ends(Topic::Incidents, 0).start;
    assert_eq!(start, 5, "it holds nothing back before it runs");
    let mut notifier = claim_of(subject, MachineId::Notifier).remove(0);
    assert_eq!(texts(&read_main(&mut notifier, 5).main).concat(), "56789");
    commit(&mut notifier, everything("value", [10, 0, 0]));
    drop(notifier);
    subject.crash_and_reopen();
    assert_eq!(claim_of(subject, MachineId::Notifier)[0].opening().commit.next, [10, 0, 0]);
}
