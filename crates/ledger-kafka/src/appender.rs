//! Appending outside of transactions: one idempotent producer per process, `acks=all`, partitions chosen by the caller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_ledger::memory::RECORD_BYTES_MAX;
use campanile_ledger::{AppendError, Appended, Appender, Done, Record, Topic};
use campanile_model::Timestamp;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, NoCustomPartitioner, ProducerContext, ThreadedProducer};

use crate::faults::{self, Counter};
use crate::options::{Gate, Options};
use crate::producer_rdkafka::owned_headers;
use crate::topics::Names;

/// Longest wait for room in the client's queue before senders are told to come back.
const ROOM_WAIT: Duration = Duration::from_secs(1);

/// One call of `append`: answered once, when all of its records are.
struct Group {
    left: AtomicUsize,
    state: Mutex<GroupState>,
}

struct GroupState {
    first: Option<(u64, Timestamp)>,
    failed: Option<AppendError>,
    done: Option<Done>,
}

impl Group {
    fn answer(&self, found: Result<(u64, Timestamp), AppendError>, count: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Ok(found) if state.first.is_none_or(|first| found.0 < first.0) => state.first = Some(found),
            Ok(_) => {}
            Err(error) => drop(state.failed.get_or_insert(error)),
        }
        if self.left.fetch_sub(count, Ordering::AcqRel) != count {
            return;
        }
        let (failed, first, done) = (state.failed.take(), state.first, state.done.take());
        drop(state);
        let Some(done) = done else { return };
        faults::note(Counter::InFlight, -1);
        done(match (failed, first) {
            (Some(error), None) => Err(error),
            // Part of it is in the log.
            (Some(error), Some(_)) => Err(AppendError::InDoubt(error.to_string())),
            (None, Some((first, at))) => Ok(Appended { first, at }),
            (None, None) => Ok(Appended { first: 0, at: Timestamp(0) }),
        });
    }
}

struct Answers;

impl ClientContext for Answers {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "the appending producer met an error");
    }
}

impl ProducerContext for Answers {
    type DeliveryOpaque = Box<Arc<Group>>;

    fn delivery(&self, result: &DeliveryResult<'_>, group: Box<Arc<Group>>) {
        let found = match result {
            Ok(message) => {
                let at = Timestamp(message.timestamp().to_millis().unwrap_or(0));
                Ok((message.offset().max(0) as u64, at))
            }
            Err((error, _)) => Err(AppendError::InDoubt(error.to_string())),
        };
        group.answer(found, 1);
    }
}

pub(crate) struct KafkaAppender {
    inner: Arc<Inner>,
    gate: Option<Gate>,
}

struct Inner {
    producer: ThreadedProducer<Answers, NoCustomPartitioner>,
    names: Names,
    partitions: HashMap<Topic, u16>,
    /// One per topic and partition: records of one call must follow each other in the client's queue.
    order: HashMap<(Topic, u16), Mutex<()>>,
}

impl KafkaAppender {
    pub(crate) fn new(options: &Options, names: Names, partitions: HashMap<Topic, u16>) -> Result<Self, KafkaError> {
        let producer = options.appending().create_with_context(Answers)?;
        let each = partitions.iter().flat_map(|(topic, count)| (0..*count).map(|partition| (*topic, partition)));
        let order = each.map(|place| (place, Mutex::new(()))).collect();
        let inner = Arc::new(Inner { producer, names, partitions, order });
        Ok(Self { inner, gate: options.before_send.clone() })
    }
}

impl Inner {
    fn send(&self, topic: Topic, partition: u16, records: &[Record], group: &Arc<Group>) {
        let Some(order) = self.order.get(&(topic, partition)) else {
            let error = AppendError::Unavailable(format!("{} is not known", topic.name()));
            return group.answer(Err(error), records.len());
        };
        let _in_order = order.lock().unwrap_or_else(PoisonError::into_inner);
        for (nth, record) in records.iter().enumerate() {
            if let Err(error) = self.send_one(topic, partition, record, group) {
                return group.answer(Err(error), records.len() - nth);
            }
        }
    }

    fn send_one(&self, topic: Topic, partition: u16, record: &Record, group: &Arc<Group>) -> Result<(), AppendError> {
        let until = Instant::now() + ROOM_WAIT;
        let mut out = BaseRecord::<[u8], [u8], _>::with_opaque_to(self.names.of(topic), Box::new(Arc::clone(group)))
            .partition(i32::from(partition));
        out.key = record.key.as_deref();
        out.payload = Some(&record.value);
        out.headers = owned_headers(record);
        loop {
            match self.producer.send(out) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) if Instant::now() < until => {
                    // The client's own thread makes room and tells nobody.
                    out = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(AppendError::Unavailable(error.to_string())),
            }
        }
    }
}

impl Appender for KafkaAppender {
    fn partitions(&self, topic: Topic) -> u16 {
        self.inner.partitions.get(&topic).copied().unwrap_or(0)
    }

    fn append(&self, topic: Topic, partition: u16, records: Vec<Record>, done: Done) {
        let partitions = self.partitions(topic);
        if partition >= partitions {
            return done(Err(AppendError::NoPartition { topic: topic.name(), partition, partitions }));
        }
        if let Some(size) = records.iter().map(Record::size).find(|size| *size > RECORD_BYTES_MAX) {
            return done(Err(AppendError::TooLarge { size, limit: RECORD_BYTES_MAX }));
        }
        faults::note(Counter::InFlight, 1);
        let state = Mutex::new(GroupState { first: None, failed: None, done: Some(done) });
        let group = Arc::new(Group { left: AtomicUsize::new(records.len()), state });
        match self.gate.clone() {
            None => self.inner.send(topic, partition, &records, &group),
            Some(gate) => {
                let inner = Arc::clone(&self.inner);
                // Only in tests: the caller must not wait for the gate.
                std::thread::spawn(move || {
                    gate();
                    inner.send(topic, partition, &records, &group);
                });
            }
        }
    }
}
