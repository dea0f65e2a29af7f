//! A full disk: it says so, keeps what it took, and goes on by itself.

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use campanile_clock::Wall;
use campanile_ledger::contract::Subject as _;
use campanile_ledger::{AppendError, Intake, Record, Settled, Shard as _, Stop, Topic};
use campanile_ledger_rocks::{Ledger, Options};
use support::{OnDisk, ROW, append, batch, claim, eventually, options, read, settle};

#[test]
fn below_the_floor_everything_waits_and_above_it_goes_on() {
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let told = Arc::clone(&free);
    let mut subject = OnDisk::new(move |options| {
        let told = Arc::clone(&told);
        options.free_space = Arc::new(move |_| told.load(Ordering::SeqCst));
    });
    let mut shard = claim(subject.ledger()).remove(0);
    append(subject.ledger(), Topic::Events, "before").expect("append");
    shard.seal(batch("old", 0)).expect("seal");
    settle(&mut shard);
    free.store(1000, Ordering::SeqCst);
    eventually("halt", || subject.ledger().health().halted.is_some());

    let refused = append(subject.ledger(), Topic::Events, "refused").expect_err("no space");
    let AppendError::Unavailable(reason) = &refused else { panic!("{refused}") };
    for part in [subject.path().display().to_string().as_str(), "1000 bytes free", "536870912"] {
        assert!(reason.contains(part), "{part} is not in {reason}");
    }
    let mut intake = Intake::default();
    shard.read(9, Duration::ZERO, &mut intake).expect("read");
    assert!(intake.main.is_empty() && intake.horizon.is_none() && !intake.main_at_end, "nothing is read");

    let seq = shard.seal(batch("sealed", 1)).expect("a batch is taken for good");
    let answer = shard.settled(Duration::ZERO).expect("settled");
    assert!(matches!(&answer, Settled::Halted(reason) if reason.contains("1000 bytes")), "{answer:?}");
    assert_eq!(shard.rows(&[ROW]).expect("rows"), [Some(b"sealed".to_vec())], "the shard sees what it sealed");
    assert_eq!(shard.scan(&[1], None, 9).expect("scan"), [(ROW, b"sealed".to_vec())]);
    assert_eq!(read(subject.ledger(), Topic::Incidents), ["old"], "nobody else does");

    free.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(settle(&mut shard), seq);
    assert_eq!(read(subject.ledger(), Topic::Incidents), ["old", "sealed"]);
    eventually("appends go on", || append(subject.ledger(), Topic::Events, "after").is_ok());
    shard.read(9, Duration::from_secs(5), &mut intake).expect("read");
    assert_eq!(intake.main.len(), 2, "what was refused was not written");
    drop(shard);
    subject.crash_and_reopen();
    assert_eq!(claim(subject.ledger())[0].opening().commit.seq, seq);
}

struct Mounted<'a>(&'a Path);

impl Mounted<'_> {
    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.0).status().expect("mount").success());
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}

#[test]
fn full_file_system_loses_nothing_that_was_answered() {
    let directory = tempfile::TempDir::new().expect("temporary directory");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "none"]).arg(directory.path()).output();
    if !mount.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: a tmpfs cannot be mounted here ({mount:?})");
        return;
    }
    let mounted = Mounted(directory.path());
    let open = || {
        // No floor: the file system itself shall refuse.
        let options = options(directory.path(), Arc::new(Wall));
        let options = Options { free_space_floor_bytes: 0, refusing_max: Duration::from_secs(3), ..options };
        Ledger::open(options).expect("open")
    };
    let ledger = open();
    let appender = ledger.appender();
    let mut answered = Vec::new();
    let refusal = loop {
        let mut noise = vec![0_u8; 100_000];
        let mut word = answered.len() as u64 + 1;
        for byte in &mut noise {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (word >> 56) as u8;
        }
        match appender.append_wait(Topic::Events, 0, vec![Record::new("key", noise.clone())]) {
            Ok(appended) => answered.push((appended.first, noise)),
            Err(error) => break error,
        }
        assert!(answered.len() < 1000, "100 MB went into a file system of 24 MiB");
    };
    assert!(matches!(refusal, AppendError::InDoubt(_) | AppendError::Unavailable(_)), "{refusal}");
    assert!(ledger.health().halted.is_some_and(|reason| reason.contains("refuses writes")));
    let mut shard = claim(&ledger).remove(0);
    shard.seal(batch("taken", 0)).expect("a batch is taken for good");
    mounted.resize("400m");
    // What RocksDB cannot write to its WAL it does not recover from; then the shard must say so, and not wait for ever.
    let goes_on = || appender.append_wait(Topic::Events, 0, vec![Record::new("key", "after")]).is_ok();
    eventually("an end", || ledger.health().halted.is_some_and(|reason| reason.contains("start the")) || goes_on());
    let last = shard.settled(Duration::from_secs(1));
    assert!(matches!(last, Ok(Settled::Committed(_)) | Err(Stop::Damaged(_))), "{last:?}");
    drop((shard, appender, ledger));

    let ledger = open();
    for (offset, noise) in &answered {
        let found = ledger.tail().read(Topic::Events, 0, *offset, 1).expect("read");
        assert!(found[0].record.value == noise[..], "offset {offset} is not what was answered");
    }
    append(&ledger, Topic::Events, "after").expect("append");
    let mut shard = claim(&ledger).remove(0);
    shard.seal(batch("again", 0)).expect("seal");
    settle(&mut shard);
}
