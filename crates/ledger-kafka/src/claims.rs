//! Ownership: the group member and its thread, what it was granted, and the claim of each shard.
//!
//! Membership and reading are apart: the member subscribes, keeps everything paused and is polled by one thread, which
//! also publishes the session of each poll to the shards owned then. Loss withdraws it before anything is unassigned.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use campanile_ledger::{Claim, CommitRecord, Lane, Opening, Shards};
use campanile_model::{ShardId, Timestamp};

use crate::ledger::Core;
use crate::post::{End, Post};
use crate::reader::LaneReader;
use crate::restore::{self, Place, Refusal};
use crate::shard::{KafkaShard, Parts};
use crate::transaction::{Committer, Sealed};
use crate::wire::{Fault, Owner, Wire};
use crate::wire_rdkafka::Rdkafka;
use crate::write_behind::Changes;

const POLL_WAIT: Duration = Duration::from_millis(50);
/// How long a revocation waits for the commit under way.
const REVOKE_WAIT: Duration = Duration::from_secs(2);
/// Shards of one assignment are told one by one; the rest is waited for so long.
const GATHER: Duration = Duration::from_millis(30);
/// Between two tries to open a shard.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_REFUSED: Duration = Duration::from_secs(10);

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
    changed: Condvar,
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
        self.changed.notify_all();
    }

    /// The worker let go of a shard. Still ours, it can be claimed again.
    fn released(&self, shard: u16) {
        let mut owned = self.lock();
        owned.held.remove(&shard);
        if let Some(ended) = owned.posts.get_mut(&shard) {
            let post = Arc::new(Post::new(Arc::clone(&self.core.pulse)));
            *ended = Arc::clone(&post);
            owned.news.push_back(News::Granted(shard, post, Instant::now()));
        }
        drop(owned);
        self.changed.notify_all();
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
        if shard >= self.core.card.shards || owned.posts.contains_key(&shard) {
            return;
        }
        let post = Arc::new(Post::new(Arc::clone(&self.core.pulse)));
        owned.posts.insert(shard, Arc::clone(&post));
        owned.news.push_back(News::Granted(shard, post, Instant::now()));
        drop(owned);
        self.changed.notify_all();
    }

    fn revoking(&self, shard: u16) {
        if let Some(post) = self.take_away(shard) {
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
    pub(crate) readers: [LaneReader; 3],
    is_stopped: Arc<AtomicBool>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Group {
    pub(crate) fn join(core: &Arc<Core>) -> Result<Arc<Self>, Fault> {
        let ownership =
            Arc::new(Ownership { owned: Mutex::default(), changed: Condvar::new(), core: Arc::clone(core) });
        let ledger = core.card.ledger.0;
        let owner: Arc<dyn Owner> = Arc::clone(&ownership) as Arc<dyn Owner>;
        let wire: Arc<dyn Wire> = Arc::new(Rdkafka::join(core.options.clone(), ledger, owner)?);
        let reader = |lane| LaneReader::start(&core.options, ledger, &core.names, lane, Arc::clone(&core.pulse));
        let [main, hop, door] = Lane::ALL.map(|lane| reader(lane).map_err(Fault::Again));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let thread = {
            let (wire, ownership, is_stopped) = (Arc::clone(&wire), Arc::clone(&ownership), Arc::clone(&is_stopped));
            let run = move || {
                while !is_stopped.load(Ordering::Acquire) {
                    wire.poll(POLL_WAIT);
                    ownership.publish(wire.as_ref());
                }
            };
            let named = std::thread::Builder::new().name("membership".to_owned());
            named.spawn(run).map_err(|error| Fault::Again(error.to_string()))?
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
        if thread.is_some_and(|thread| thread.join().is_err()) {
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
        let until = Instant::now() + wait;
        let mut owned = ownership.lock();
        loop {
            let now = Instant::now();
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
            owned = ownership.changed.wait_timeout(owned, nap).unwrap_or_else(PoisonError::into_inner).0;
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
            return None;
        }
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
        group.ownership.tell(News::Granted(shard, post, Instant::now() + wait));
        None
    }
}

impl Shards for KafkaShards {
    type Shard = KafkaShard;

    fn claims(&mut self, wait: Duration) -> Vec<Claim<KafkaShard>> {
        let Some(group) = self.group() else {
            std::thread::sleep(wait);
            return Vec::new();
        };
        let mut news = Self::news(&group.ownership, wait);
        if !news.is_empty() {
            std::thread::sleep(GATHER);
            news.extend(Self::news(&group.ownership, Duration::ZERO));
        }
        let mut claims = Vec::new();
        for item in news {
            match item {
                News::Granted(shard, post, _) => {
                    if post.has_ended() || !group.ownership.lock().held.insert(shard) {
                        continue;
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

pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}

/// Fences the last owner, restores, verifies, and commits the claim: an empty batch that proves the membership.
fn claim(core: &Arc<Core>, group: &Arc<Group>, shard: u16, post: &Arc<Post>) -> Result<KafkaShard, Refusal> {
    let wire = group.wire.as_ref();
    // Before the offset is read: it returns when the last owner's transaction has ended, markers and all.
    let producer = wire.producer(shard)?;
    let options = &core.options;
    let place = Place {
        card: core.card,
        machine: &options.machine,
        shard,
        data: &options.data,
        cache: &core.cache,
        openings: &core.openings,
        now: wall(),
    };
    let restored = restore::restore(wire, &place)?;
    let claim = getrandom::u64().map_err(|error| Refusal::Again(error.to_string()))?;
    let record = CommitRecord {
        seq: restored.record.seq + 1,
        owner: options.instance.replace(';', "_"),
        claim,
        digest: restored.store.digest,
        ..restored.record.clone()
    };
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
    for (reader, offset) in group.readers.iter().zip(record.next) {
        reader.assign(shard, offset);
    }
    std::thread::Builder::new()
        .name(format!("commit-{shard}"))
        .spawn(move || committer.run())
        .map_err(|error| Refusal::Again(error.to_string()))?;
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
