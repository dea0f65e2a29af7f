//! The lookout: tells people of their shifts, and the account of gaps while there is time to fill them.
//!
//! It looks at the organisation alone and appends what it sees as inputs: hand-offs to the answers topic, at the person's
//! shard, which knows what was told before; gaps to the events topic, where one dedup key makes one alert of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use campanile_clock::Clock;
use campanile_directory::{HandoffNotice, Snapshot, coverage, handoff};
use campanile_escalation::{Options, Report};
use campanile_ledger::{Appender, Record, Topic};
use campanile_model::murmur2::partition_of;
use campanile_model::{RoutingKey, ShardId, Span, Timestamp};
use campanile_oncall::Window;
use campanile_record::gap::{self, Foreseen};

use crate::message::Directory;
use crate::outbox::answered;

/// Time between two looks: a hand-off is told so much late at most.
const EVERY: Duration = Duration::from_secs(10);
/// A hand-off that nobody could tell for so long is not told any more.
const LATE_MAX: Span = Span::hours(1);
/// How far ahead gaps are told.
const GAPS_AHEAD: Span = Span::hours(72);

/// The shards whose machines live in this process.
#[derive(Default)]
pub(crate) struct HeldShards(Mutex<AHashMap<ShardId, usize>>);

impl HeldShards {
    pub(crate) fn add(&self, shard: ShardId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(shard).or_insert(0) += 1;
    }

    /// A shard that came back before its last machine went counts on.
    pub(crate) fn remove(&self, shard: ShardId) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&shard) {
            *count -= 1;
            if *count == 0 {
                held.remove(&shard);
            }
        }
    }

    fn has(&self, shard: ShardId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&shard)
    }
}

/// What the lookout works with.
pub(crate) struct View {
    pub(crate) directory: Directory,
    pub(crate) paging: Arc<Options>,
    pub(crate) held: Arc<HeldShards>,
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) struct Lookout {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Lookout {
    /// Errors: the operating system gives no thread.
    pub(crate) fn start(view: View) -> std::io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stopped = Arc::clone(&stop);
        let named = std::thread::Builder::new().name("notifier-lookout".to_owned());
        let thread = named.spawn(move || watch(&view, &stopped))?;
        Ok(Self { stop, thread })
    }

    pub(crate) fn close(self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the lookout for hand-offs and gaps ended before its time");
        }
    }
}

fn watch(view: &View, (stop, wake): &(Mutex<bool>, Condvar)) {
    let mut sight = Sight::default();
    let mut stopped = stop.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stopped {
        drop(stopped);
        sight.look(view);
        stopped = stop.lock().unwrap_or_else(PoisonError::into_inner);
        if !*stopped {
            stopped = wake.wait_timeout(stopped, EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What was seen and told by this process.
#[derive(Default)]
pub(crate) struct Sight {
    handoffs: AHashSet<(u128, Timestamp)>,
    /// Gaps that were told, by dedup key.
    gaps: BTreeMap<String, Foreseen>,
}

impl Sight {
    /// Tells what is new. What the log does not take is told at the next look.
    pub(crate) fn look(&mut self, view: &View) {
        let directory = view.directory.load_full();
        let now = view.clock.now();
        self.tell_handoffs(view, &directory, now);
        if view.held.has(ShardId(0)) {
            self.tell_gaps(view, &directory, now);
        }
    }

    fn tell_handoffs(&mut self, view: &View, directory: &Snapshot, now: Timestamp) {
        self.handoffs.retain(|(_, due)| *due + LATE_MAX >= now);
        let window = Window { start: now - LATE_MAX, end: now + Span(1) };
        for notice in handoff::notices(directory, window) {
            let home = directory.home_of_user(&notice.user);
            let known = (mark(&notice), notice.due);
            if !view.held.has(home) || self.handoffs.contains(&known) {
                continue;
            }
            let key = notice.user.to_string();
            let record = answered(&key, &Report::Handoff(Box::new(notice)));
            if appended(view, Topic::Answers, home.0, record) {
                self.handoffs.insert(known);
            }
        }
    }

    fn tell_gaps(&mut self, view: &View, directory: &Snapshot, now: Timestamp) {
        let seen = gaps(directory, now);
        let Some(routing_key) = &view.paging.gap_routing_key else {
            for (key, gap) in seen {
                if self.gaps.insert(key, gap.clone()).is_none() {
                    let (policy, from) = (&gap.policy_name, gap.start);
                    tracing::warn!(%policy, %from, "nobody will be on call at any level; see campanile schedule show");
                }
            }
            return;
        };
        let filled: Vec<String> = self.gaps.keys().filter(|key| !seen.contains_key(*key)).cloned().collect();
        for key in filled {
            if send(view, routing_key, |out| gap::encode_filled(routing_key, &key, out)) {
                self.gaps.remove(&key);
            }
        }
        for (key, gap) in seen {
            let is_known = self.gaps.contains_key(&key);
            if !is_known && send(view, routing_key, |out| gap::encode_foreseen(routing_key, &key, &gap, out)) {
                self.gaps.insert(key, gap);
            }
        }
    }
}

/// The first gap of each policy that has services, by dedup key: one alert a policy, which resolves when it is filled or over.
fn gaps(directory: &Snapshot, now: Timestamp) -> BTreeMap<String, Foreseen> {
    let window = Window { start: now, end: now + GAPS_AHEAD };
    let served: AHashSet<&str> = directory.services().map(|service| service.policy.as_str()).collect();
    let mut seen = BTreeMap::new();
    for policy in directory.policies().filter(|policy| served.contains(policy.id.as_str())) {
        if let Some(gap) = coverage::gaps(directory, policy, window).first() {
            let foreseen = Foreseen {
                policy: policy.id.clone(),
                policy_name: policy.name.clone(),
                start: gap.start,
                end: Some(gap.end).filter(|end| *end < window.end),
                at: now,
            };
            seen.insert(format!("campanile/gap/{}", policy.id), foreseen);
        }
    }
    seen
}

fn send(view: &View, routing_key: &RoutingKey, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
    let mut value = Vec::with_capacity(512);
    encode(&mut value);
    let key = routing_key.as_str();
    let partition = partition_of(key.as_bytes(), view.appender.partitions(Topic::Events));
    appended(view, Topic::Events, partition, Record::new(key.to_owned(), value))
}

fn appended(view: &View, topic: Topic, partition: u16, record: Record) -> bool {
    match view.appender.append_wait(topic, partition, vec![record]) {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, topic = topic.name(), "the log did not take a notice; it is offered again");
            false
        }
    }
}

/// Tells notices apart in memory.
fn mark(it: &HandoffNotice) -> u128 {
    let text = format!("{}\n{}\n{}\n{}\n{}", it.user, it.schedule.id, it.turn.as_str(), it.at.0, it.contact);
    let hash = |seed: u64| ahash::RandomState::with_seeds(seed, 2, 3, 4).hash_one(&text);
    u128::from(hash(1)) << 64 | u128::from(hash(5))
}
