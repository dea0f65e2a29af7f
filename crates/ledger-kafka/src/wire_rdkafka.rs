//! The wire over librdkafka: the group member, transactional producers, look-ups. Error classes are sorted here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_ledger::{Ends, Lane, Topic};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::faults::{self, Fault as Mutation};
use crate::native::{self, Event};
use crate::options::Options;
use crate::orphans::{Standing, Watch};
use crate::producer_rdkafka::RdkafkaProducer;
use crate::pulse::Pulse;
use crate::reader::LaneReader;
use crate::topics::Names;
use crate::wire::{Change, Cluster, Fault, Owner, Probe, Producer, Reader, Session, Wire, Witness};

/// Longest wait for one answer of the cluster.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for what the group says of itself: nobody serves the group meanwhile.
const LOOK_WAIT: Duration = Duration::from_secs(1);
/// A restore that hears nothing for so long is given up and begun again.
const CHANGELOG_SILENCE: Duration = Duration::from_secs(20);

/// The member's callbacks: ownership is told from inside the poll, before anything is unassigned.
struct Member {
    owner: Arc<dyn Owner>,
    main: String,
}

impl Member {
    fn shards(&self, list: &TopicPartitionList) -> Vec<u16> {
        let ours = list.elements_for_topic(&self.main);
        ours.iter().filter_map(|element| u16::try_from(element.partition()).ok()).collect()
    }
}

impl ClientContext for Member {
    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::FencedInstanceId) => self.owner.fenced(reason.to_owned()),
            _ => tracing::warn!(%error, reason, "the group member met an error"),
        }
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(_) => {}
            Rebalance::Revoke(list) => {
                let is_lost = consumer.assignment_lost();
                for shard in self.shards(list) {
                    if is_lost { self.owner.lost(shard) } else { self.owner.revoking(shard) }
                }
            }
            Rebalance::Error(error) => tracing::warn!(%error, "a rebalance failed"),
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(list) = rebalance else { return };
        // The member never reads. Losing the start offset by this, which librdkafka does, is of no matter here.
        if let Err(error) = consumer.pause(list) {
            tracing::warn!(%error, "the member's partitions could not be paused");
        }
        for shard in self.shards(list) {
            self.owner.granted(shard);
        }
    }
}

/// A real cluster.
pub(crate) struct RdkafkaCluster {
    options: Options,
    ledger: u64,
    shards: u16,
    names: Names,
}

impl RdkafkaCluster {
    pub(crate) fn new(options: Options, ledger: u64, shards: u16) -> Self {
        let names = Names::new(&options);
        Self { options, ledger, shards, names }
    }
}

impl Cluster for RdkafkaCluster {
    fn join(&self, owner: Arc<dyn Owner>) -> Result<Arc<dyn Wire>, Fault> {
        Ok(Arc::new(Rdkafka::join(self.options.clone(), self.ledger, self.shards, owner)?))
    }

    fn reader(&self, lane: Lane, pulse: Arc<Pulse>) -> Result<Box<dyn Reader>, Fault> {
        let reader = LaneReader::start(&self.options, self.ledger, &self.names, lane, pulse);
        Ok(Box::new(reader.map_err(Fault::Again)?))
    }
}

pub(crate) struct Rdkafka {
    options: Options,
    ledger: u64,
    names: Names,
    member: BaseConsumer<Member>,
    shards: u16,
    watch: Mutex<Watch>,
    /// Whether the subscription has a second topic now.
    is_wide: AtomicBool,
}

impl Rdkafka {
    /// Joins the group.
    pub(crate) fn join(options: Options, ledger: u64, shards: u16, owner: Arc<dyn Owner>) -> Result<Self, Fault> {
        let names = Names::new(&options);
        let main = names.of(options.machine.topic(Lane::Main)).to_owned();
        let context = Member { owner, main: main.clone() };
        let member: BaseConsumer<Member> =
            options.member(ledger).create_with_context(context).map_err(|error| fault(&error))?;
        member.subscribe(&[&main]).map_err(|error| fault(&error))?;
        let (watch, is_wide) = (Mutex::new(Watch::new()), AtomicBool::new(false));
        Ok(Self { options, ledger, names, member, shards, watch, is_wide })
    }

    /// Looks from time to time whether every shard has an owner, and asks for a rebalance if not.
    fn look_for_orphans(&self) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if !watch.is_due() {
            return;
        }
        let (group, main) = (self.options.group(self.ledger), self.names.of(self.options.machine.topic(Lane::Main)));
        let listed = self.member.fetch_group_list(Some(&group), LOOK_WAIT).ok();
        let standing = listed.and_then(|list| list.groups().first().and_then(|group| Standing::of(group, main)));
        let missing = watch.look(standing.as_ref(), &self.options.client_id(), self.shards);
        if !missing.is_empty() {
            tracing::warn!(?missing, "shards have no owner although the group is at rest; asking for a rebalance");
            self.rejoin();
        }
    }

    /// Only a changed subscription makes librdkafka join again. The second topic is small, and whatever of it we are
    /// assigned is no shard and stays paused.
    fn rejoin(&self) {
        let (main, second) = (self.names.of(self.options.machine.topic(Lane::Main)), self.names.of(Topic::Directory));
        let is_wide = !self.is_wide.fetch_xor(true, Ordering::Relaxed);
        let topics: &[&str] = if is_wide { &[main, second] } else { &[main] };
        if let Err(error) = self.member.subscribe(topics) {
            tracing::warn!(%error, "a rebalance could not be asked for");
        }
    }

    /// Metadata that the broker does not fence, of a consumer that is in no group: the fault of generation -1.
    fn stranger(&self) -> Option<Session> {
        static STRANGER: std::sync::OnceLock<Option<Session>> = std::sync::OnceLock::new();
        let make = || {
            let mut config = self.options.reader(self.ledger);
            let consumer: BaseConsumer = config.set("group.id", self.options.group(self.ledger)).create().ok()?;
            Some(Session { generation: -1, native: Arc::new(consumer.group_metadata()?) })
        };
        STRANGER.get_or_init(make).clone()
    }

    fn ends(&self, topic: &str, shard: u16) -> Result<Ends, Fault> {
        // The member reads committed, so the upper end is the last stable offset.
        let ends = self.member.fetch_watermarks(topic, i32::from(shard), ANSWER_WAIT);
        let (start, end) = ends.map_err(|error| Fault::Again(error.to_string()))?;
        Ok(Ends { start: start.max(0) as u64, end: end.max(0) as u64 })
    }
}

impl Wire for Rdkafka {
    fn poll(&self, wait: Duration) {
        // Whatever comes in the moment between assignment and pause is nobody's: nothing is stored or committed from it.
        drop(self.member.poll(wait));
        self.look_for_orphans();
    }

    fn session(&self) -> Option<Session> {
        if faults::chosen() == Mutation::GenerationMinusOne {
            return self.stranger();
        }
        let before = native::generation(&self.member)?;
        let metadata = self.member.group_metadata()?;
        let after = native::generation(&self.member)?;
        // Generations only rise and never come back from -1, so equal ones enclose the metadata.
        (before == after).then(|| Session { generation: before, native: Arc::new(metadata) })
    }

    fn probe(&self, shard: u16, door: u64) -> Probe {
        if native::generation(&self.member).is_none() {
            // Sent now, it would carry generation -1, which an empty group accepts from anybody.
            return Probe::Unclear("not in the group at this moment".to_owned());
        }
        let mut list = TopicPartitionList::new();
        let topic = self.names.of(self.options.machine.topic(Lane::Door));
        if let Err(error) = list.add_partition_offset(topic, i32::from(shard), Offset::Offset(door as i64)) {
            return Probe::Unclear(error.to_string());
        }
        match self.member.commit(&list, CommitMode::Sync) {
            Ok(()) => Probe::Member,
            Err(error) => match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::UnknownMemberId | RDKafkaErrorCode::FencedInstanceId) => {
                    Probe::Gone(error.to_string())
                }
                _ => Probe::Unclear(error.to_string()),
            },
        }
    }

    fn producer(&self, shard: u16) -> Result<Box<dyn Producer>, Fault> {
        Ok(Box::new(RdkafkaProducer::new(&self.options, self.ledger, self.names.clone(), shard)?))
    }

    fn committed(&self, shard: u16) -> Result<Option<Witness>, Fault> {
        let mut list = TopicPartitionList::new();
        let topic = self.names.of(self.options.machine.topic(Lane::Main));
        list.add_partition(topic, i32::from(shard));
        // Stable: with isolation read_committed the coordinator answers only when no offset is pending.
        let list = self.member.committed_offsets(list, ANSWER_WAIT).map_err(|error| Fault::Again(error.to_string()))?;
        let Some(element) = list.find_partition(topic, i32::from(shard)) else { return Ok(None) };
        element.error().map_err(|error| Fault::Again(error.to_string()))?;
        match element.offset() {
            Offset::Offset(offset) => {
                Ok(Some(Witness { offset: offset.max(0) as u64, metadata: element.metadata().to_owned() }))
            }
            _ => Ok(None),
        }
    }

    fn changelog_ends(&self, shard: u16) -> Result<Ends, Fault> {
        self.ends(&self.names.changelog, shard)
    }

    fn lane_ends(&self, lane: Lane, shard: u16) -> Result<Ends, Fault> {
        self.ends(self.names.of(self.options.machine.topic(lane)), shard)
    }

    fn changelog(&self, shard: u16, from: u64, until: u64, take: &mut dyn FnMut(Change<'_>)) -> Result<(), Fault> {
        if from >= until {
            return Ok(());
        }
        let consumer: BaseConsumer = self.options.reader(self.ledger).create().map_err(|error| fault(&error))?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.names.changelog, i32::from(shard), Offset::Offset(from as i64))
            .map_err(|error| fault(&error))?;
        consumer.assign(&list).map_err(|error| fault(&error))?;
        let mut heard_at = Instant::now();
        loop {
            match native::poll(&consumer, Duration::from_millis(100)) {
                Some(Event::Record { stored, is_tombstone, .. }) => {
                    heard_at = Instant::now();
                    if stored.offset >= until {
                        return Ok(());
                    }
                    let value = (!is_tombstone).then_some(stored.record.value.as_ref());
                    let key = stored.record.key.as_deref().unwrap_or_default();
                    take(Change { offset: stored.offset, at: stored.at, key, value });
                }
                // Markers and aborted records take offsets too, so the end is told by this and never by counting.
                Some(Event::End { offset, .. }) if offset >= until => return Ok(()),
                Some(Event::Failed { reason, .. }) => return Err(Fault::Again(reason)),
                Some(Event::End { .. }) | None => {
                    if heard_at.elapsed() > CHANGELOG_SILENCE {
                        return Err(Fault::Again("the changelog could not be read to its end".to_owned()));
                    }
                }
            }
        }
    }
}

/// Sorts an error of librdkafka by what it asks for.
pub(crate) fn fault(error: &KafkaError) -> Fault {
    let text = error.to_string();
    if error.rdkafka_error_code().is_some_and(is_refusal) {
        return Fault::Refused(text);
    }
    match error {
        KafkaError::Transaction(inner) if inner.is_fatal() => Fault::Dead(text),
        KafkaError::Transaction(inner) if inner.txn_requires_abort() || inner.is_retriable() => Fault::Again(text),
        // Neither fatal nor abortable nor retriable: to be treated as fatal.
        KafkaError::Transaction(_) => Fault::Dead(text),
        _ => Fault::Again(text),
    }
}

/// What stays refused until somebody changes a setting or a permission.
pub(crate) fn is_refusal(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidTopic
            | RDKafkaErrorCode::OffsetMetadataTooLarge
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
    )
}
