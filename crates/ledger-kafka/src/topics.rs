//! Topics on the cluster: their names, the settings they must have, making them, checking them; and the ledger card.

use std::collections::HashMap;
use std::time::Duration;

use campanile_ledger::{Card, CommitRecord, MachineId, Topic};
use campanile_model::LedgerId;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::commit_record::COMMIT_KEY;
use crate::executor::block_on;
use crate::native::{self, Event};
use crate::options::Options;

/// Key of the card in the directory's topic. The tail keeps it from the directory's readers: it is the ledger's own.
pub(crate) const CARD_KEY: &[u8] = b"~card";
/// Key of the record by which `doctor` reads the broker's clock. No object of the directory either.
pub(crate) const CLOCK_KEY: &[u8] = b"~clock";
const FORMAT: u16 = 1;
const PATIENCE: Duration = Duration::from_secs(15);
const DAY_MS: u64 = 24 * 3600 * 1000;

#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    #[error("the cluster at {brokers} does not answer: {reason}; check the address and that it is up")]
    Unreachable { brokers: String, reason: String },
    #[error("topic {topic} could not be made: {reason}")]
    NotMade { topic: String, reason: String },
    #[error("the settings of {topic} are hidden from this user; ask as one with DESCRIBE_CONFIGS on it")]
    Hidden { topic: String },
    #[error("no ledger card is in {topic}; make the topics first: campanile topics create --kafka {brokers}")]
    NoCard { topic: String, brokers: String },
    #[error(
        "the ledger on this cluster has {found} shards, {asked} were asked for; the number is fixed when it is made"
    )]
    Shards { found: u16, asked: u16 },
}

/// Something that differs from what must be, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub topic: String,
    pub text: String,
    pub remedy: String,
}

/// Names of all topics of one ledger.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    topics: [String; Topic::ALL.len()],
    /// Of the machine that runs.
    pub(crate) changelog: String,
    /// Of every machine.
    changelogs: [String; MachineId::ALL.len()],
}

impl Names {
    pub(crate) fn new(options: &Options) -> Self {
        let changelog = |machine: MachineId| format!("{}.changelog.{}", options.prefix, machine.as_str());
        Self {
            topics: Topic::ALL.map(|topic| format!("{}.{}", options.prefix, topic.short_name())),
            changelog: changelog(options.machine),
            changelogs: MachineId::ALL.map(changelog),
        }
    }

    pub(crate) fn of(&self, topic: Topic) -> &str {
        let nth = Topic::ALL.iter().position(|known| *known == topic);
        &self.topics[nth.expect("ALL holds every topic")]
    }

    /// Every topic of the ledger, the changelogs last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.topics.iter().chain(&self.changelogs).map(String::as_str)
    }
}

/// A topic as it must be. Settings that are not named keep the cluster's defaults.
struct Plan {
    name: String,
    partitions: u16,
    settings: Vec<(&'static str, String)>,
}

fn plans(names: &Names, shards: u16) -> Vec<Plan> {
    let mut plans: Vec<_> = Topic::ALL
        .into_iter()
        .map(|topic| {
            let mut settings = common();
            match topic {
                Topic::Events | Topic::Triage | Topic::Commands | Topic::Steps | Topic::Pages | Topic::Answers => {
                    keep(&mut settings, "delete", 7)
                }
                Topic::DeadLetters => keep(&mut settings, "delete", 30),
                Topic::Incidents | Topic::Notifications => keep(&mut settings, "delete", 365),
                Topic::Alerts => keep(&mut settings, "compact,delete", 365),
                Topic::Directory => settings.push(("cleanup.policy", "compact".to_owned())),
            }
            Plan { name: names.of(topic).to_owned(), partitions: topic.partitions(shards), settings }
        })
        .collect();
    plans.extend(names.changelogs.iter().map(|name| changelog(name, shards)));
    plans
}

fn changelog(name: &str, shards: u16) -> Plan {
    let mut settings = common();
    settings.push(("cleanup.policy", "compact".to_owned()));
    // A local directory older than three days is not trusted; tombstones outlive that with room.
    settings.push(("delete.retention.ms", (7 * DAY_MS).to_string()));
    settings.push(("min.cleanable.dirty.ratio", "0.3".to_owned()));
    settings.push(("segment.ms", "600000".to_owned()));
    settings.push(("max.compaction.lag.ms", "1800000".to_owned()));
    Plan { name: name.to_owned(), partitions: shards, settings }
}

/// Append time everywhere: a producer's own clock could move a shard's time by years.
fn common() -> Vec<(&'static str, String)> {
    vec![("message.timestamp.type", "LogAppendTime".to_owned()), ("max.message.bytes", "2097152".to_owned())]
}

fn keep(settings: &mut Vec<(&'static str, String)>, policy: &str, days: u64) {
    settings.push(("cleanup.policy", policy.to_owned()));
    settings.push(("retention.ms", (days * DAY_MS).to_string()));
}

/// Makes the topics that are missing and the card, if there is none. Topics that exist are left as they are.
///
/// # Errors
/// The cluster is out of reach or refuses, or another number of shards is written on the card.
pub fn create(options: &Options, shards: u16, replication: u16) -> Result<Card, TopicsError> {
    let names = Names::new(options);
    let admin = admin(options)?;
    let plans = plans(&names, shards);
    let replicas = replication.to_string();
    // A write must reach a second broker before it counts, where there is one.
    let in_sync = if replication >= 3 { "2" } else { "1" };
    let wanted: Vec<_> = plans
        .iter()
        .map(|plan| {
            let replication = TopicReplication::Fixed(replicas.parse().unwrap_or(1));
            let mut topic = NewTopic::new(&plan.name, i32::from(plan.partitions), replication);
            for (name, value) in &plan.settings {
                topic = topic.set(name, value);
            }
            topic.set("min.insync.replicas", in_sync)
        })
        .collect();
    let answers = block_on(admin.create_topics(&wanted, &AdminOptions::new().operation_timeout(Some(PATIENCE))))
        .map_err(|error| unreachable(options, &error))?;
    for answer in answers {
        match answer {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(TopicsError::NotMade { topic, reason: code.to_string() }),
        }
    }
    wait_until_served(options, &plans)?;
    match card(options) {
        Ok(card) if card.shards == shards => Ok(card),
        Ok(card) => Err(TopicsError::Shards { found: card.shards, asked: shards }),
        Err(TopicsError::NoCard { .. }) => write_card(options, &names, shards),
        Err(error) => Err(error),
    }
}

/// Every setting that differs from what must be.
///
/// # Errors
/// The cluster is out of reach, or hides a topic's settings from this user.
pub fn check(options: &Options) -> Result<Vec<Finding>, TopicsError> {
    let names = Names::new(options);
    let card = card(options)?;
    let plans = plans(&names, card.shards);
    let found = settings(options)?;
    let counts = partitions(options)?;
    let mut findings = Vec::new();
    for plan in &plans {
        match (counts.get(&plan.name), found.get(&plan.name)) {
            (Some(count), Some(settings)) => compare(plan, *count, settings, &mut findings),
            (Some(_), None) => return Err(TopicsError::Hidden { topic: plan.name.clone() }),
            _ => findings.push(Finding {
                topic: plan.name.clone(),
                text: "the topic is missing".to_owned(),
                remedy: format!("campanile topics create --kafka {}", options.brokers),
            }),
        }
    }
    Ok(findings)
}

/// Settings of each of the ledger's topics that is there and not hidden from this user.
///
/// # Errors
/// The cluster is out of reach.
pub fn settings(options: &Options) -> Result<HashMap<String, HashMap<String, String>>, TopicsError> {
    let names = Names::new(options);
    let specifiers: Vec<_> = names.all().map(ResourceSpecifier::Topic).collect();
    let answers = block_on(admin(options)?.describe_configs(&specifiers, &AdminOptions::new()))
        .map_err(|error| unreachable(options, &error))?;
    let mut found = HashMap::new();
    for resource in answers.into_iter().flatten() {
        if let OwnedResourceSpecifier::Topic(name) = resource.specifier {
            let entries = resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
            let entries: HashMap<_, _> = entries.collect();
            // Who may not ask is told nothing, without an error.
            if !entries.is_empty() {
                found.insert(name, entries);
            }
        }
    }
    Ok(found)
}

/// A topic that was just made has no leader for a moment, and everything asked of it would fail.
fn wait_until_served(options: &Options, plans: &[Plan]) -> Result<(), TopicsError> {
    let consumer: BaseConsumer = options.reader(0).create().map_err(|error| unreachable(options, &error))?;
    let until = std::time::Instant::now() + PATIENCE;
    for plan in plans {
        for partition in 0..plan.partitions {
            while let Err(error) = consumer.fetch_watermarks(&plan.name, i32::from(partition), PATIENCE) {
                if std::time::Instant::now() >= until {
                    return Err(unreachable(options, &error));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    Ok(())
}

fn compare(plan: &Plan, partitions: u16, settings: &HashMap<String, String>, findings: &mut Vec<Finding>) {
    let topic = &plan.name;
    if partitions < plan.partitions {
        findings.push(Finding {
            topic: topic.clone(),
            text: format!("{partitions} partitions, fewer than the {} shards", plan.partitions),
            remedy: format!("kafka-topics.sh --alter --topic {topic} --partitions {}", plan.partitions),
        });
    }
    for (name, wanted) in &plan.settings {
        let found = settings.get(*name).map_or("", String::as_str);
        let is_time = name.ends_with("retention.ms") && *name != "delete.retention.ms";
        // Longer retention than ours is somebody's choice; shorter loses what was not judged yet.
        let is_longer = is_time
            && (found == "-1"
                || found.parse::<u64>().ok().zip(wanted.parse::<u64>().ok()).is_some_and(|(f, w)| f >= w));
        if found != wanted && !is_longer {
            findings.push(Finding {
                topic: topic.clone(),
                text: format!("{name} is {found:?} and must be {wanted:?}"),
                remedy: format!("kafka-configs.sh --alter --topic {topic} --add-config {name}=[{wanted}]"),
            });
        }
    }
}

/// The ledger card of the cluster.
///
/// # Errors
/// There is none, or the cluster is out of reach.
pub fn card(options: &Options) -> Result<Card, TopicsError> {
    let names = Names::new(options);
    let topic = names.of(Topic::Directory);
    let consumer: BaseConsumer = options.reader(0).create().map_err(|error| unreachable(options, &error))?;
    let no_card = || TopicsError::NoCard { topic: topic.to_owned(), brokers: options.brokers.clone() };
    let (_, end) = match consumer.fetch_watermarks(topic, 0, PATIENCE) {
        Ok(ends) => ends,
        Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownTopicOrPartition) => {
            return Err(no_card());
        }
        Err(error) => match consumer.fetch_metadata(None, PATIENCE) {
            Ok(metadata) if metadata.topics().iter().all(|known| known.name() != topic) => return Err(no_card()),
            _ => return Err(unreachable(options, &error)),
        },
    };
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).map_err(|error| unreachable(options, &error))?;
    consumer.assign(&list).map_err(|error| unreachable(options, &error))?;
    let mut card = None;
    let until = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < until && end > 0 {
        match native::poll(&consumer, Duration::from_millis(100)) {
            Some(Event::Record { stored, .. }) => {
                if stored.record.key.as_deref() == Some(CARD_KEY) {
                    card = read_card(&stored.record.value).or(card);
                }
            }
            Some(Event::End { .. }) => break,
            Some(Event::Failed { .. }) | None => {}
        }
    }
    card.ok_or_else(no_card)
}

/// Partitions of every topic on the cluster.
pub(crate) fn partitions(options: &Options) -> Result<HashMap<String, u16>, TopicsError> {
    let consumer: BaseConsumer = options.reader(0).create().map_err(|error| unreachable(options, &error))?;
    let metadata = consumer.fetch_metadata(None, PATIENCE).map_err(|error| unreachable(options, &error))?;
    let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    Ok(metadata.topics().iter().map(|topic| (topic.name().to_owned(), count(topic.partitions().len()))).collect())
}

/// Deletes records below an offset. Only for what nobody needs any more: the caller knows the cursors.
///
/// # Errors
/// The cluster is out of reach or refuses.
pub fn delete_below(options: &Options, topic: Topic, partition: u16, below: u64) -> Result<(), TopicsError> {
    let names = Names::new(options);
    let admin = admin(options)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(names.of(topic), i32::from(partition), Offset::Offset(below as i64))
        .map_err(|error| unreachable(options, &error))?;
    let deleted = block_on(admin.delete_records(&list, &AdminOptions::new()));
    deleted.map(drop).map_err(|error| unreachable(options, &error))
}

/// Deletes every topic of the ledger, and so the ledger. The demo's, at its end; nothing else asks for it.
///
/// # Errors
/// The cluster is out of reach.
pub fn delete_all(options: &Options) -> Result<(), TopicsError> {
    let names = Names::new(options);
    let all: Vec<_> = names.all().collect();
    let deleted = block_on(admin(options)?.delete_topics(&all, &AdminOptions::new()));
    deleted.map(drop).map_err(|error| unreachable(options, &error))
}

pub(crate) fn admin(options: &Options) -> Result<AdminClient<DefaultClientContext>, TopicsError> {
    options.with_passed_through(options.base()).create().map_err(|error| unreachable(options, &error))
}

pub(crate) fn unreachable(options: &Options, error: &KafkaError) -> TopicsError {
    TopicsError::Unreachable { brokers: options.brokers.clone(), reason: error.to_string() }
}

fn write_card(options: &Options, names: &Names, shards: u16) -> Result<Card, TopicsError> {
    let fail = |reason: String| TopicsError::NotMade { topic: names.of(Topic::Directory).to_owned(), reason };
    let ledger = LedgerId(getrandom::u64().map_err(|error| fail(error.to_string()))?);
    let value = format!("{{\"v\":1,\"ledger\":\"{:016x}\",\"shards\":{shards},\"format\":{FORMAT}}}", ledger.0);
    let producer: BaseProducer = options.appending().create().map_err(|error| fail(error.to_string()))?;
    let record = BaseRecord::to(names.of(Topic::Directory)).partition(0).key(CARD_KEY).payload(value.as_bytes());
    producer.send(record).map_err(|(error, _)| fail(error.to_string()))?;
    producer.flush(PATIENCE).map_err(|error| fail(error.to_string()))?;
    // Read back: what counts is what is in the log, should two have written one.
    self::card(options)
}

fn read_card(value: &[u8]) -> Option<Card> {
    let json: serde_json::Value = serde_json::from_slice(value).ok()?;
    let number = |name: &str| json.get(name)?.as_u64().and_then(|number| u16::try_from(number).ok());
    let ledger = u64::from_str_radix(json.get("ledger")?.as_str()?, 16).ok()?;
    Some(Card { ledger: LedgerId(ledger), shards: number("shards")?, format: number("format")? })
}

/// The newest commit record of a shard, read from its changelog.
///
/// # Errors
/// The cluster is out of reach.
pub fn last_commit(options: &Options, shard: u16) -> Result<Option<CommitRecord>, TopicsError> {
    let names = Names::new(options);
    let consumer: BaseConsumer = options.reader(0).create().map_err(|error| unreachable(options, &error))?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&names.changelog, i32::from(shard), Offset::Beginning)
        .map_err(|error| unreachable(options, &error))?;
    consumer.assign(&list).map_err(|error| unreachable(options, &error))?;
    let mut last = None;
    let until = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < until {
        match native::poll(&consumer, Duration::from_millis(100)) {
            Some(Event::Record { stored, .. }) if stored.record.key.as_deref() == Some(COMMIT_KEY) => {
                let text = std::str::from_utf8(&stored.record.value).ok();
                last = text.and_then(|text| text.parse().ok()).or(last);
            }
            Some(Event::End { .. }) => break,
            Some(Event::Record { .. } | Event::Failed { .. }) | None => {}
        }
    }
    Ok(last)
}
