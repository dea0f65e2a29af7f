//! Cases of appender and tail.

use std::sync::Arc;
use std::time::Duration;

use campanile_model::Span;

use super::{PATIENCE, Subject, claim, everything, put, put_later, record, settle, texts};
use crate::error::{AppendError, TailError};
use crate::port::{Ends, Shard};
use crate::record::Record;
use crate::topic::Topic;

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

pub fn record_over_the_limit_is_refused_with_its_append<S: Subject>(subject: &mut S) {
    let limit = subject.record_bytes_max();
    let of = |size: usize| Record::new("key", vec![b'x'; size - 3]);
    let append = |records| subject.appender().append_wait(Topic::Events, 0, records);
    let refused = append(vec![record("small"), of(limit + 1)]);
    assert!(
        matches!(refused, Err(AppendError::TooLarge { size, limit: known }) if (size, known) == (limit + 1, limit))
    );
    assert_eq!(append(vec![of(limit), record("small"), of(limit)]).expect("append").first, 0, "all or none");
    let sizes = subject.tail().read(Topic::Events, 0, 0, 9).expect("read").into_iter().map(|s| s.record.size());
    assert_eq!(sizes.collect::<Vec<_>>(), [limit, record("small").size(), limit]);
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
