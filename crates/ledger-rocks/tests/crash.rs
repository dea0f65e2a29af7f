//! Kill -9, again and again: what was answered is there, and commits are whole.

mod support;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campanile_clock::Wall;
use campanile_ledger::{Batch, Intake, Publish, Record, Shard as _, Topic};
use campanile_ledger_rocks::Ledger;
use support::{ROW, claim, eventually, options};

const DIRECTORY: &str = "CAMPANILE_CRASH_TEST_DIRECTORY";
const KILLS: usize = 8;

/// Not a test of its own: the process that is killed. It notes every answer before it goes on.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_appends_and_commits_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let ledger = Ledger::open(options(&directory.join("data"), Arc::new(Wall))).expect("open");
    let notes = std::fs::File::options().create(true).append(true).open(directory.join("notes")).expect("notes");
    let notes = Mutex::new(notes);
    let note = |line: String| notes.lock().expect("notes").write_all(line.as_bytes()).expect("note");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (appender, note) = (ledger.appender(), &note);
            scope.spawn(move || {
                for n in 0_u64.. {
                    let (partition, text) = ((n % 2) as u16, format!("{}-{thread}-{n}", std::process::id()));
                    let records = vec![Record::new("key", text.clone()); 1 + (n % 3) as usize];
                    let count = records.len() as u64;
                    let first = appender.append_wait(Topic::Events, partition, records).expect("append").first;
                    note(format!("append {partition} {first} {count} {text}\n"));
                }
            });
        }
        let mut shard = claim(&ledger).remove(0);
        let mut intake = Intake::default();
        loop {
            shard.read(500, Duration::from_secs(1), &mut intake).expect("read");
            let Some(last) = intake.main.back() else { continue };
            let mut batch = Batch { next: [last.offset + 1, 0, 0], ..Batch::default() };
            let total = last.offset + 1;
            batch.rows.put(ROW, |out| out.extend_from_slice(&total.to_le_bytes()));
            batch.publish.extend(intake.main.drain(..).map(|stored| {
                let record = Record::new("key", stored.offset.to_le_bytes().to_vec());
                Publish { topic: Topic::Incidents, partition: 0, record }
            }));
            shard.seal(batch).expect("seal");
            if let campanile_ledger::Settled::Committed(seq) = shard.settled(Duration::from_millis(2)).expect("settled")
            {
                note(format!("commit {seq} {total}\n"));
            }
        }
    });
}

fn check(directory: &Path) {
    let ledger = Ledger::open(options(&directory.join("data"), Arc::new(Wall))).expect("open after a kill");
    let tail = ledger.tail();
    let mut stored = HashMap::new();
    for partition in 0..2 {
        let records = tail.read(Topic::Events, partition, 0, usize::MAX).expect("read");
        assert!(records.iter().map(|stored| stored.offset).eq(0..records.len() as u64), "a gap");
        assert!(records.is_sorted_by_key(|stored| stored.at), "time ran backwards");
        for record in records {
            stored.insert((partition, record.offset), String::from_utf8_lossy(&record.record.value).into_owned());
        }
    }
    let mut shard = claim(&ledger).remove(0);
    let commit = shard.opening().commit.clone();
    for line in std::fs::read_to_string(directory.join("notes")).expect("notes").lines() {
        let parts: Vec<&str> = line.split(' ').collect();
        let number = |n: usize| parts[n].parse::<u64>().expect("number");
        if parts[0] == "append" {
            for offset in number(2)..number(2) + number(3) {
                let found = stored.get(&(number(1) as u16, offset));
                assert_eq!(found.map(String::as_str), Some(parts[4]), "answered and not there: {line}");
            }
        } else {
            assert!(commit.seq >= number(1) && commit.next[0] >= number(2), "settled and not there: {line}");
        }
    }
    let published = tail.read(Topic::Incidents, 0, 0, usize::MAX).expect("read");
    let expected = (0..commit.next[0]).map(|offset| offset.to_le_bytes().to_vec());
    assert!(published.iter().map(|stored| stored.record.value.to_vec()).eq(expected), "not exactly once");
    let total = shard.rows(&[ROW]).expect("rows").remove(0).expect("row");
    assert_eq!(total, commit.next[0].to_le_bytes(), "row and cursor are of different commits");
}

#[test]
fn answered_appends_and_settled_commits_survive_kill_9() {
    let directory = tempfile::TempDir::new().expect("temporary directory");
    let notes = directory.path().join("notes");
    std::fs::write(&notes, "").expect("notes");
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("own path"))
            .args(["--exact", "child_appends_and_commits_until_it_is_killed", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("child");
        let size = || std::fs::metadata(&notes).map_or(0, |file| file.len());
        let until = size() + 20_000 + 7_919 * kill as u64;
        eventually("answers of the child", || size() >= until);
        child.kill().expect("kill");
        child.wait().expect("wait");
        check(directory.path());
    }
}
