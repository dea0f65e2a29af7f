//! The format on disk, byte by byte. A change here needs a new format number and a release note.

mod support;

use std::fmt::Write as _;

use campanile_ledger::contract::Subject as _;
use campanile_ledger::{Batch, Publish, Record, RowKey, Shard as _, TimerKey, Topic};
use campanile_model::{Epoch, Timestamp};
use support::{OnDisk, claim, settle};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text takes anything");
        text
    })
}

fn entries(subject: &OnDisk, family: &str) -> Vec<(String, String)> {
    let options = rocksdb::Options::default();
    let families = ["default", "inputs", "outputs", "rows", "large-rows", "timers"];
    let path = subject.path().join("db");
    let db = rocksdb::DB::open_cf_for_read_only(&options, path, families, false).expect("open");
    let family = db.cf_handle(family).expect("family");
    let entries = db.iterator_cf(family, rocksdb::IteratorMode::Start);
    entries.map(|entry| entry.map(|(key, value)| (hex(&key), hex(&value))).expect("entry")).collect()
}

fn check(subject: &OnDisk, family: &str, expected: &[(&str, &str)]) {
    let found = entries(subject, family);
    let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(found, expected, "{family}");
}

/// A row of a kind that is kept apart.
const LARGE: RowKey = RowKey(*b"de00000000000000000000");

#[test]
fn bytes_on_disk_are_those_of_format_2() {
    let mut subject = OnDisk::new(|_| {});
    let records = vec![
        Record::new("k", "value").with_header("name", "h"),
        Record { key: None, ..Record::new("", vec![b'x'; 200]) },
    ];
    subject.appender().append_wait(Topic::Events, 1, records).expect("append");
    subject.appender().append_wait(Topic::Directory, 0, vec![Record::new("", "d")]).expect("append");
    let mut shard = claim(subject.ledger()).remove(1);
    let mut batch = Batch { next: [2, 0, 0], now: Timestamp(9), epoch: Epoch(8), serial: 7, ..Batch::default() };
    batch.rows.put(RowKey([0xab; 22]), |out| out.push(0x2a));
    batch.rows.put(LARGE, |out| out.push(0x2b));
    batch.timers.push((TimerKey { kind: 3, object: 4 }, Some(Timestamp(5))));
    batch.publish.push(Publish { topic: Topic::Incidents, partition: 1, record: Record::new("k", "v") });
    shard.seal(batch).expect("seal");
    settle(&mut shard);
    drop(shard);
    let card = subject.ledger().card();
    subject.ledger.take().expect("open").close();

    let at = "40420f0000000000"; // 1 000 000, little-endian
    let event = format!("0102000000{at}026b01046e616d65016805{}0000c801{}", hex(b"value"), "78".repeat(200));
    check(&subject, "inputs", &[("0100010000000000000000", &event)]);
    check(&subject, "outputs", &[("0400010000000000000000", &format!("0101000000{at}026b000176"))]);
    check(&subject, "rows", &[(&format!("0001{}", "ab".repeat(22)), "2a")]);
    check(&subject, "large-rows", &[(&format!("0001{}", hex(&LARGE.0)), "2b")]);
    let (named, due) = ("00000103".to_owned(), "0100018000000000000005".to_owned());
    let object = "00000000000000000000000000000004";
    check(&subject, "timers", &[(&format!("{named}{object}"), "0000000000000005"), (&format!("{due}03{object}"), "")]);
    let meta = entries(&subject, "default");
    let value = |key: &str| meta.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone());
    assert_eq!(value("0700000000000000000000"), Some(format!("0101000000{at}01000164")), "the directory's log");
    assert_eq!(value("43"), Some(hex(format!("2;{:016x};2", card.ledger.0).as_bytes())), "the card");
    assert_eq!(value("6d0100010000000000000000"), Some(format!("{at}0000000000000000")), "a mark");
    let commit = String::from_utf8(
        value("630001")
            .expect("commit")
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
            .collect(),
    );
    let commit = commit.expect("text");
    let (before, after) = commit.split_once(";embedded;").expect("owner");
    let (_, after) = after.split_once(';').expect("claim");
    assert_eq!((before, after), ("1;1", "2;0;0;0;7;9;8;00000000000000000000000000000000"), "the commit record");
}

/// Makes of a closed directory what a program of format 1 would have left.
fn downgrade(subject: &OnDisk) {
    let options = rocksdb::Options::default();
    let families = ["default", "inputs", "outputs", "rows", "large-rows", "timers"];
    let path = subject.path().join("db");
    let mut db = rocksdb::DB::open_cf(&options, path, families).expect("open");
    {
        let (rows, large) = (db.cf_handle("rows").expect("rows"), db.cf_handle("large-rows").expect("large"));
        for entry in db.iterator_cf(large, rocksdb::IteratorMode::Start) {
            let (key, value) = entry.expect("entry");
            db.put_cf(rows, key, value).expect("put");
        }
        let meta = db.cf_handle("default").expect("meta");
        let card = String::from_utf8(db.get_cf(meta, b"C").expect("get").expect("card")).expect("text");
        db.put_cf(meta, b"C", card.replacen("2;", "1;", 1)).expect("put");
    }
    db.drop_cf("large-rows").expect("drop");
}

#[test]
fn directory_of_format_1_is_upgraded_when_it_is_opened() {
    let mut subject = OnDisk::new(|_| {});
    let mut shard = claim(subject.ledger()).remove(1);
    let mut batch = Batch::default();
    batch.rows.put(RowKey([0xab; 22]), |out| out.push(0x2a));
    batch.rows.put(LARGE, |out| out.push(0x2b));
    shard.seal(batch).expect("seal");
    settle(&mut shard);
    drop(shard);
    subject.ledger.take().expect("open").close();
    downgrade(&subject);
    let refused = campanile_ledger_rocks::Ledger::open_read_only(subject.path()).err().expect("reading cannot upgrade");
    assert!(refused.to_string().contains("format 1"), "{refused}");

    subject.open();
    let mut shard = claim(subject.ledger()).remove(1);
    let found = shard.rows(&[LARGE, RowKey([0xab; 22])]).expect("rows");
    assert_eq!(found, [Some(vec![0x2b]), Some(vec![0x2a])]);
    assert_eq!(shard.scan(&[], None, 9).expect("scan").len(), 2);
    drop(shard);
    subject.ledger.take().expect("open").close();
    check(&subject, "large-rows", &[(&format!("0001{}", hex(&LARGE.0)), "2b")]);
}
