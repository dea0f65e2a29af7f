//! The transactional producer over librdkafka. One per shard; driven by the shard's committer alone.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_ledger::Record;
use campanile_model::Timestamp;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders, ToBytes};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::util::Timeout;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::options::Options;
use crate::topics::Names;
use crate::wire::{Delivered, Fault, Outgoing, Place, Producer, Session};
use crate::wire_rdkafka::{fault, is_refusal};

/// Longest wait for the last owner's transaction to end. Its own time-out is 8 s, its markers come soon after.
const INIT_WAIT: Duration = Duration::from_secs(30);
const SEND_OFFSETS_WAIT: Duration = Duration::from_secs(8);
const ABORT_WAIT: Duration = Duration::from_secs(8);
/// Longest wait for room in the client's queue; the records in it time out before.
const ROOM_WAIT: Duration = Duration::from_secs(10);

/// Between two looks at what is in flight.
const DRAIN_NAP: Duration = Duration::from_micros(200);

const MARKED: usize = 1;

/// What delivery reports and error events leave behind.
struct Deliveries {
    failed: Mutex<Option<Fault>>,
    offset: AtomicI64,
    at: AtomicI64,
    broken: AtomicU64,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        // Every broken connection counts, whichever broker: a retried EndTxn may arrive late on the old one.
        self.broken.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, reason, "the producer met an error");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, mark: usize) {
        match result {
            Ok(message) if mark == MARKED => {
                self.at.store(message.timestamp().to_millis().unwrap_or(0), Ordering::Relaxed);
                self.offset.store(message.offset(), Ordering::Release);
            }
            Ok(_) => {}
            Err((error, _)) => {
                let refused = error.rdkafka_error_code().is_some_and(is_refusal);
                let text = format!("a record was not delivered: {error}");
                let found = if refused { Fault::Refused(text) } else { Fault::Again(text) };
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(found);
            }
        }
    }
}

pub(crate) struct RdkafkaProducer {
    producer: BaseProducer<Deliveries>,
    names: Names,
    group_topic: String,
    shard: i32,
    broken_at_begin: u64,
}

impl RdkafkaProducer {
    pub(crate) fn new(options: &Options, ledger: u64, names: Names, shard: u16) -> Result<Self, Fault> {
        let context = Deliveries {
            failed: Mutex::new(None),
            offset: AtomicI64::new(-1),
            at: AtomicI64::new(0),
            broken: AtomicU64::new(0),
        };
        let producer: BaseProducer<Deliveries> =
            options.transactional(ledger, shard).create_with_context(context).map_err(|error| fault(&error))?;
        let until = Instant::now() + INIT_WAIT;
        loop {
            match producer.init_transactions(INIT_WAIT) {
                Ok(()) => break,
                Err(KafkaError::Transaction(inner)) if inner.is_retriable() && Instant::now() < until => {}
                Err(error) => return Err(fault(&error)),
            }
        }
        let group_topic = names.of(options.machine.topic(campanile_ledger::Lane::Main)).to_owned();
        Ok(Self { producer, names, group_topic, shard: i32::from(shard), broken_at_begin: 0 })
    }

    fn failed(&self) -> Option<Fault> {
        self.producer.context().failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends one record, waiting for room.
    fn send(&self, topic: &str, partition: i32, parts: Parts<'_>, mark: usize) -> Result<(), Fault> {
        let until = Instant::now() + ROOM_WAIT;
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, mark).partition(partition);
        record.key = parts.key;
        record.payload = parts.value;
        record.headers = parts.headers;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                // A full queue is back-pressure and no error.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) if Instant::now() < until => {
                    record = back;
                    self.producer.poll(Duration::from_millis(2));
                }
                Err((error, _)) => return Err(fault(&error)),
            }
        }
    }
}

struct Parts<'a> {
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: Option<OwnedHeaders>,
}

pub(crate) fn owned_headers(record: &Record) -> Option<OwnedHeaders> {
    if record.headers.is_empty() {
        return None;
    }
    let mut owned = OwnedHeaders::new_with_capacity(record.headers.len());
    for header in &record.headers {
        owned = owned.insert(Header { key: &header.name, value: Some(header.value.as_ref().to_bytes()) });
    }
    Some(owned)
}

impl Producer for RdkafkaProducer {
    fn begin(&mut self) -> Result<(), Fault> {
        // Events of before belong to the transaction before.
        self.producer.poll(Duration::ZERO);
        drop(self.failed());
        let context = self.producer.context();
        self.broken_at_begin = context.broken.load(Ordering::Relaxed);
        context.offset.store(-1, Ordering::Relaxed);
        self.producer.begin_transaction().map_err(|error| fault(&error))
    }

    fn produce(&mut self, place: Place, record: Outgoing<'_>, marks: bool) -> Result<(), Fault> {
        let (topic, partition) = match place {
            Place::Topic(topic, partition) => (self.names.of(topic), i32::from(partition)),
            Place::Changelog => (self.names.changelog.as_str(), self.shard),
        };
        let parts = match record {
            Outgoing::Record(record) => {
                Parts { key: record.key.as_deref(), value: Some(&record.value), headers: owned_headers(record) }
            }
            Outgoing::Row { key, value } => Parts { key: Some(key), value, headers: None },
        };
        self.send(topic, partition, parts, if marks { MARKED } else { 0 })
    }

    fn drain(&mut self) -> Result<Delivered, Fault> {
        // The poll of the wrapper runs its whole time even when the last report is in, so it is not asked to wait.
        loop {
            self.producer.poll(Duration::ZERO);
            if self.producer.in_flight_count() == 0 {
                break;
            }
            std::thread::sleep(DRAIN_NAP);
        }
        if let Some(fault) = self.failed() {
            return Err(fault);
        }
        let context = self.producer.context();
        match context.offset.load(Ordering::Acquire) {
            offset if offset >= 0 => {
                Ok(Delivered { offset: offset as u64, at: Timestamp(context.at.load(Ordering::Relaxed)) })
            }
            _ => Err(Fault::Dead("the commit record was not acknowledged".to_owned())),
        }
    }

    fn send_offsets(&mut self, main: u64, metadata: &str, session: &Session) -> Result<(), Fault> {
        let Some(native) = session.native.downcast_ref::<ConsumerGroupMetadata>() else {
            return Err(Fault::Dead("the session is of another wire".to_owned()));
        };
        let mut list = TopicPartitionList::new();
        {
            let mut element = list.add_partition(&self.group_topic, self.shard);
            element.set_offset(Offset::Offset(main as i64)).map_err(|error| fault(&error))?;
            element.set_metadata(metadata);
        }
        let mut tries = 0;
        loop {
            match self.producer.send_offsets_to_transaction(&list, native, SEND_OFFSETS_WAIT) {
                Ok(()) => return Ok(()),
                // To be called again with the very same arguments.
                Err(KafkaError::Transaction(inner)) if inner.is_retriable() && tries < 3 => tries += 1,
                Err(error) => return Err(fault(&error)),
            }
        }
    }

    fn commit(&mut self) -> Result<(), Fault> {
        // Never with a time-out of ours: the client's state could part from the broker's. It is bounded by the
        // transaction's own.
        loop {
            match self.producer.commit_transaction(Timeout::Never) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(inner)) if inner.is_retriable() => {}
                Err(error) => return Err(fault(&error)),
            }
        }
    }

    fn abort(&mut self) -> Result<(), Fault> {
        // An abort waits for events that only a poll brings.
        let done = AtomicBool::new(false);
        let producer = &self.producer;
        let answer = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    producer.poll(Duration::from_millis(5));
                }
            });
            let answer = producer.abort_transaction(ABORT_WAIT);
            done.store(true, Ordering::Release);
            answer
        });
        answer.map_err(|error| fault(&error))
    }

    fn is_disturbed(&self) -> bool {
        self.producer.poll(Duration::ZERO);
        self.producer.context().broken.load(Ordering::Relaxed) != self.broken_at_begin
    }
}
