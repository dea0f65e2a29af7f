//! Webhooks v3: the log is the queue. Each subscription has a line on each partition that this process owns; a line reads
//! `campanile.incidents` from its own durable cursor and delivers in order for each incident. See ADR 8.
//!
//! ```text
//!  campanile.incidents ─► line (subscription × partition) ─► egress ─► receiver
//!                           ▲        │ cursor
//!                           └─ campanile.webhooks ◄── enable
//! ```

mod compose;
mod cursor;
mod deliver;
mod endpoint;
mod line;
mod reader;
mod runner;
mod telemetry;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use campanile_clock::Clock;
use campanile_directory::Subscription;
use campanile_ledger::{AppendError, Appender, Tail, TailError, Topic};
use campanile_model::{Span, Timestamp};
use campanile_pagerduty::webhooks_v3::payload::{Data, Event, event_id};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tracing::error;

use crate::egress::Egress;
use crate::message::Directory;
use cursor::{Asked, Cursors};
use deliver::{Verdict, attempt};
use endpoint::{Endpoint, Patience};
use line::Line;
use reader::Reader;
use runner::Runner;

/// Most deliveries to one receiver at once. Source: reference of this project, "slow webhook".
const AT_ONCE_MAX: usize = 16;
/// Longest wait for a record before the directory, requests and the stop are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Records of `campanile.webhooks` read in one go.
const CHUNK: usize = 500;
/// Longest wait for what is under way when all ends.
const CLOSING_MAX: Duration = Duration::from_secs(6);

/// What an operator may set about webhooks.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// Base of links in bodies, without a slash at the end.
    pub public_url: String,
    /// Longest wait for an answer. Default 5 s, PagerDuty's. Since 0.1.
    pub timeout: Duration,
    /// How long an event is tried again. Default 48 h, PagerDuty's. Since 0.1.
    pub retried_for: Span,
    /// Pause between two probes of a receiver that failed five times in a row. Default 30 s. Since 0.1.
    pub probe_every: Span,
    /// Events given up in a row that park a subscription. Default 3, PagerDuty's. Since 0.1.
    pub given_up_max: u32,
    /// How long it is parked, unless `enable` ends that. Default 24 h, PagerDuty's. Since 0.1.
    pub parked_for: Span,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            timeout: Duration::from_secs(5),
            retried_for: Span::hours(48),
            probe_every: Span::seconds(30),
            given_up_max: 3,
            parked_for: Span::hours(24),
        }
    }
}

impl WebhookOptions {
    fn patience(&self) -> Patience {
        let (probe_every, given_up_max, parked_for) = (self.probe_every, self.given_up_max, self.parked_for);
        Patience { failures_max: 5, probe_every, given_up_max, parked_for }
    }
}

/// What webhooks reach.
pub struct WebhookPorts {
    pub appender: Arc<dyn Appender>,
    pub tail: Arc<dyn Tail>,
    pub directory: Directory,
    pub egress: Egress,
    pub clock: Arc<dyn Clock>,
    pub runtime: Handle,
}

/// What all lines share.
pub(crate) struct House {
    options: WebhookOptions,
    appender: Arc<dyn Appender>,
    tail: Arc<dyn Tail>,
    reader: Reader,
    directory: Directory,
    egress: Egress,
    clock: Arc<dyn Clock>,
    /// The epoch in which each subscription was first seen.
    seen: Mutex<HashMap<String, u64>>,
}

impl House {
    fn subscription(&self, id: &str) -> Option<Arc<Subscription>> {
        self.directory.load().webhook_subscription(id).cloned()
    }

    fn seen_since(&self, id: &str) -> u64 {
        lock(&self.seen).get(id).copied().unwrap_or(u64::MAX)
    }
}

/// One subscription in this process, whatever partition.
pub(crate) struct Seat {
    id: String,
    endpoint: Mutex<Endpoint>,
    permits: Arc<Semaphore>,
    wake: Notify,
    lines: Mutex<BTreeMap<u16, Standing>>,
    last_failure: Mutex<Option<String>>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    waiting: usize,
    oldest: Option<Timestamp>,
    next: u64,
}

impl Seat {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            endpoint: Mutex::default(),
            permits: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            wake: Notify::new(),
            lines: Mutex::default(),
            last_failure: Mutex::default(),
        }
    }

    fn endpoint(&self) -> MutexGuard<'_, Endpoint> {
        lock(&self.endpoint)
    }

    fn show(&self, partition: u16, line: &Line) {
        let standing = Standing { waiting: line.len(), oldest: line.oldest(), next: line.next };
        lock(&self.lines).insert(partition, standing);
    }

    fn forget(&self, partition: u16) {
        lock(&self.lines).remove(&partition);
    }

    fn said(&self, detail: &str) {
        *lock(&self.last_failure) = Some(detail.to_owned());
    }
}

/// How a subscription does in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookStatus {
    pub id: String,
    pub waiting: usize,
    /// Records that were not read yet, over all partitions here.
    pub unread: u64,
    pub oldest: Option<Timestamp>,
    pub parked_until: Option<Timestamp>,
    /// The breaker is open until then.
    pub probe_at: Option<Timestamp>,
    pub last_failure: Option<String>,
}

/// What a receiver answered to a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinged {
    pub is_delivered: bool,
    pub detail: String,
    pub took: Duration,
}

struct Partition {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// All webhooks of a process.
pub struct Webhooks {
    house: Arc<House>,
    seats: Arc<Mutex<HashMap<String, Arc<Seat>>>>,
    runtime: Handle,
    partitions: Mutex<HashMap<u16, Partition>>,
}

impl Webhooks {
    pub fn new(options: WebhookOptions, ports: WebhookPorts) -> Self {
        let WebhookPorts { appender, tail, directory, egress, clock, runtime } = ports;
        let reader = Reader::new(Arc::clone(&tail));
        let house = House { options, appender, tail, reader, directory, egress, clock, seen: Mutex::default() };
        Self { house: Arc::new(house), seats: Arc::default(), runtime, partitions: Mutex::default() }
    }

    /// Takes over a partition. Twice is once.
    pub fn own(&self, partition: u16) {
        lock(&self.partitions).entry(partition).or_insert_with(|| {
            let (stop, stopped) = watch::channel(false);
            let (house, seats) = (Arc::clone(&self.house), Arc::clone(&self.seats));
            let task = self.runtime.spawn(follow(house, seats, partition, stopped));
            Partition { stop, task }
        });
    }

    /// Lets a partition go; what is under way ends by itself and is told to the log.
    pub fn disown(&self, partition: u16) {
        if let Some(partition) = lock(&self.partitions).remove(&partition) {
            let _ = partition.stop.send(true);
        }
    }

    /// Every subscription of the directory, by id.
    pub fn status(&self) -> Vec<WebhookStatus> {
        let directory = self.house.directory.load_full();
        let seats = lock(&self.seats).clone();
        let status = |it: &Arc<Subscription>| {
            let seat = seats.get(it.id.as_str());
            let lines = seat.map(|seat| lock(&seat.lines).clone()).unwrap_or_default();
            let unread = lines.iter().map(|(partition, line)| {
                self.house.tail.ends(Topic::Incidents, *partition).end.saturating_sub(line.next)
            });
            let endpoint = seat.map(|seat| *seat.endpoint()).unwrap_or_default();
            WebhookStatus {
                id: it.id.as_str().to_owned(),
                waiting: lines.values().map(|line| line.waiting).sum(),
                unread: unread.sum(),
                oldest: lines.values().filter_map(|line| line.oldest).min(),
                parked_until: endpoint.parked_until,
                probe_at: endpoint.probe_at,
                last_failure: seat.and_then(|seat| lock(&seat.last_failure).clone()),
            }
        };
        directory.webhook_subscriptions().map(status).collect()
    }

    /// Sends `pagey.ping` now, whatever the subscription's standing, and says what came of it.
    ///
    /// # Errors
    /// The directory has no such subscription.
    pub async fn ping(&self, id: &str) -> Result<Pinged, String> {
        let subscription = self.find(id)?;
        let now = self.house.clock.now();
        let event = Event {
            id: event_id(now.0, &format!("ping/{id}/{}", now.0)),
            event_type: "pagey.ping".to_owned(),
            occurred_at: now.to_string(),
            agent: None,
            data: Data::Ping,
        };
        let options = &self.house.options;
        let url = &options.public_url;
        let sent = attempt(&self.house.egress, &subscription, &event, (now, now), url, options.timeout).await;
        Ok(Pinged { is_delivered: sent.verdict == Verdict::Delivered, detail: sent.detail, took: sent.took })
    }

    /// [`Webhooks::ping`], for a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn ping_wait(&self, id: &str) -> Result<Pinged, String> {
        self.runtime.block_on(self.ping(id))
    }

    /// The subscription of this id.
    ///
    /// # Errors
    /// The directory has none.
    pub fn find(&self, id: &str) -> Result<Arc<Subscription>, String> {
        self.house.subscription(id).ok_or_else(|| {
            format!("the directory has no webhook subscription \"{id}\"; `campanile webhook list` shows what it has")
        })
    }

    /// Brings the gauges up to date.
    pub fn show_waiting(&self) {
        let now = self.house.clock.now();
        let mut waiting = telemetry::Waiting::default();
        for status in self.status() {
            waiting.deliveries += status.waiting;
            waiting.oldest = waiting.oldest.max(status.oldest.map(|at| now.since(at)));
            waiting.parked += usize::from(status.parked_until.is_some());
            waiting.broken += usize::from(status.probe_at.is_some());
        }
        telemetry::show(waiting);
    }

    /// Begins nothing more, waits a moment for what is under way, and tells the log how far all is. Blocks.
    pub fn close(&self) {
        let partitions: Vec<_> = lock(&self.partitions).drain().map(|(_, partition)| partition).collect();
        for partition in &partitions {
            let _ = partition.stop.send(true);
        }
        self.runtime.block_on(async {
            let all = async {
                for partition in partitions {
                    let _ = partition.task.await;
                }
            };
            if tokio::time::timeout(CLOSING_MAX, all).await.is_err() {
                tracing::warn!("webhooks were still under way; they are sent again after the next start");
            }
        });
    }
}

/// Asks whoever delivers a subscription to end its parking and try everything of it at once, on every partition.
///
/// # Errors
/// The log does not take it; what it took of it holds, and asking again does no harm.
pub fn request_enabling(appender: &dyn Appender, id: &str) -> Result<(), AppendError> {
    for partition in 0..appender.partitions(Topic::Webhooks) {
        appender.append_wait(Topic::Webhooks, partition, vec![cursor::enable(id)])?;
    }
    Ok(())
}

/// One partition: begins a line for each subscription, carries out what operators ask.
async fn follow(
    house: Arc<House>,
    seats: Arc<Mutex<HashMap<String, Arc<Seat>>>>,
    partition: u16,
    stop: watch::Receiver<bool>,
) {
    let mut cursors = Cursors::default();
    // Where the topic was trimmed, the first read says where it begins.
    let mut next = 0;
    let (end, ended) = watch::channel(0_u64);
    let mut lines: HashMap<String, JoinHandle<()>> = HashMap::new();
    let mut is_caught_up = false;
    loop {
        let (asked, has_more) = read_requests(&house, partition, &mut next, &mut cursors).await;
        if is_caught_up {
            enable(&seats, &asked);
        }
        is_caught_up |= !has_more;
        lines.retain(|_, task| !task.is_finished());
        if is_caught_up {
            open_lines(&house, &seats, partition, (&mut cursors, &mut lines), (&ended, &stop));
        }
        if *stop.borrow() {
            break;
        }
        if is_caught_up {
            let known = *end.borrow();
            let ends = wait_beyond(&house, partition, known).await;
            end.send_if_modified(|known| std::mem::replace(known, ends) != ends);
        }
    }
    for (_, task) in lines {
        let _ = task.await;
    }
}

/// The end of the partition of incidents once it is beyond `known`, or after a moment.
async fn wait_beyond(house: &Arc<House>, partition: u16, known: u64) -> u64 {
    let tail = Arc::clone(&house.tail);
    let waited = tokio::task::spawn_blocking(move || {
        tail.wait(Topic::Incidents, partition, known, LOOK);
        tail.ends(Topic::Incidents, partition).end
    });
    waited.await.unwrap_or(known)
}

/// Takes what is new on the topic of cursors; gives who is to be enabled, and whether there may be more.
async fn read_requests(
    house: &Arc<House>,
    partition: u16,
    next: &mut u64,
    cursors: &mut Cursors,
) -> (Vec<String>, bool) {
    let (reading, from) = (Arc::clone(house), *next);
    let read = tokio::task::spawn_blocking(move || reading.tail.read(Topic::Webhooks, partition, from, CHUNK)).await;
    let mut enabled = Vec::new();
    let has_more;
    match read {
        Ok(Ok(records)) => {
            has_more = !records.is_empty();
            for stored in records {
                *next = stored.offset + 1;
                match cursors.take(&stored.record.value) {
                    Ok(Asked::Enable(id)) => enabled.push(id),
                    Ok(Asked::Nothing) => {}
                    Err(reason) => error!(partition, offset = stored.offset, reason, "a webhook's cursor is damaged"),
                }
            }
        }
        Ok(Err(TailError::Trimmed { start, .. })) => {
            *next = start;
            has_more = true;
        }
        Ok(Err(error)) => {
            error!(partition, %error, "the cursors of webhooks cannot be read; webhooks of this partition wait");
            has_more = true;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(_) => has_more = true,
    }
    (enabled, has_more)
}

fn enable(seats: &Mutex<HashMap<String, Arc<Seat>>>, ids: &[String]) {
    for id in ids {
        let seat = lock(seats).get(id).cloned();
        if let Some(seat) = seat {
            seat.endpoint().enable();
            seat.wake.notify_waiters();
        }
    }
}

type Lines = HashMap<String, JoinHandle<()>>;

fn open_lines(
    house: &Arc<House>,
    seats: &Mutex<HashMap<String, Arc<Seat>>>,
    partition: u16,
    (cursors, lines): (&mut Cursors, &mut Lines),
    (end, stop): (&watch::Receiver<u64>, &watch::Receiver<bool>),
) {
    let directory = house.directory.load_full();
    for subscription in directory.webhook_subscriptions() {
        let id = subscription.id.as_str();
        if lines.contains_key(id) || *stop.borrow() {
            continue;
        }
        lock(&house.seen).entry(id.to_owned()).or_insert(directory.epoch.0);
        let seat = Arc::clone(lock(seats).entry(id.to_owned()).or_insert_with(|| Arc::new(Seat::new(id))));
        let cursor = cursors.0.get(id).cloned();
        if let Some(until) = cursor.as_ref().and_then(|cursor| cursor.parked_until) {
            let mut endpoint = seat.endpoint();
            endpoint.parked_until = endpoint.parked_until.max(Some(until));
        }
        let (house, end, stop) = (Arc::clone(house), end.clone(), stop.clone());
        let task = tokio::spawn(async move { Runner::open(house, seat, partition, cursor).await.run(end, stop).await });
        lines.insert(id.to_owned(), task);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic leaves behind is a value that was whole before it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
