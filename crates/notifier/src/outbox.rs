//! The outbox: errands go to the processor's topics after the commit that wrote them, until they are durable there; then
//! the notifier is told. What a crash cuts off is found again in the rows when the shard opens.
//!
//! An errand has an id of its own, so sending it twice does one thing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use campanile_escalation::{Errand, ErrandKey, Report};
use campanile_ledger::{AppendError, Appender, Record, Topic};
use campanile_model::ShardId;
use campanile_model::murmur2::partition_of;
use campanile_record::{answer, command, gap};
use compact_str::CompactString;
use tokio::runtime::Handle;

/// First and longest pause before what the log did not take is offered again; it doubles.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

pub(crate) struct Outbox {
    appender: Arc<dyn Appender>,
    runtime: Handle,
    /// What is on its way.
    standing: Mutex<HashMap<(ShardId, ErrandKey), Errand>>,
    is_closed: AtomicBool,
}

/// Which errand of which shard. The id is its own: a later one may take the key over.
#[derive(Clone)]
struct Slip {
    shard: ShardId,
    key: ErrandKey,
    id: CompactString,
}

impl Outbox {
    pub(crate) fn new(appender: Arc<dyn Appender>, runtime: Handle) -> Self {
        Self { appender, runtime, standing: Mutex::default(), is_closed: AtomicBool::new(false) }
    }

    /// Takes an errand as it stands after a commit. `None` ends its being offered.
    pub(crate) fn take(self: &Arc<Self>, shard: ShardId, key: ErrandKey, errand: Option<Errand>) {
        let Some(errand) = errand else {
            self.lock().remove(&(shard, key));
            return;
        };
        let slip = Slip { shard, key, id: errand.id().into() };
        let before = self.lock().insert((shard, key), errand);
        if before.is_none_or(|before| before.id() != slip.id) {
            self.send(slip, PAUSE.0);
        }
    }

    /// Another process has the shard now, or will.
    pub(crate) fn forget(&self, shard: ShardId) {
        self.lock().retain(|(of, _), _| *of != shard);
    }

    /// Nothing is offered again from here on: the rows keep it for the next start.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.lock().clear();
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(ShardId, ErrandKey), Errand>> {
        // Each change is one insertion or removal: a panic in between leaves the map whole.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(self: &Arc<Self>, slip: Slip, pause: Duration) {
        let (topic, partition, record) = {
            let standing = self.lock();
            let errand = standing.get(&(slip.shard, slip.key)).filter(|errand| errand.id() == slip.id);
            // Answered, or taken over by a later one, while it waited to be offered again.
            let Some(errand) = errand else { return };
            addressed(errand, self.appender.partitions(Topic::Events))
        };
        let outbox = Arc::clone(self);
        let done = move |answer: Result<_, AppendError>| {
            let runtime = outbox.runtime.clone();
            // Not in the ledger's own thread, which must not wait for itself.
            runtime.spawn(async move {
                match answer {
                    Ok(_) => outbox.report(slip, PAUSE.0),
                    Err(error) if is_final(&error) => {
                        tracing::error!(%error, id = %slip.id, "an errand can never be sent and is given up");
                        outbox.report(slip, PAUSE.0);
                    }
                    Err(error) => {
                        tracing::warn!(%error, id = %slip.id, "an errand was not taken; it is offered again");
                        tokio::time::sleep(pause).await;
                        outbox.send(slip, (pause * 2).min(PAUSE.1));
                    }
                }
            });
        };
        self.appender.append(topic, partition, vec![record], Box::new(done));
    }

    /// Tells the shard that the errand is durable where it was to go.
    fn report(self: &Arc<Self>, slip: Slip, pause: Duration) {
        let report = Report::Sent { key: slip.key, id: slip.id.clone() };
        let record = answered(slip.id.as_str(), &report);
        let outbox = Arc::clone(self);
        let shard = slip.shard;
        let done = move |answer: Result<_, AppendError>| {
            let runtime = outbox.runtime.clone();
            runtime.spawn(async move {
                let Err(error) = answer else {
                    let mut standing = outbox.lock();
                    if standing.get(&(slip.shard, slip.key)).is_some_and(|errand| errand.id() == slip.id) {
                        standing.remove(&(slip.shard, slip.key));
                    }
                    return;
                };
                tracing::warn!(%error, id = %slip.id, "the word on an errand was not taken; it is offered again");
                tokio::time::sleep(pause).await;
                if !outbox.is_closed.load(Ordering::Acquire) {
                    outbox.report(slip, (pause * 2).min(PAUSE.1));
                }
            });
        };
        self.appender.append(Topic::Answers, shard.0, vec![record], Box::new(done));
    }
}

/// A record of the answers topic.
pub(crate) fn answered(key: &str, report: &Report) -> Record {
    let mut value = Vec::with_capacity(192);
    answer::encode(report, &mut value);
    Record::new(key.to_owned(), value)
}

fn is_final(error: &AppendError) -> bool {
    match error {
        AppendError::TooLarge { .. } | AppendError::NoPartition { .. } => true,
        AppendError::Unavailable(_) | AppendError::InDoubt(_) => false,
    }
}

/// The topic and partition that an errand goes to, and its record.
fn addressed(errand: &Errand, events_partitions: u16) -> (Topic, u16, Record) {
    match errand {
        Errand::Command(it) => {
            let record = Record::new(it.incident.to_string(), command::encode(it));
            (Topic::Commands, it.incident.shard().0, record)
        }
        Errand::Gap(it) => {
            let mut value = Vec::with_capacity(512);
            gap::encode(it, &mut value);
            let key = it.routing_key.as_str();
            (Topic::Events, partition_of(key.as_bytes(), events_partitions), Record::new(key.to_owned(), value))
        }
    }
}
