//! Ownership: the group member and its thread, what it was granted, and the claim of each shard.
//!
//! Membership and reading are apart: the member subscribes, keeps everything paused and is polled by one thread, which
//! also publishes the session of each poll to the shards owned then. Loss withdraws it before anything is unassigned.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use campanile_ledger::{Card, Claim, CommitRecord, Lane, Opening, Shards};
use campanile_model::ShardId;

use crate::faults::{self, Fault as Mutation, Point};
use crate::host::{Running, Signal, wait_open};
use crate::ledger::{Core, Ports};
use crate::options::Options;
use crate::post::{End, Post};
use crate::restore::{self, Place, Refusal};
use crate::shard::{KafkaShard, Parts};
use crate::transaction::{Committer, Sealed};
use crate::wire::{Fault, Owner, Probe, Reader, Wire};
use crate::write_behind::Changes;

const POLL_WAIT: Duration = Duration::from_millis(50);
/// How long a revocation waits for the commit under way.
const REVOKE_WAIT: Duration = Duration::from_secs(2);
/// Shards of one assignment are told one by one; the rest is waited for so long.
const GATHER: Duration = Duration::from_millis(30);
/// Between two tries to open a shard.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_REFUSED: Duration = Duration::from_secs(10);
/// A grant that waited longer may be that of a process which stood still, and the shard another's by now.
const GRANT_FRESH: Duration = Duration::from_millis(500);

enum News {
    /// To be opened, not before the instant.
    Granted(u16, Arc<Post>, Instant),
    Revoked(u16),
    Lost(u16),
}

#[derive(Default)]
struct Owned {
    /// Assigned to us by the group.
    posts: HashMap<u16, Arc<Post>>,
    /// Given to a worker and not dropped by it yet.
    held: BTreeSet<u16>,
    news: VecDeque<News>,
}

/// What the group gave us.
pub(crate) struct Ownership {
    owned: Mutex<Owned>,
    changed: Arc<dyn Signal>,
    core: Arc<Core>,
}

impl Ownership {
    fn lock(&self) -> MutexGuard<'_, Owned> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_away(&self, shard: u16) -> Option<Arc<Post>> {
        self.core.openings.clear(shard);
        self.lock().posts.remove(&shard)
    }

    fn tell(&self, news: News) {
        self.lock().news.push_back(news);
        self.changed.tell();
    }

    /// The worker let go of a shard. Still ours, it can be claimed again.
    fn released(&self, shard: u16) {
        let mut owned = self.lock();
        owned.held.remove(&shard);
        if let Some(current) = owned.posts.get_mut(&shard) {
            // Lost and granted again while the worker still held it, the shard has its new post already. Replacing that one
            // would leave a claim of it without sessions, and nobody would ever tell it to end.
            let (was_ended, door) = (current.has_ended(), current.standing().0.next[2]);
            if was_ended {
                *current = Arc::new(Post::new(Arc::clone(&self.core.pulse), Arc::clone(&self.core.host)));
            }
            let post = Arc::clone(current);
            if was_ended {
                // The group may have given it away since; nobody is fenced on an old grant.
                post.ask_first(door);
            }
            owned.news.push_back(News::Granted(shard, post, self.core.host.now()));
        }
        drop(owned);
        self.changed.tell();
    }

    fn publish(&self, wire: &dyn Wire) {
        let session = wire.session();
        for post in self.lock().posts.values() {
            post.set_session(session.clone());
        }
    }
}

impl Owner for Ownership {
    fn granted(&self, shard: u16) {
        let mut owned = self.lock();
        // Also one above the ledger's shards: partitions that were added since are home to nothing, and what comes in on
        // them must hop.
        if owned.posts.contains_key(&shard) {
            return;
        }
        let post = Arc::new(Post::new(Arc::clone(&self.core.pulse), Arc::clone(&self.core.host)));
        owned.posts.insert(shard, Arc::clone(&post));
        owned.news.push_back(News::Granted(shard, post, self.core.host.now()));
        drop(owned);
        self.changed.tell();
    }

    fn revoking(&self, shard: u16) {
        if let Some(post) = self.take_away(shard) {
            faults::reach(Point::Revoking);
            post.revoke(REVOKE_WAIT);
            self.tell(News::Revoked(shard));
        }
    }

    fn lost(&self, shard: u16) {
        if let Some(post) = self.take_away(shard) {
            post.end(End::Lost("the group gave the shard to another".to_owned()));
            self.tell(News::Lost(shard));
        }
    }

    fn fenced(&self, reason: String) {
        tracing::error!(reason, "another process has this instance's name; this one stops");
        let posts: Vec<_> = self.lock().posts.drain().collect();
        for (shard, post) in posts {
            post.end(End::Lost("another process has this instance's name".to_owned()));
            self.tell(News::Lost(shard));
        }
        self.core.fenced.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }
}

/// Membership with its threads. Lives as long as anybody holds a shard or asks for claims.
pub(crate) struct Group {
    ownership: Arc<Ownership>,
    wire: Arc<dyn Wire>,
    pub(crate) readers: [Box<dyn Reader>; 3],
    is_stopped: Arc<AtomicBool>,
    thread: Mutex<Option<Box<dyn Running>>>,
}

impl Group {
    pub(crate) fn join(core: &Arc<Core>) -> Result<Arc<Self>, Fault> {
        let ownership =
            Arc::new(Ownership { owned: Mutex::default(), changed: core.host.signal(), core: Arc::clone(core) });
        let owner: Arc<dyn Owner> = Arc::clone(&ownership) as Arc<dyn Owner>;
        let wire = core.cluster.join(owner)?;
        let [main, hop, door] = Lane::ALL.map(|lane| core.cluster.reader(lane, Arc::clone(&core.pulse)));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let thread = {
            let (wire, ownership, is_stopped) = (Arc::clone(&wire), Arc::clone(&ownership), Arc::clone(&is_stopped));
            let run = move || {
                while !is_stopped.load(Ordering::Acquire) {
                    wire.poll(POLL_WAIT);
                    ownership.publish(wire.as_ref());
                }
            };
            core.host.spawn("membership", Box::new(run)).map_err(Fault::Again)?
        };
        let readers = [main?, hop?, door?];
        Ok(Arc::new(Self { ownership, wire, readers, is_stopped, thread: Mutex::new(Some(thread)) }))
    }

    pub(crate) fn wire(&self) -> &dyn Wire {
        self.wire.as_ref()
    }

    pub(crate) fn released(&self, shard: u16) {
        self.ownership.released(shard);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| !thread.join()) {
            tracing::error!("the membership thread panicked");
        }
        // The member is closed when the wire goes. A static member does not leave by that: its shards wait for it.
    }
}

/// Hands out the shards that the group assigns to this process.
pub struct KafkaShards {
    core: Arc<Core>,
    group: Option<Arc<Group>>,
}

impl KafkaShards {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, group: None }
    }

    /// Shards on other ports than Kafka, the machine and RocksDB. For the simulator.
    pub fn on(options: Options, card: Card, ports: Ports) -> Self {
        Self::new(Core::new(options, card, ports))
    }

    /// Why this process must end, if so: another has its name.
    pub fn fenced(&self) -> Option<String> {
        self.core.fenced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The group, joined at the first claim; one per process.
    fn group(&mut self) -> Option<Arc<Group>> {
        if let Some(group) = &self.group {
            return Some(Arc::clone(group));
        }
        let mut shared = self.core.group.lock().unwrap_or_else(PoisonError::into_inner);
        let group = match Weak::upgrade(&shared) {
            Some(group) => group,
            None => match Group::join(&self.core) {
                Ok(group) => {
                    *shared = Arc::downgrade(&group);
                    group
                }
                Err(fault) => {
                    tracing::error!(%fault, "the group could not be joined");
                    return None;
                }
            },
        };
        drop(shared);
        self.group = Some(Arc::clone(&group));
        Some(group)
    }

    /// What has come, waiting at most `wait` for the first.
    fn news(ownership: &Ownership, wait: Duration) -> Vec<News> {
        let host = ownership.core.host.as_ref();
        let until = host.now() + wait;
        let mut owned = ownership.lock();
        loop {
            let now = host.now();
            let is_ready = |news: &News| !matches!(news, News::Granted(_, _, after) if *after > now);
            if owned.news.iter().any(is_ready) {
                let (ready, later) = std::mem::take(&mut owned.news).into_iter().partition(is_ready);
                owned.news = later;
                return Vec::from(ready);
            }
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Vec::new();
            }
            let nap = left.min(Duration::from_millis(100));
            owned = wait_open(ownership.changed.as_ref(), &ownership.owned, owned, nap);
        }
    }

    fn open(&self, group: &Arc<Group>, shard: u16, post: Arc<Post>) -> Option<KafkaShard> {
        let refusal = match claim(&self.core, group, shard, &post) {
            Ok(opened) => {
                self.core.openings.clear(shard);
                return Some(opened);
            }
            Err(refusal) => refusal,
        };
        if post.has_ended() {
            // Granted anew meanwhile, it is opened anew: that news was passed over while this try held the shard.
            group.released(shard);
            return None;
        }
        post.ask_first(post.standing().0.next[2]);
        let wait = match &refusal {
            Refusal::Again(reason) => {
                tracing::warn!(shard, reason, "a shard could not be opened yet");
                RETRY
            }
            Refusal::Refused(reason) => {
                tracing::error!(shard, reason, "a shard is refused; a person must look");
                self.core.openings.refuse(shard, reason);
                RETRY_REFUSED
            }
        };
        group.ownership.lock().held.remove(&shard);
        group.ownership.tell(News::Granted(shard, post, self.core.host.now() + wait));
        None
    }
}

impl Shards for KafkaShards {
    type Shard = KafkaShard;

    fn claims(&mut self, wait: Duration) -> Vec<Claim<KafkaShard>> {
        let Some(group) = self.group() else {
            self.core.host.sleep(wait);
            return Vec::new();
        };
        let mut news = Self::news(&group.ownership, wait);
        if !news.is_empty() {
            self.core.host.sleep(GATHER);
            news.extend(Self::news(&group.ownership, Duration::ZERO));
        }
        let mut claims = Vec::new();
        for item in news {
            match item {
                News::Granted(shard, post, since) => {
                    if post.has_ended() || !group.ownership.lock().held.insert(shard) {
                        continue;
                    }
                    if self.core.host.now().saturating_duration_since(since) > GRANT_FRESH {
                        post.ask_first(post.standing().0.next[2]);
                    }
                    claims.extend(self.open(&group, shard, post).map(Claim::Granted));
                }
                News::Revoked(shard) => claims.push(Claim::Revoked(ShardId(shard))),
                News::Lost(shard) => claims.push(Claim::Lost(ShardId(shard))),
            }
        }
        claims
    }
}

/// Fences the last owner, restores, verifies, and commits the claim: an empty batch that proves the membership.
fn claim(core: &Arc<Core>, group: &Arc<Group>, shard: u16, post: &Arc<Post>) -> Result<KafkaShard, Refusal> {
    let wire = group.wire.as_ref();
    if let Some(door) = post.asks_first() {
        match wire.probe(shard, door) {
            Probe::Member => {}
            Probe::Unclear(reason) | Probe::Gone(reason) => return Err(Refusal::Again(reason)),
        }
    }
    // Before the offset is read: it returns when the last owner's transaction has ended, markers and all.
    let producer = wire.producer(shard)?;
    let options = &core.options;
    let place = Place {
        card: core.card,
        machine: options.machine.as_str(),
        shard,
        data: &options.data,
        disk: core.disk.as_ref(),
        host: &core.host,
        openings: &core.openings,
    };
    let restored = restore::restore(wire, &place)?;
    let claim = core.host.draw().map_err(Refusal::Again)?;
    let record = CommitRecord {
        seq: restored.record.seq + 1,
        owner: options.instance.replace(';', "_"),
        claim,
        digest: restored.store.digest,
        ..restored.record.clone()
    };
    faults::reach_of(Point::Restored, shard);
    post.open_at(restored.record, restored.position);
    let mut committer = Committer {
        shard,
        wire: Arc::clone(&group.wire),
        post: Arc::clone(post),
        producer: Some(producer),
        gate: None,
    };
    let sealed = Sealed { record: record.clone(), changes: Arc::new(Changes::default()), publish: Vec::new() };
    committer.settle(&sealed);
    if post.has_ended() {
        return Err(Refusal::Again("the shard went away while it was opened".to_owned()));
    }
    committer.gate.clone_from(&options.before_send);
    for ((reader, lane), offset) in group.readers.iter().zip(Lane::ALL).zip(record.next) {
        let offset = match faults::chosen() {
            Mutation::ForgottenSeek => wire.lane_ends(lane, shard)?.end,
            _ => offset,
        };
        reader.assign(shard, offset);
    }
    // Nobody waits for it: it ends when the post has.
    core.host.spawn(&format!("commit-{shard}"), Box::new(move || committer.run())).map_err(Refusal::Again)?;
    tracing::info!(shard, seq = record.seq, next = ?record.next, "the shard is ours");
    Ok(KafkaShard::new(Parts {
        id: shard,
        group: Arc::clone(group),
        core: Arc::clone(core),
        post: Arc::clone(post),
        store: restored.store,
        opening: Opening { card: core.card, commit: record },
    }))
}
