//! What a cluster tells of itself and of a ledger on it, for `campanile doctor`. Facts only: what is good and what is not
//! is judged by who asks.
//!
//! Everything here is asked with a reader's rights and joins no group; only [`clock`] writes, one record.

mod permissions;
mod versions;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use campanile_ledger::{Card, CommitRecord, Ends, Lane, Topic};
use campanile_model::Timestamp;
use rdkafka::admin::{AdminOptions, OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, ProducerContext};
use rdkafka::{ClientContext, Message as _, Offset, TopicPartitionList};

use crate::executor::block_on;
use crate::options::Options;
use crate::topics::{CLOCK_KEY, Names, TopicsError, admin, unreachable};

pub use permissions::permissions;
pub use versions::{Versions, versions};

const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Version of the Kafka client in this program.
pub fn client_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

/// One partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    pub number: i32,
    /// Broker that leads it; negative if none does.
    pub leader: i32,
    pub replicas: usize,
    pub in_sync: usize,
}

/// The cluster as one of its brokers sees it.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Number and the address that clients are told to use.
    pub brokers: Vec<(i32, String)>,
    /// Partitions of the ledger's topics, by the topics' names.
    pub topics: HashMap<String, Vec<Partition>>,
}

/// Brokers, and the ledger's topics.
///
/// # Errors
/// The cluster is out of reach.
pub fn cluster(options: &Options) -> Result<Cluster, TopicsError> {
    let consumer: BaseConsumer = options.reader(0).create().map_err(|error| unreachable(options, &error))?;
    let metadata = consumer.fetch_metadata(None, ANSWER_WAIT).map_err(|error| unreachable(options, &error))?;
    let brokers = metadata.brokers().iter().map(|broker| (broker.id(), format!("{}:{}", broker.host(), broker.port())));
    let names = Names::new(options);
    let ours = metadata.topics().iter().filter(|topic| names.all().any(|name| name == topic.name()));
    let topics = ours.map(|topic| {
        let partitions = topic.partitions().iter().map(|partition| Partition {
            number: partition.id(),
            leader: partition.leader(),
            replicas: partition.replicas().len(),
            in_sync: partition.isr().len(),
        });
        (topic.name().to_owned(), partitions.collect())
    });
    Ok(Cluster { brokers: brokers.collect(), topics: topics.collect() })
}

/// Settings of one broker, by name.
///
/// # Errors
/// The cluster is out of reach, or this user may not ask.
pub fn broker_settings(options: &Options, broker: i32) -> Result<HashMap<String, String>, TopicsError> {
    let asked = [ResourceSpecifier::Broker(broker)];
    let answers = block_on(admin(options)?.describe_configs(&asked, &AdminOptions::new()));
    let answers = answers.map_err(|error| unreachable(options, &error))?;
    let mut found = HashMap::new();
    for answer in answers {
        let resource = answer.map_err(|code| refused(options, code.to_string()))?;
        if matches!(resource.specifier, OwnedResourceSpecifier::Broker(_)) {
            found.extend(resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))));
        }
    }
    // A user who may not ask is told nothing, without an error.
    if found.is_empty() {
        return Err(refused(options, format!("broker {broker} tells this user none of its settings")));
    }
    Ok(found)
}

/// The processors' group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    /// As Kafka says it: `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Dead`.
    pub state: String,
    /// Client and host of each member.
    pub members: Vec<(String, String)>,
}

/// The state of the processors' group.
///
/// # Errors
/// The cluster is out of reach, or this user may not ask.
pub fn group(options: &Options, card: Card) -> Result<Group, TopicsError> {
    let name = options.group(card.ledger.0);
    let consumer: BaseConsumer = options.reader(0).create().map_err(|error| unreachable(options, &error))?;
    let list = consumer.client().fetch_group_list(Some(&name), ANSWER_WAIT);
    let list = list.map_err(|error| unreachable(options, &error))?;
    let Some(found) = list.groups().iter().find(|group| group.name() == name) else {
        return Ok(Group { name, state: "Dead".to_owned(), members: Vec::new() });
    };
    let members = found.members().iter().map(|member| (member.client_id().to_owned(), member.client_host().to_owned()));
    Ok(Group { state: found.state().to_owned(), members: members.collect(), name })
}

/// How far a shard's main lane came.
#[derive(Clone, Debug)]
pub struct Progress {
    pub shard: u16,
    /// Committed position and the commit record with it; `None` before the first commit.
    pub committed: Option<(u64, Option<CommitRecord>)>,
    /// What a processor can read.
    pub stable: Ends,
    /// End of the log with what open transactions hold back.
    pub high: u64,
}

/// How far every shard's main lane came.
///
/// # Errors
/// The cluster is out of reach, or this user may not ask.
pub fn progress(options: &Options, card: Card) -> Result<Vec<Progress>, TopicsError> {
    let fail = |error: &_| unreachable(options, error);
    let topic = Names::new(options).of(options.machine.topic(Lane::Main)).to_owned();
    let mut config = options.reader(card.ledger.0);
    // The group's own name, to ask for its offsets; nothing is committed and nothing joined.
    config.set("group.id", options.group(card.ledger.0));
    let committed: BaseConsumer = config.create().map_err(|error| fail(&error))?;
    let mut config = options.reader(card.ledger.0);
    let uncommitted: BaseConsumer =
        config.set("isolation.level", "read_uncommitted").create().map_err(|error| fail(&error))?;
    let mut list = TopicPartitionList::new();
    for shard in 0..card.shards {
        list.add_partition(&topic, i32::from(shard));
    }
    let offsets = committed.committed_offsets(list, ANSWER_WAIT).map_err(|error| fail(&error))?;
    let mut shards = Vec::new();
    for shard in 0..card.shards {
        let partition = i32::from(shard);
        let ends = committed.fetch_watermarks(&topic, partition, ANSWER_WAIT).map_err(|error| fail(&error))?;
        let (_, high) = uncommitted.fetch_watermarks(&topic, partition, ANSWER_WAIT).map_err(|error| fail(&error))?;
        let found = offsets.find_partition(&topic, partition).and_then(|element| match element.offset() {
            Offset::Offset(offset) => Some((offset.max(0) as u64, element.metadata().parse().ok())),
            _ => None,
        });
        let stable = Ends { start: ends.0.max(0) as u64, end: ends.1.max(0) as u64 };
        shards.push(Progress { shard, committed: found, stable, high: high.max(0) as u64 });
    }
    Ok(shards)
}

/// The broker's clock beside ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// How far the broker is ahead of this machine, in milliseconds; exact to half of `round_trip`.
    pub ahead_ms: i64,
    /// From sending to the acknowledgement of all replicas.
    pub round_trip: Duration,
}

/// Reads the broker's clock by its stamp on one small record in the directory's topic. Readers pass it over, and
/// compaction keeps the newest only.
///
/// # Errors
/// The cluster is out of reach or takes no record.
pub fn clock(options: &Options) -> Result<ClockReading, TopicsError> {
    let names = Names::new(options);
    let (tell, told) = std::sync::mpsc::channel();
    let producer: BaseProducer<Stamp> =
        options.appending().create_with_context(Stamp(tell)).map_err(|error| unreachable(options, &error))?;
    let mut reading = None;
    // The first goes through connecting and a producer id; the second shows the way alone.
    for _ in 0..2 {
        let (sent, began) = (wall_ms(), Instant::now());
        let record = BaseRecord::<[u8], [u8], ()>::to(names.of(Topic::Directory)).partition(0).key(CLOCK_KEY);
        producer.send(record.payload(b"")).map_err(|(error, _)| unreachable(options, &error))?;
        // Not by flush: it looks only every 100 ms.
        let at = loop {
            producer.poll(Duration::from_millis(1));
            match told.try_recv() {
                Ok(at) => break at,
                Err(_) if began.elapsed() < ANSWER_WAIT => {}
                Err(_) => break Err("no answer to a record".to_owned()),
            }
        };
        let round_trip = began.elapsed();
        let at = at.map_err(|reason| refused(options, reason))?;
        let ahead_ms = at.0 - (sent + round_trip.as_millis() as i64 / 2);
        reading = Some(ClockReading { ahead_ms, round_trip });
    }
    reading.ok_or_else(|| refused(options, "no answer to a record".to_owned()))
}

/// Tells when each record was stamped.
struct Stamp(std::sync::mpsc::Sender<Result<Timestamp, String>>);

impl ClientContext for Stamp {}

impl ProducerContext for Stamp {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let told = match result {
            Ok(message) => Ok(Timestamp(message.timestamp().to_millis().unwrap_or(0))),
            Err((error, _)) => Err(error.to_string()),
        };
        // Nobody listens once the answer has come too late.
        let _ = self.0.send(told);
    }
}

fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

fn refused(options: &Options, reason: String) -> TopicsError {
    TopicsError::Unreachable { brokers: options.brokers.clone(), reason }
}
