//! What the tests share: a real broker, started once per test program and ended with it; a ledger of its own prefix per
//! test; and a shard that waits for what is known to be in the log.
//!
//! `CAMPANILE_KAFKA=host:port` takes a broker that runs already.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use campanile_ledger::contract::{PATIENCE, Subject};
use campanile_ledger::{
    Appender, Batch, Claim, CommitRecord, Ends, Intake, Lane, MachineId, Opening, RowKey, Settled, Shard, Shards, Stop,
    Stored, Tail, TailError, TimerKey, Topic,
};
use campanile_ledger_kafka::{KafkaShard, KafkaShards, Ledger, Options, topics};
use campanile_model::{ShardId, Span, Timestamp};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tempfile::TempDir;

/// Address of the broker.
pub fn broker() -> &'static str {
    static BROKER: OnceLock<String> = OnceLock::new();
    BROKER.get_or_init(|| std::env::var("CAMPANILE_KAFKA").unwrap_or_else(|_| start()))
}

fn start() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka.sh");
    let port = free_ports();
    let ours = std::process::id().to_string();
    let output = Command::new(script).arg("up").env("PORT", port.to_string()).env("UNTIL", ours).output();
    let output = output.expect("scripts/kafka.sh runs");
    assert!(output.status.success(), "no broker: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("an address").trim().to_owned()
}

/// A port that is free together with the next one.
fn free_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = first.local_addr().expect("its address").port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// Holds sending back while it is closed.
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

pub struct OnKafka {
    pub ledger: Option<Ledger>,
    pub gate: Arc<Gate>,
    pub directory: TempDir,
    pub prefix: String,
    /// Claims of each shard so far. Every claim is a commit, which the contract's numbers know nothing of.
    claims: Arc<Mutex<HashMap<(MachineId, u16), u64>>>,
}

impl OnKafka {
    pub fn new() -> Self {
        let directory = TempDir::new().expect("temporary directory");
        let unique = directory.path().file_name().expect("a name").to_string_lossy().replace(['.', '_'], "");
        let prefix = format!("t{}-{unique}", std::process::id());
        let (ledger, gate, claims) = Default::default();
        let mut subject = Self { ledger, gate, directory, prefix, claims };
        topics::create(&subject.options(), 2, 1).expect("topics");
        subject.open();
        subject
    }

    pub fn options(&self) -> Options {
        let gate = Arc::clone(&self.gate);
        Options {
            prefix: self.prefix.clone(),
            before_send: Some(Arc::new(move || gate.pass())),
            session_timeout_ms: 6000,
            ..Options::new(broker(), self.directory.path(), "one")
        }
    }

    pub fn open(&mut self) {
        self.ledger = Some(Ledger::open(self.options()).expect("open"));
    }

    pub fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().expect("open")
    }
}

impl OnKafka {
    fn uncommitted(&self) -> BaseConsumer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker()).set("isolation.level", "read_uncommitted");
        config.create().expect("consumer")
    }
}

impl Drop for OnKafka {
    fn drop(&mut self) {
        self.gate.set(false);
    }
}

impl Subject for OnKafka {
    type Shards = PatientShards;

    fn shards_of(&self, machine: MachineId) -> PatientShards {
        let inner = match machine {
            MachineId::Triage => self.ledger().shards(),
            MachineId::Notifier => Ledger::open(self.options().of(machine)).expect("open").shards(),
        };
        PatientShards {
            inner,
            machine,
            shards: usize::from(self.ledger().card().shards),
            tail: self.tail(),
            claims: Arc::clone(&self.claims),
        }
    }

    fn appender(&self) -> Arc<dyn Appender> {
        self.ledger().appender()
    }

    fn tail(&self) -> Arc<dyn Tail> {
        Arc::new(PatientTail {
            inner: self.ledger().tail(),
            uncommitted: self.uncommitted(),
            prefix: self.prefix.clone(),
        })
    }

    /// The broker's clock cannot be turned; cases that need it have a form of their own.
    fn turn(&self, _by: Span) {}

    fn hold(&self) {
        self.gate.set(true);
    }

    fn release(&self) {
        self.gate.set(false);
    }

    /// Nothing that waits at the gate is sent: its shard has ended by then. The directory stays as it was last written.
    fn crash_and_reopen(&mut self) {
        self.ledger = None;
        self.gate.set(false);
        self.gate = Arc::default();
        self.open();
    }

    /// On Kafka retention is the broker's; this is what a careful operator does by hand.
    fn trim(&self, topic: Topic, partition: u16, below: u64) {
        let cursor = MachineId::fed_by(topic)
            .map_or(u64::MAX, |(machine, lane)| committed_of(self, machine, partition).next[lane as usize]);
        let until = below.min(cursor);
        if until > 0 {
            topics::delete_below(&self.options(), topic, partition, until).expect("trim");
        }
    }
}

/// A tail that waits for markers: a commit is answered when it is decided, and a moment later its markers make it visible.
struct PatientTail {
    inner: Arc<dyn Tail>,
    uncommitted: BaseConsumer,
    prefix: String,
}

impl PatientTail {
    fn wait_for_markers(&self, topic: Topic, partition: u16) {
        let name = format!("{}.{}", self.prefix, topic.short_name());
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let (_, high) =
                self.uncommitted.fetch_watermarks(&name, i32::from(partition), PATIENCE).expect("watermarks");
            if self.inner.ends(topic, partition).end >= high as u64 {
                return;
            }
        }
    }
}

impl Tail for PatientTail {
    fn ends(&self, topic: Topic, partition: u16) -> Ends {
        self.wait_for_markers(topic, partition);
        self.inner.ends(topic, partition)
    }

    fn read(&self, topic: Topic, partition: u16, from: u64, max: usize) -> Result<Vec<Stored>, TailError> {
        self.wait_for_markers(topic, partition);
        self.inner.read(topic, partition, from, max)
    }

    fn wait(&self, topic: Topic, partition: u16, from: u64, wait: Duration) -> bool {
        self.inner.wait(topic, partition, from, wait)
    }
}

/// The newest commit record of a shard, as the changelog has it.
pub fn committed(subject: &OnKafka, shard: u16) -> CommitRecord {
    committed_of(subject, MachineId::Triage, shard)
}

pub fn committed_of(subject: &OnKafka, machine: MachineId, shard: u16) -> CommitRecord {
    topics::last_commit(&subject.options().of(machine), shard).expect("changelog").unwrap_or_default()
}

/// Claims until all shards are there, as a new member is given them in more than one step.
pub struct PatientShards {
    inner: KafkaShards,
    machine: MachineId,
    shards: usize,
    tail: Arc<dyn Tail>,
    claims: Arc<Mutex<HashMap<(MachineId, u16), u64>>>,
}

impl Shards for PatientShards {
    type Shard = PatientShard;

    fn claims(&mut self, wait: Duration) -> Vec<Claim<PatientShard>> {
        let until = Instant::now() + wait * 2;
        let mut found = Vec::new();
        while found.len() < self.shards && Instant::now() < until {
            for claim in self.inner.claims(Duration::from_millis(100)) {
                match claim {
                    Claim::Granted(shard) => found.push(Claim::Granted(self.patient(shard))),
                    Claim::Revoked(_) | Claim::Lost(_) => {}
                }
            }
        }
        found
    }
}

impl PatientShards {
    fn patient(&self, inner: KafkaShard) -> PatientShard {
        let mut claims = self.claims.lock().expect("claims");
        let skew = claims.entry((self.machine, inner.id().0)).or_default();
        *skew += 1;
        let mut shard = PatientShard {
            opening: inner.opening().clone(),
            inner,
            machine: self.machine,
            skew: *skew,
            tail: Arc::clone(&self.tail),
            at: [0; 3],
        };
        shard.adjust();
        shard
    }
}

pub struct PatientShard {
    pub inner: KafkaShard,
    machine: MachineId,
    opening: Opening,
    skew: u64,
    tail: Arc<dyn Tail>,
    /// Next offset of each lane after what was read.
    at: [u64; 3],
}

impl PatientShard {
    fn adjust(&mut self) {
        self.opening.commit.seq -= self.skew;
        self.at = self.opening.commit.next;
    }

    /// Whether all that is in the log, or as much as was asked for, is in hand.
    fn has_all(&mut self, max: usize, intake: &Intake) -> bool {
        let lanes = [&intake.main, &intake.hop, &intake.door];
        let at_end = [intake.main_at_end, intake.hop_at_end, true];
        (0..3).all(|n| {
            self.at[n] = lanes[n].back().map_or(self.at[n], |last: &Stored| self.at[n].max(last.offset + 1));
            let topic = self.machine.topic(Lane::ALL[n]);
            let is_there = || self.tail.read(topic, self.inner.id().0, self.at[n], 1).expect("tail").is_empty();
            lanes[n].len() >= max || (at_end[n] && is_there())
        })
    }
}

impl Shard for PatientShard {
    fn id(&self) -> ShardId {
        self.inner.id()
    }

    fn opening(&self) -> &Opening {
        &self.opening
    }

    fn read(&mut self, max: usize, wait: Duration, intake: &mut Intake) -> Result<(), Stop> {
        self.inner.read(max, wait, intake)?;
        let until = Instant::now() + PATIENCE;
        while wait.is_zero() && !self.has_all(max, intake) && Instant::now() < until {
            self.inner.read(max, Duration::ZERO, intake)?;
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Stop> {
        self.inner.rows(keys)
    }

    fn scan(&mut self, prefix: &[u8], after: Option<RowKey>, limit: usize) -> Result<Vec<(RowKey, Vec<u8>)>, Stop> {
        self.inner.scan(prefix, after, limit)
    }

    fn timers(&mut self, until: Timestamp, max: usize) -> Result<Vec<(Timestamp, TimerKey)>, Stop> {
        self.inner.timers(until, max)
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Stop> {
        self.inner.next_due()
    }

    fn seal(&mut self, batch: Batch) -> Result<u64, Stop> {
        self.inner.seal(batch).map(|seq| seq - self.skew)
    }

    fn settled(&mut self, wait: Duration) -> Result<Settled, Stop> {
        self.inner.settled(wait).map(|settled| match settled {
            Settled::Committed(seq) => Settled::Committed(seq - self.skew),
            other => other,
        })
    }

    fn reopen(&mut self) -> Result<Opening, Stop> {
        self.opening = self.inner.reopen()?;
        self.adjust();
        Ok(self.opening.clone())
    }

    fn idle(&self, wait: Duration) {
        self.inner.idle(wait);
    }
}
