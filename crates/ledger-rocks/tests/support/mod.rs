//! What the tests share: a directory with a ledger in it, a gate before syncs, and a crash by copying.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use campanile_clock::{Clock, Hand};
use campanile_ledger::contract::{PATIENCE, Subject};
use campanile_ledger::{
    AppendError, Appended, Appender, Batch, Claim, MachineId, Publish, Record, RowKey, Settled, Shard as _,
    Shards as _, Tail, Topic,
};
use campanile_ledger_rocks::{Ledger, Options, RocksShard, RocksShards};
use campanile_model::{Span, Timestamp};
use tempfile::TempDir;

/// Holds the syncer back while it is closed.
#[derive(Default)]
pub struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub fn set(&self, closed: bool) {
        *self.closed.lock().expect("gate") = closed;
        self.changed.notify_all();
    }

    pub fn pass(&self) {
        let closed = self.closed.lock().expect("gate");
        drop(self.changed.wait_while(closed, |closed| *closed).expect("gate"));
    }
}

type Tune = Box<dyn Fn(&mut Options)>;

pub struct OnDisk {
    pub ledger: Option<Ledger>,
    pub gate: Arc<Gate>,
    pub clock: Arc<Hand>,
    directory: TempDir,
    tune: Tune,
}

pub fn options(path: &Path, clock: Arc<dyn Clock>) -> Options {
    Options { shards: Some(2), block_cache_bytes: 8 << 20, ..Options::new(path, clock) }
}

impl OnDisk {
    pub fn new(tune: impl Fn(&mut Options) + 'static) -> Self {
        let clock = Arc::new(Hand::at(Timestamp(1_000_000)));
        let directory = TempDir::new().expect("temporary directory");
        let mut subject = Self { ledger: None, gate: Arc::default(), clock, directory, tune: Box::new(tune) };
        subject.open();
        subject
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().expect("open")
    }

    pub fn open(&mut self) {
        let mut options = options(self.directory.path(), self.clock.clone());
        let gate = Arc::clone(&self.gate);
        options.before_sync = Some(Arc::new(move || gate.pass()));
        (self.tune)(&mut options);
        self.ledger = Some(Ledger::open(options).expect("open"));
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        self.gate.set(false);
    }
}

impl Subject for OnDisk {
    type Shards = RocksShards;

    fn shards_of(&self, machine: MachineId) -> RocksShards {
        self.ledger().shards_of(machine)
    }

    fn appender(&self) -> Arc<dyn Appender> {
        self.ledger().appender()
    }

    fn tail(&self) -> Arc<dyn Tail> {
        self.ledger().tail()
    }

    fn turn(&self, by: Span) {
        self.clock.turn(by);
    }

    fn hold(&self) {
        self.gate.set(true);
    }

    fn release(&self) {
        self.gate.set(false);
    }

    /// What the files hold at this instant is what kill -9 leaves: buffers of the process are not in them.
    fn crash_and_reopen(&mut self) {
        let left = TempDir::new().expect("temporary directory");
        copy(self.directory.path(), left.path());
        self.gate.set(false);
        self.ledger = None;
        self.gate = Arc::default();
        self.directory = left;
        self.open();
    }

    fn trim(&self, topic: Topic, partition: u16, below: u64) {
        self.ledger().trim(topic, partition, below).expect("trim");
    }
}

/// Files that vanish while they are copied were obsolete.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("directory");
    for entry in std::fs::read_dir(from).expect("read directory") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            match std::fs::copy(entry.path(), target) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => panic!("{}: {error}", entry.path().display()),
            }
        }
    }
}

pub fn claim(ledger: &Ledger) -> Vec<RocksShard> {
    let granted = ledger.shards().claims(Duration::ZERO).into_iter().map(|claim| match claim {
        Claim::Granted(shard) => shard,
        Claim::Revoked(id) | Claim::Lost(id) => panic!("shard {id} was taken away"),
    });
    granted.collect()
}

pub fn append(ledger: &Ledger, topic: Topic, text: &str) -> Result<Appended, AppendError> {
    ledger.appender().append_wait(topic, 0, vec![Record::new("key", text.to_owned())])
}

pub fn read(ledger: &Ledger, topic: Topic) -> Vec<String> {
    let from = ledger.tail().ends(topic, 0).start;
    let stored = ledger.tail().read(topic, 0, from, usize::MAX).expect("read");
    stored.iter().map(|stored| String::from_utf8_lossy(&stored.record.value).into_owned()).collect()
}

pub const ROW: RowKey = RowKey([1; 22]);

/// Sets the row to `text`, publishes it as an incident, and moves the main lane to `next`.
pub fn batch(text: &str, next: u64) -> Batch {
    let mut batch = Batch { next: [next, 0, 0], ..Batch::default() };
    batch.rows.put(ROW, |out| out.extend_from_slice(text.as_bytes()));
    batch.publish.push(Publish { topic: Topic::Incidents, partition: 0, record: Record::new("key", text.to_owned()) });
    batch
}

pub fn settle(shard: &mut RocksShard) -> u64 {
    match shard.settled(PATIENCE * 3).expect("settled") {
        Settled::Committed(seq) => seq,
        other => panic!("not settled: {other:?}"),
    }
}

/// Waits until `condition` holds. Only for what no handle can be waited on: background threads and other processes.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE * 3;
    while !condition() {
        assert!(Instant::now() < until, "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
