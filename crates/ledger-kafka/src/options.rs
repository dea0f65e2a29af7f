//! What an operator may set, and the client settings that follow from it.

use std::path::PathBuf;
use std::sync::Arc;

use campanile_ledger::MachineId;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// Called before anything is sent. Tests hold sending back with it; there is no other use.
pub type Gate = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone)]
pub struct Options {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// Where each shard's rows lie between restarts. Losing it costs a restore, never data.
    pub data: PathBuf,
    /// Name of this process in the group. Two that share a name fence each other, which is why it has no default.
    pub instance: String,
    /// Which machine runs on the ledger: a part of names of the group, transactions and changelog. Default `triage`.
    pub machine: MachineId,
    /// First part of every topic's name. Default `campanile`; another lets several ledgers share a cluster.
    pub prefix: String,
    /// Client settings passed through as they are: security, mostly. They win over ours.
    pub client: Vec<(String, String)>,
    /// Classic group session time-out in ms. Default 10000: how long a dead owner keeps its shards.
    pub session_timeout_ms: u32,
    /// Records read ahead for one lane of one shard. Default 16384; reading pauses above it.
    pub read_ahead_records: usize,
    pub before_send: Option<Gate>,
}

impl Options {
    pub fn new(brokers: &str, data: impl Into<PathBuf>, instance: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            data: data.into(),
            instance: instance.to_owned(),
            machine: MachineId::Triage,
            prefix: "campanile".to_owned(),
            client: Vec::new(),
            session_timeout_ms: 10_000,
            read_ahead_records: 16_384,
            before_send: None,
        }
    }

    /// The same, for another machine on the same ledger.
    #[must_use]
    pub fn of(&self, machine: MachineId) -> Self {
        Self { machine, ..self.clone() }
    }

    pub(crate) fn group(&self, ledger: u64) -> String {
        format!("{ledger:016x}.{}", self.machine.as_str())
    }

    /// The same for every instance, so that the next owner can fence the last.
    pub(crate) fn transactional_id(&self, ledger: u64, shard: u16) -> String {
        format!("{}.{shard}", self.group(ledger))
    }

    /// As the cluster's own tools show it.
    pub(crate) fn client_id(&self) -> String {
        format!("campanile-{}", self.instance)
    }

    /// What every client has. The reconnect cap matters most: with the default of 10 s a broker's restarts cost minutes.
    pub(crate) fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", self.client_id())
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "500")
            .set("retry.backoff.ms", "5")
            .set("socket.keepalive.enable", "true")
            .set("message.max.bytes", "2097152")
            .set("log_level", "4")
            .set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    /// The operator's settings last, so that they win.
    pub(crate) fn with_passed_through(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.client {
            config.set(name, value);
        }
        config
    }

    /// The member of the group. It never reads: everything it is assigned stays paused.
    pub(crate) fn member(&self, ledger: u64) -> ClientConfig {
        let mut config = self.base();
        config
            .set("group.id", self.group(ledger))
            .set("group.instance.id", &self.instance)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", self.session_timeout_ms.to_string())
            .set("heartbeat.interval.ms", (self.session_timeout_ms / 5).to_string())
            .set("max.poll.interval.ms", self.session_timeout_ms.max(60_000).to_string())
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest")
            .set("queued.min.messages", "1")
            .set("queued.max.messages.kbytes", "64");
        self.with_passed_through(config)
    }

    /// Readers are assigned, never members: their metadata would pass the broker's fence and must reach no producer.
    pub(crate) fn reader(&self, ledger: u64) -> ClientConfig {
        let mut config = self.base();
        config
            .set("group.id", format!("{}.reader", self.group(ledger)))
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("fetch.queue.backoff.ms", "1")
            .set("queued.min.messages", "10000")
            .set("queued.max.messages.kbytes", "8192")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50");
        self.with_passed_through(config)
    }

    pub(crate) fn transactional(&self, ledger: u64, shard: u16) -> ClientConfig {
        let mut config = self.producing();
        config
            .set("transactional.id", self.transactional_id(ledger, shard))
            .set("transaction.timeout.ms", "8000")
            .set("message.timeout.ms", "6000")
            .set("linger.ms", "2");
        self.with_passed_through(config)
    }

    pub(crate) fn appending(&self) -> ClientConfig {
        let mut config = self.producing();
        config.set("message.timeout.ms", "10000").set("linger.ms", "1");
        self.with_passed_through(config)
    }

    fn producing(&self) -> ClientConfig {
        let mut config = self.base();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "65536");
        config
    }
}
