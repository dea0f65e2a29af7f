//! More appends than can be made durable: they are refused, and what was taken is kept.

mod support;

use std::sync::mpsc;

use campanile_ledger::contract::{PATIENCE, Subject as _};
use campanile_ledger::{AppendError, Record, Shard as _, Stop, Topic};
use support::OnDisk;

#[test]
fn appends_beyond_the_queue_are_refused_and_the_others_are_answered() {
    let subject = OnDisk::new(|_| {});
    let (appender, (tx, rx)) = (subject.appender(), mpsc::channel());
    subject.hold();
    // The syncer takes a round or two of these and then stands before the gate; the queue takes 64 MiB more.
    let count = 200;
    for _ in 0..count {
        let tx = tx.clone();
        let record = Record::new("key", vec![b'x'; 900_000]);
        appender.append(Topic::Events, 0, vec![record], Box::new(move |answer| drop(tx.send(answer))));
    }
    subject.release();
    let answers: Vec<_> = (0..count).map(|_| rx.recv_timeout(PATIENCE).expect("every append is answered")).collect();
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(&refused, AppendError::Unavailable(reason) if reason.contains("64 MiB")), "{refused}");
    }
    assert!((70..count).contains(&taken), "{taken} of {count} were taken");
    assert_eq!(subject.tail().ends(Topic::Events, 0).end, taken as u64);
}

#[test]
fn panic_in_an_answer_ends_the_ledger_and_leaves_nobody_waiting() {
    let subject = OnDisk::new(|_| {});
    let mut shard = support::claim(subject.ledger()).remove(0);
    let appender = subject.appender();
    appender.append(Topic::Events, 0, vec![Record::new("a", "b")], Box::new(|_| panic!("on purpose")));
    support::eventually("the end", || subject.ledger().health().halted.is_some());
    assert!(appender.append_wait(Topic::Events, 0, vec![Record::new("a", "b")]).is_err());
    assert!(matches!(shard.reopen(), Err(Stop::Damaged(reason)) if reason.contains("panicked")));
}
