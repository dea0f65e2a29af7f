//! Damaged files: an error that says so, never wrong data.

mod support;

use std::path::{Path, PathBuf};

use campanile_ledger::{OpenError, Shard as _, Stop, TailError, Topic};
use campanile_ledger_rocks::Ledger;
use support::{OnDisk, ROW, append, batch, claim, options, settle};

/// The largest file in the database with this ending.
fn largest(data: &Path, ending: &str) -> PathBuf {
    let files = std::fs::read_dir(data.join("db")).expect("read directory").map(|entry| entry.expect("entry").path());
    let files = files.filter(|path| path.extension().is_some_and(|found| found == ending));
    let size = |path: &PathBuf| std::fs::metadata(path).expect("metadata").len();
    files.max_by_key(size).unwrap_or_else(|| panic!("no .{ending} file"))
}

fn flip(path: &Path, place: usize) {
    let mut bytes = std::fs::read(path).expect("read");
    bytes[place] ^= 0x55;
    std::fs::write(path, bytes).expect("write");
}

/// Two thousand digits that hardly shrink.
fn noise(seed: u64) -> String {
    let mut state = seed + 1;
    let mut digit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from_digit((state >> 60) as u32, 16).unwrap_or('0')
    };
    (0..2000).map(|_| digit()).collect()
}

/// A stopped ledger with a thousand events in 100 appends and a hundred commits.
fn stopped(flushed: bool) -> OnDisk {
    let mut subject = OnDisk::new(|_| {});
    let mut shard = claim(subject.ledger()).remove(0);
    for n in 0..100 {
        append(subject.ledger(), Topic::Events, &format!("event {n} {}", noise(n))).expect("append");
        let mut batch = batch(&n.to_string(), n);
        for row in 0..50_u8 {
            batch.rows.put(campanile_ledger::RowKey([row; 22]), |out| out.extend_from_slice(&[n as u8; 60]));
        }
        batch.rows.put(ROW, |out| out.extend_from_slice(n.to_string().as_bytes()));
        shard.seal(batch).expect("seal");
        settle(&mut shard);
    }
    drop(shard);
    let ledger = subject.ledger.take().expect("open");
    if flushed {
        ledger.close()
    } else {
        drop(ledger)
    }
    subject
}

#[test]
fn flipped_byte_in_a_table_is_an_error_and_not_another_row() {
    let subject = stopped(true);
    let sst = largest(subject.path(), "sst");
    flip(&sst, 200);
    match Ledger::open(options(subject.path(), subject.clock.clone())) {
        Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{error}"),
        Ok(ledger) => {
            let mut shard = claim(&ledger).remove(0);
            let keys: Vec<_> = (0..50).map(|row| campanile_ledger::RowKey([row; 22])).collect();
            match shard.rows(&keys) {
                Err(Stop::Damaged(reason)) => assert!(reason.contains("Corruption"), "{reason}"),
                other => panic!("read over a damaged block: {other:?}"),
            }
        }
    }
}

#[test]
fn flipped_byte_in_a_blob_is_an_error_and_not_another_event() {
    let subject = stopped(true);
    let blob = largest(subject.path(), "blob");
    let size = std::fs::metadata(&blob).expect("metadata").len() as usize;
    flip(&blob, size / 2);
    let ledger = Ledger::open(options(subject.path(), subject.clock.clone())).expect("the end of the log is whole");
    match ledger.tail().read(Topic::Events, 0, 0, 1000) {
        Err(TailError::Damaged(reason)) => assert!(reason.contains("campanile.events"), "{reason}"),
        other => panic!("read over a damaged blob: {} records", other.expect("no other error").len()),
    }
}

#[test]
fn flipped_byte_amid_the_wal_is_refused() {
    let subject = stopped(false);
    let wal = largest(subject.path(), "log");
    let size = std::fs::metadata(&wal).expect("metadata").len() as usize;
    flip(&wal, size / 2);
    match Ledger::open(options(subject.path(), subject.clock.clone())) {
        Err(OpenError::LostTail { recovered, confirmed, .. }) => assert!(recovered < confirmed),
        Err(OpenError::Damaged { .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("opened without half of what was confirmed"),
    }
}

#[test]
fn wal_cut_short_is_refused() {
    let subject = stopped(false);
    let wal = largest(subject.path(), "log");
    let size = std::fs::metadata(&wal).expect("metadata").len();
    std::fs::File::options().write(true).open(&wal).expect("open").set_len(size - 100).expect("cut");
    let error = Ledger::open(options(subject.path(), subject.clock.clone())).err().expect("refused");
    assert!(matches!(error, OpenError::LostTail { .. }), "{error}");
    assert!(error.to_string().contains("lost confirmed writes"), "{error}");
}

#[test]
fn database_that_vanished_is_refused() {
    let subject = stopped(true);
    std::fs::remove_dir_all(subject.path().join("db")).expect("remove");
    let error = Ledger::open(options(subject.path(), subject.clock.clone())).err().expect("refused");
    assert!(matches!(error, OpenError::LostTail { .. }), "{error}");
}

#[test]
fn file_that_vanished_is_refused_by_name() {
    let subject = stopped(true);
    let sst = largest(subject.path(), "sst");
    std::fs::remove_file(&sst).expect("remove");
    let error = Ledger::open(options(subject.path(), subject.clock.clone())).err().expect("refused");
    let name = sst.file_name().expect("name").to_string_lossy().into_owned();
    assert!(error.to_string().contains(&name), "{error}");
}

#[test]
fn note_of_the_confirmed_end_that_cannot_be_read_is_refused() {
    let subject = stopped(true);
    std::fs::write(subject.path().join("confirmed"), [7; 48]).expect("write");
    let error = Ledger::open(options(subject.path(), subject.clock.clone())).err().expect("refused");
    assert!(matches!(&error, OpenError::Damaged { reason, .. } if reason.contains("confirmed")), "{error}");
}
