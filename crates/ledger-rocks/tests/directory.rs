//! The data directory: its lock, its card, reading it when it is stopped.

mod support;

use campanile_ledger::contract::Subject as _;
use campanile_ledger::{OpenError, Shard as _, Stop, Topic};
use campanile_ledger_rocks::{Ledger, Options, TableError};
use campanile_model::ShardId;
use support::{OnDisk, append, batch, claim, options, read, settle};

fn refusal(options: Options) -> OpenError {
    match Ledger::open(options) {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

#[test]
fn directory_in_use_is_refused() {
    let subject = OnDisk::new(|_| {});
    let error = refusal(options(subject.path(), subject.clock.clone()));
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(&subject.path().display().to_string()), "{error}");
    assert!(matches!(Ledger::open_read_only(subject.path()), Err(OpenError::Locked { .. })));
}

#[test]
fn directory_is_free_again_after_close() {
    let mut subject = OnDisk::new(|_| {});
    append(subject.ledger(), Topic::Events, "a").expect("append");
    let card = subject.ledger().card();
    subject.ledger.take().expect("open").close();
    subject.open();
    assert_eq!(subject.ledger().card(), card, "the card is drawn once");
    assert_eq!(read(subject.ledger(), Topic::Events), ["a"]);
}

#[test]
fn number_of_shards_is_fixed_when_the_ledger_is_made() {
    let mut subject = OnDisk::new(|_| {});
    subject.ledger = None;
    let clock = subject.clock.clone();
    let error = refusal(Options { shards: Some(3), ..options(subject.path(), clock.clone()) });
    assert!(matches!(error, OpenError::Shards { found: 2, asked: 3, .. }), "{error}");
    let ledger = Ledger::open(Options { shards: None, ..options(subject.path(), clock) }).expect("open");
    assert_eq!(ledger.card().shards, 2);
}

#[test]
fn more_than_a_thousand_shards_are_refused() {
    let mut subject = OnDisk::new(|_| {});
    subject.ledger = None;
    let fresh = tempfile::TempDir::new().expect("temporary directory");
    for shards in [0, 1001] {
        let error = refusal(Options { shards: Some(shards), ..options(fresh.path(), subject.clock.clone()) });
        assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
    }
}

#[test]
fn stopped_directory_is_read_without_changing_it() {
    let mut subject = OnDisk::new(|_| {});
    let mut shard = claim(subject.ledger()).remove(0);
    append(subject.ledger(), Topic::Events, "a").expect("append");
    shard.seal(batch("value", 1)).expect("seal");
    settle(&mut shard);
    drop(shard);
    let card = subject.ledger().card();
    subject.ledger = None;
    let stopped = Ledger::open_read_only(subject.path()).expect("open");
    assert_eq!((stopped.card(), stopped.commits()[0].next), (card, [1, 0, 0]));
    assert_eq!(stopped.tail().read(Topic::Incidents, 0, 0, 9).expect("read").len(), 1);
    assert_eq!(stopped.table().rows(ShardId(0), &[support::ROW]).expect("rows"), [Some(b"value".to_vec())]);
}

#[test]
fn table_answers_only_what_is_durable() {
    let subject = OnDisk::new(|_| {});
    let mut shard = claim(subject.ledger()).remove(0);
    subject.hold();
    shard.seal(batch("value", 0)).expect("seal");
    let table = subject.ledger().table();
    std::thread::scope(|scope| {
        let answer = scope.spawn(move || table.rows(ShardId(0), &[support::ROW]));
        for _ in 0..100 {
            std::thread::yield_now();
        }
        assert!(!answer.is_finished(), "answered before a sync");
        subject.release();
        assert_eq!(answer.join().expect("table").expect("rows"), [Some(b"value".to_vec())]);
    });
}

#[test]
fn handles_of_a_closed_ledger_say_so() {
    let mut subject = OnDisk::new(|_| {});
    let mut shard = claim(subject.ledger()).remove(0);
    let (appender, table) = (subject.appender(), subject.ledger().table());
    subject.ledger.take().expect("open").close();
    assert!(matches!(shard.seal(batch("value", 0)), Err(Stop::Closing)));
    assert!(matches!(shard.reopen(), Err(Stop::Closing)));
    assert!(appender.append_wait(Topic::Events, 0, vec![campanile_ledger::Record::new("a", "b")]).is_err());
    assert!(!matches!(table.rows(ShardId(0), &[support::ROW]), Err(TableError::Damaged(_))));
}

#[test]
fn shard_is_held_by_one_at_a_time() {
    let subject = OnDisk::new(|_| {});
    let first = claim(subject.ledger());
    assert!(claim(subject.ledger()).is_empty(), "both are held");
    drop(first);
    assert_eq!(claim(subject.ledger()).len(), 2);
}
