//! The courier: takes orders that may leave to the channels, and the provider's word back to the answers topic.
//!
//! ```text
//!  offered ─► ready, by deadline ─► on its way ─► last look ─► channel ─► answers
//!     ▲                             (so many a channel)                      │
//!     └──────────── the order's own timer, while nobody reports ◄────────────┘
//! ```
//!
//! An order counts as done when the machine has judged the provider's word, never here: what a crash cuts off is sent
//! again under the same idempotency key.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use campanile_clock::Clock;
use campanile_directory::Channel as Kind;
use campanile_escalation::{Delivery, Order, Reply, Report};
use campanile_ledger::{Appender, Topic};
use campanile_model::{OrderId, ShardId, Timestamp, Urgency};
use compact_str::CompactString;
use tokio::runtime::Handle;

use crate::channel::{Accepted, Message, Refused};
use crate::channels::Channels;
use crate::incidents::Incidents;
use crate::message::{self, Letterhead};
use crate::outbox::answered;
use crate::telemetry::{self, Told};

/// Longest time of one attempt. Channels end within their own time-outs; this is for one that does not.
const DELIVERY_MAX: Duration = Duration::from_secs(60);
/// Longest time of the last look at the incidents of an order. It leaves as it is after that: too many pages are better
/// than none.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// First and longest pause before a provider's word is offered to the log again; it doubles.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What a courier works with.
pub(crate) struct Tools {
    pub(crate) channels: Channels,
    pub(crate) letterhead: Letterhead,
    pub(crate) incidents: Incidents,
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) runtime: Handle,
    pub(crate) per_channel_max: usize,
}

pub(crate) struct Courier {
    tools: Tools,
    desk: Mutex<Desk>,
    /// Something ended.
    returned: Condvar,
}

#[derive(Default)]
struct Desk {
    /// Orders that no provider has taken yet, as their shards have them.
    orders: HashMap<OrderId, Order>,
    /// Whatever becomes of an order meanwhile, it is on its way once.
    on_way: HashSet<OrderId>,
    queues: HashMap<Kind, Queue>,
    is_closed: bool,
}

#[derive(Default)]
struct Queue {
    ready: BTreeSet<(Rank, OrderId)>,
    on_way: usize,
}

/// High urgency first, then the oldest: its ladder goes on first.
type Rank = (bool, Timestamp);

fn rank(order: &Order) -> Rank {
    (order.items.iter().all(|item| item.urgency == Urgency::Low), order.made_at)
}

impl Courier {
    pub(crate) fn new(tools: Tools) -> Self {
        Self { tools, desk: Mutex::default(), returned: Condvar::new() }
    }

    /// Takes an order as it stands after a commit. `None`: it was taken back, or may be forgotten.
    pub(crate) fn take(&self, id: OrderId, order: Option<Order>) {
        let mut desk = self.lock();
        match order.filter(|order| order.delivery == Delivery::Waiting) {
            Some(order) => drop(desk.orders.insert(id, order)),
            None => drop(desk.orders.remove(&id)),
        }
    }

    /// The order may leave now.
    pub(crate) fn offer(self: &Arc<Self>, id: OrderId) {
        let mut desk = self.lock();
        if desk.on_way.contains(&id) {
            return;
        }
        let Some(order) = desk.orders.get(&id) else { return };
        let (kind, place) = (order.channel, (rank(order), id));
        desk.queues.entry(kind).or_default().ready.insert(place);
        let trips = self.dispatch(&mut desk, kind);
        drop(desk);
        self.depart(trips);
    }

    /// Another process has the shard now, or will. What is on its way goes on.
    pub(crate) fn forget(&self, shard: ShardId) {
        self.lock().orders.retain(|id, _| id.shard() != shard);
    }

    /// Orders that wait, by channel, and when the oldest was made.
    pub(crate) fn waiting(&self) -> (HashMap<Kind, usize>, Option<Timestamp>) {
        let desk = self.lock();
        let mut counts = HashMap::new();
        for order in desk.orders.values() {
            *counts.entry(order.channel).or_insert(0) += 1;
        }
        (counts, desk.orders.values().map(|order| order.made_at).min())
    }

    /// Sends nothing more, and waits at most `within` for what is on its way.
    pub(crate) fn close(&self, within: Duration) {
        let until = Instant::now() + within;
        let mut desk = self.lock();
        desk.is_closed = true;
        while desk.queues.values().any(|queue| queue.on_way > 0) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let count: usize = desk.queues.values().map(|queue| queue.on_way).sum();
                tracing::warn!(count, "deliveries were under way at the end; they are made again at the next start");
                return;
            }
            desk = self.returned.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        // Each change is one insertion, removal or count: a panic in between leaves the desk whole.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Trips for what is ready, while the channel has room.
    fn dispatch(self: &Arc<Self>, desk: &mut Desk, kind: Kind) -> Vec<Trip> {
        let mut trips = Vec::new();
        let Desk { orders, on_way, queues, is_closed } = desk;
        let Some(queue) = queues.get_mut(&kind).filter(|_| !*is_closed) else { return trips };
        while queue.on_way < self.tools.per_channel_max
            && let Some((_, id)) = queue.ready.pop_first()
        {
            // It may stand here twice: its rank changes with what is in it.
            if !orders.contains_key(&id) || !on_way.insert(id) {
                continue;
            }
            queue.on_way += 1;
            trips.push(Trip { courier: Arc::clone(self), id, kind });
        }
        trips
    }

    /// Not under the lock: a runtime that has ended drops a trip at once, and a dropped trip takes the lock.
    fn depart(&self, trips: Vec<Trip>) {
        for trip in trips {
            self.tools.runtime.spawn(trip.make());
        }
    }
}

/// One order on its way. Dropped, however it ended, it makes room for the next.
struct Trip {
    courier: Arc<Courier>,
    id: OrderId,
    kind: Kind,
}

impl Trip {
    async fn make(self) {
        let courier = Arc::clone(&self.courier);
        let id = self.id;
        let look = tokio::task::spawn_blocking(move || courier.last_look(id));
        let looked = match tokio::time::timeout(LOOK_MAX, look).await {
            Ok(looked) => looked.ok().flatten(),
            Err(_) => {
                tracing::warn!(order = %id, "incidents could not be read in time; a page leaves without a last look");
                self.courier.standing(id)
            }
        };
        let Some(order) = looked else {
            telemetry::delivery(self.kind, Told::Quiet);
            return;
        };
        let began = Instant::now();
        let reply = match self.courier.tools.letterhead.message(&order) {
            Ok(message) => self.deliver(&message).await,
            Err(why) => Err(not_now(why)),
        };
        telemetry::delivery_took(self.kind, began.elapsed());
        self.tell(&order, reply).await;
    }

    async fn deliver(&self, message: &Message) -> Result<Accepted, Refused> {
        let kind = self.kind;
        let Some(channel) = self.courier.tools.channels.of(kind) else {
            return Err(not_now(format!("no channel for {} is configured here", kind.as_str())));
        };
        tokio::time::timeout(DELIVERY_MAX, channel.deliver(message)).await.unwrap_or_else(|_| {
            let detail = format!("no word within {} s", DELIVERY_MAX.as_secs());
            Err(Refused { provider: kind.as_str().into(), permanent: false, detail })
        })
    }

    /// Not here: it may have to wait for somebody who reads.
    fn count_first_pages(&self, order: &Order) {
        let incidents: Vec<_> = order.items.iter().map(|item| item.incident).collect();
        let courier = Arc::clone(&self.courier);
        let now = self.courier.tools.clock.now();
        tokio::task::spawn_blocking(move || {
            let first = |incident| courier.tools.incidents.first_paged(incident, now);
            incidents.into_iter().filter_map(first).for_each(telemetry::paged);
        });
    }

    /// Reports until the log has it: only then does the order stop being on its way.
    async fn tell(&self, order: &Order, reply: Result<Accepted, Refused>) {
        let tools = &self.courier.tools;
        let reply = match reply {
            Ok(Accepted { provider, reference, .. }) => {
                telemetry::delivery(self.kind, Told::Accepted);
                self.count_first_pages(order);
                Reply::Accepted { provider, reference: reference.into() }
            }
            Err(Refused { provider, permanent, detail }) => {
                telemetry::delivery(self.kind, if permanent { Told::Rejected } else { Told::Refused });
                tracing::warn!(order = %self.id, %provider, permanent, detail, "a provider did not take a page");
                Reply::Refused { provider, permanent, detail: message::cut(detail) }
            }
        };
        let record = answered(&self.id.to_string(), &Report::Order { order: self.id, reply });
        let mut pause = PAUSE.0;
        loop {
            let (tx, rx) = tokio::sync::oneshot::channel();
            let done = Box::new(move |answer| drop(tx.send(answer)));
            tools.appender.append(Topic::Answers, self.id.shard().0, vec![record.clone()], done);
            let error = match rx.await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the ledger closed".to_owned(),
            };
            if self.courier.lock().is_closed {
                tracing::warn!(error, order = %self.id, "a provider's word was lost at the end; the page is made again");
                return;
            }
            tracing::warn!(error, order = %self.id, "a provider's word was not taken by the log; it is offered again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        let mut desk = self.courier.lock();
        desk.on_way.remove(&self.id);
        if let Some(queue) = desk.queues.get_mut(&self.kind) {
            queue.on_way -= 1;
        }
        let trips = self.courier.dispatch(&mut desk, self.kind);
        drop(desk);
        self.courier.depart(trips);
        self.courier.returned.notify_all();
    }
}

impl Courier {
    /// The order as its shard has it; `None` when it was taken back or is too old to be of use.
    fn standing(&self, id: OrderId) -> Option<Order> {
        let now = self.tools.clock.now();
        self.lock().orders.get(&id).filter(|order| !order.is_too_old(now)).cloned()
    }

    /// The order as it stands now, without what was answered meanwhile; `None` if nothing of it need leave. Its row goes
    /// with the withdrawal that is on its way, or it is offered again.
    fn last_look(&self, id: OrderId) -> Option<Order> {
        let now = self.tools.clock.now();
        let quiet: Vec<_> = self
            .standing(id)?
            .items
            .iter()
            .filter(|item| self.tools.incidents.is_quiet(item.incident, item.revision, item.at, now))
            .map(|item| item.incident)
            .collect();
        // Asked again: it may have been taken back while incidents were read.
        let mut order = self.standing(id)?;
        order.items.retain(|item| !quiet.contains(&item.incident));
        (order.handoff.is_some() || !order.items.is_empty()).then_some(order)
    }
}

/// What is missing here may be there after the next apply of the directory, or at another process.
fn not_now(detail: String) -> Refused {
    Refused { provider: CompactString::const_new("campanile"), permanent: false, detail }
}
