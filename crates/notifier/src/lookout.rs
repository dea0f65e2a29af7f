//! The lookout: tells people of their shifts, and the account of gaps while there is time to fill them.
//!
//! It looks at the organisation alone and appends what it sees as inputs: hand-offs to the answers topic, at the person's
//! shard, which knows what was told before; gaps to the events topic, where one dedup key makes one alert of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ahash::{AHashMap, AHashSet};
use campanile_clock::Clock;
use campanile_directory::{Channel as Kind, HandoffNotice, Snapshot, coverage, handoff};
use campanile_escalation::{Options, Report};
use campanile_ledger::{Appender, Record, Topic};
use campanile_model::murmur2::partition_of;
use campanile_model::{Epoch, PolicyId, ShardId, Span, Timestamp};
use campanile_oncall::Window;
use campanile_record::gap::{self, Foreseen};

use crate::message::Directory;
use crate::outbox::answered;
use crate::roll_call;

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
    /// The kinds of contact methods that are carried here.
    pub(crate) carried: Vec<Kind>,
}

/// Tells the thread to end, between two notices and between two looks.
#[derive(Default)]
struct Halt {
    is_set: AtomicBool,
    turn: Mutex<bool>,
    wake: Condvar,
}

impl Halt {
    fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }
}

pub(crate) struct Lookout {
    stop: Arc<Halt>,
    thread: JoinHandle<()>,
}

impl Lookout {
    /// Errors: the operating system gives no thread.
    pub(crate) fn start(view: View) -> std::io::Result<Self> {
        let stop = Arc::new(Halt::default());
        let stopped = Arc::clone(&stop);
        let named = std::thread::Builder::new().name("notifier-lookout".to_owned());
        let thread = named.spawn(move || watch(&view, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// It tells nothing more that it has not begun to tell.
    pub(crate) fn stop(&self) {
        self.stop.is_set.store(true, Ordering::Release);
        *self.stop.turn.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.wake.notify_all();
    }

    /// Waits until then for a notice that the log is taking; what it does not take is told by the next process.
    pub(crate) fn close(self, until: Instant) {
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.thread.is_finished() && self.thread.join().is_err() {
            tracing::error!("the lookout for hand-offs and gaps ended before its time");
        }
    }
}

fn watch(view: &View, halt: &Halt) {
    let mut sight = Sight::default();
    while !halt.is_set() {
        sight.look(view, halt);
        let stopped = halt.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !*stopped {
            drop(halt.wake.wait_timeout(stopped, EVERY));
        }
    }
}

/// What was seen and told by this process.
#[derive(Default)]
pub(crate) struct Sight {
    handoffs: AHashSet<(u128, Timestamp)>,
    /// What was told of each policy: that it has a gap, or none.
    gaps: BTreeMap<PolicyId, bool>,
    /// The directory that the roll was called of.
    called: Option<Epoch>,
}

impl Sight {
    /// Tells what is new. What the log does not take is told at the next look.
    fn look(&mut self, view: &View, halt: &Halt) {
        let directory = view.directory.load_full();
        let now = view.clock.now();
        if self.called.replace(directory.epoch) != Some(directory.epoch) {
            for missing in roll_call::missing(&directory, &view.carried, &view.paging) {
                tracing::warn!("{missing}");
            }
        }
        self.tell_handoffs(view, halt, &directory, now);
        if view.held.has(ShardId(0)) {
            self.tell_gaps(view, halt, &directory, now);
        } else {
            // Whoever has the shard tells them; what this process remembers would be wrong when it comes back.
            self.gaps.clear();
        }
    }

    fn tell_handoffs(&mut self, view: &View, halt: &Halt, directory: &Snapshot, now: Timestamp) {
        self.handoffs.retain(|(_, due)| *due + LATE_MAX >= now);
        let window = Window { start: now - LATE_MAX, end: now + Span(1) };
        for notice in handoff::notices(directory, window) {
            let home = directory.home_of_user(&notice.user);
            let known = (mark(&notice), notice.due);
            if halt.is_set() {
                return;
            }
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

    fn tell_gaps(&mut self, view: &View, halt: &Halt, directory: &Snapshot, now: Timestamp) {
        let seen = gaps(directory, now);
        for (policy, gap) in &seen {
            if halt.is_set() {
                return;
            }
            match (gap, self.gaps.get(policy)) {
                (Some(_), Some(true)) | (None, Some(false)) => continue,
                (Some(gap), Some(false) | None) => {
                    let (name, from) = (&gap.policy_name, gap.start);
                    tracing::warn!(policy = %name, %from, "nobody will be on call at any level; see campanile schedule show");
                }
                // Told by a process before this one, perhaps: a resolve of nothing does nothing.
                (None, Some(true) | None) => {}
            }
            if tell_gap(view, policy, gap.as_ref()) {
                self.gaps.insert(policy.clone(), gap.is_some());
            }
        }
        self.gaps.retain(|policy, _| seen.contains_key(policy));
    }
}

/// True: told, or there is nowhere to tell it but the log of this process.
fn tell_gap(view: &View, policy: &PolicyId, gap: Option<&Foreseen>) -> bool {
    let Some(routing_key) = &view.paging.gap_routing_key else { return true };
    let dedup_key = format!("campanile/gap/{policy}");
    let mut value = Vec::with_capacity(512);
    match gap {
        Some(gap) => gap::encode_foreseen(routing_key, &dedup_key, gap, &mut value),
        None => gap::encode_filled(routing_key, &dedup_key, &mut value),
    }
    let key = routing_key.as_str();
    let partition = partition_of(key.as_bytes(), view.appender.partitions(Topic::Events));
    appended(view, Topic::Events, partition, Record::new(key.to_owned(), value))
}

/// The policies that have services, each with its first gap: one alert a policy, which resolves when it is filled or over.
fn gaps(directory: &Snapshot, now: Timestamp) -> BTreeMap<PolicyId, Option<Foreseen>> {
    let window = Window { start: now, end: now + GAPS_AHEAD };
    let served: AHashSet<&str> = directory.services().map(|service| service.policy.as_str()).collect();
    let policies = directory.policies().filter(|policy| served.contains(policy.id.as_str()));
    let first = policies.map(|policy| {
        let gap = coverage::gaps(directory, policy, window).first().map(|gap| Foreseen {
            policy: policy.id.clone(),
            policy_name: policy.name.clone(),
            start: gap.start,
            end: Some(gap.end).filter(|end| *end < window.end),
            at: now,
        });
        (policy.id.clone(), gap)
    });
    first.collect()
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
