//! What a shard's worker, its committer and the membership thread share: the batch on its way, how far commits came, the
//! session of the group, and the end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use campanile_ledger::CommitRecord;

use crate::host::{Host, Signal, wait_open};
use crate::pulse::Pulse;
use crate::transaction::Sealed;
use crate::wire::{Delivered, Session};

/// Sealed batches that may be unsettled at once: one on its way, one just sealed.
const UNSETTLED_MAX: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Another owns it, or will in a moment. What is in doubt is left to the next owner's init.
    Lost(String),
    /// The process is closing.
    Closed,
}

#[derive(Default)]
struct State {
    /// Waiting and under way, oldest first.
    batches: VecDeque<Arc<Sealed>>,
    /// Goes to another in a moment: nothing more is taken.
    is_revoking: bool,
    committed: CommitRecord,
    /// Changelog offset behind the newest commit record that is known to be committed.
    position: u64,
    session: Option<Session>,
    /// The door's position to ask the group with before the shard is claimed. `None` for a fresh grant, which is the
    /// group's answer already.
    ask: Option<u64>,
    halted: Option<String>,
    end: Option<End>,
}

pub(crate) struct Post {
    state: Mutex<State>,
    changed: Arc<dyn Signal>,
    pub(crate) host: Arc<dyn Host>,
    /// Wakes workers of the whole process.
    pulse: Arc<Pulse>,
}

impl Post {
    pub(crate) fn new(pulse: Arc<Pulse>, host: Arc<dyn Host>) -> Self {
        Self { state: Mutex::default(), changed: host.signal(), host, pulse }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every value is replaced whole, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>, wait: Duration) -> MutexGuard<'a, State> {
        wait_open(self.changed.as_ref(), &self.state, state, wait)
    }

    fn tell(&self, state: MutexGuard<'_, State>) {
        drop(state);
        self.changed.tell();
        self.pulse.beat();
    }

    /// Where the shard stands before its first batch.
    pub(crate) fn open_at(&self, record: CommitRecord, position: u64) {
        let mut state = self.lock();
        state.committed = record;
        state.position = position;
    }

    pub(crate) fn ask_first(&self, door: u64) {
        self.lock().ask = Some(door);
    }

    pub(crate) fn asks_first(&self) -> Option<u64> {
        self.lock().ask
    }

    /// Hands a batch over, waiting while too many are on their way. The end, if the shard has ended.
    pub(crate) fn put(&self, sealed: Sealed) -> Result<(), End> {
        let mut state = self.lock();
        while state.end.is_none() && state.batches.len() >= UNSETTLED_MAX {
            state = self.wait(state, Duration::from_secs(1));
        }
        if let Some(end) = &state.end {
            return Err(end.clone());
        }
        if state.is_revoking {
            return Err(End::Lost("the shard goes to another".to_owned()));
        }
        state.batches.push_back(Arc::new(sealed));
        self.tell(state);
        Ok(())
    }

    /// The next batch to send; `None` when the shard has ended.
    pub(crate) fn take(&self) -> Option<Arc<Sealed>> {
        let mut state = self.lock();
        loop {
            if state.end.is_some() {
                return None;
            }
            if let Some(sealed) = state.batches.front() {
                let sealed = Arc::clone(sealed);
                return Some(sealed);
            }
            state = self.wait(state, Duration::from_secs(1));
        }
    }

    /// A batch is committed. Its delivery is unknown when that was learnt by a look; the position then stays lower.
    pub(crate) fn committed(&self, record: &CommitRecord, delivered: Option<Delivered>) {
        let mut state = self.lock();
        state.batches.pop_front_if(|sealed| sealed.record.seq == record.seq);
        state.committed = record.clone();
        state.halted = None;
        if let Some(delivered) = delivered {
            state.position = delivered.offset + 1;
            self.pulse.saw(delivered.at);
        }
        self.tell(state);
    }

    pub(crate) fn halted(&self, reason: Option<String>) {
        let mut state = self.lock();
        state.halted = reason;
        self.tell(state);
    }

    /// Ends the shard; the first reason stays.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.lock();
        state.session = None;
        state.end.get_or_insert(end);
        self.tell(state);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.lock().end.is_some()
    }

    pub(crate) fn ended(&self) -> Option<End> {
        self.lock().end.clone()
    }

    pub(crate) fn session(&self) -> Option<Session> {
        self.lock().session.clone()
    }

    pub(crate) fn set_session(&self, session: Option<Session>) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.session = session;
        }
    }

    /// Takes nothing more.
    pub(crate) fn begin_revoke(&self) {
        self.lock().is_revoking = true;
    }

    /// Lets what is on its way be committed, until then at the latest, and ends.
    pub(crate) fn revoke(&self, until: Instant) {
        self.wait_until_settled(until);
        self.end(End::Lost("the shard was revoked".to_owned()));
    }

    /// Waits until no batch is on its way, or until then.
    fn wait_until_settled(&self, until: Instant) {
        let mut state = self.lock();
        while state.end.is_none() && !state.batches.is_empty() {
            let left = until.saturating_duration_since(self.host.now());
            if left.is_zero() {
                return;
            }
            state = self.wait(state, left);
        }
    }

    /// Newest committed record, the changelog position behind it, whether more is on its way, and why it is halted.
    pub(crate) fn standing(&self) -> (CommitRecord, u64, bool, Option<String>) {
        let state = self.lock();
        (state.committed.clone(), state.position, !state.batches.is_empty(), state.halted.clone())
    }

    /// Sleeps between two tries, unless the shard ends.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = self.host.now() + wait;
        let mut state = self.lock();
        while state.end.is_none() {
            let left = until.saturating_duration_since(self.host.now());
            if left.is_zero() {
                return;
            }
            state = self.wait(state, left);
        }
    }
}
