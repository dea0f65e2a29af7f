//! Cases of sealing, settling and restoring; of rows and timers.

use std::time::Duration;

use campanile_model::{Epoch, ShardId, Timestamp};

use super::{ShardOf, Subject, claim, commit, everything, key, put, read, read_main, settle, texts, timer};
use crate::batch::{Batch, RowKey};
use crate::port::{Settled, Shard};
use crate::topic::Topic;

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
