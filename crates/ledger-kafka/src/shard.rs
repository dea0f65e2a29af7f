//! The shard handed to the engine: reading lanes, rows and timers; sealing; settling.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use campanile_ledger::{Batch, CommitRecord, Intake, Lane, Opening, RowKey, Settled, Shard, Stop, TimerKey};
use campanile_model::{ShardId, Span, Timestamp};

use crate::claims::Group;
use crate::disk::DiskError;
use crate::faults::Inputs;
use crate::ledger::Core;
use crate::post::{End, Post};
use crate::transaction::Sealed;
use crate::write_behind::{Changes, Store};

/// How often the ends of the lanes are asked for, while a timer is due.
const HORIZON_EVERY: Duration = Duration::from_millis(100);

/// A broker stamps a record before anybody can read it: it must be written and, with copies, be fetched by the others. A
/// horizon is so much older than the broker's clock, or a timer could fire before an event that was stamped earlier. Ours:
/// no call tells how long it takes; 164 ms were seen on a starved machine, and a timer of an idle shard may be late by it.
const STAMP_TO_SIGHT: Span = Span(500);

pub(crate) struct Parts {
    pub(crate) id: u16,
    pub(crate) group: Arc<Group>,
    pub(crate) core: Arc<Core>,
    pub(crate) post: Arc<Post>,
    pub(crate) store: Store,
    pub(crate) opening: Opening,
}

pub struct KafkaShard {
    parts: Parts,
    /// The newest sealed batch.
    sealed: CommitRecord,
    asked_at: Option<Instant>,
    /// Beat that the last read began at: what came later ends [`Shard::idle`] at once.
    seen: AtomicU64,
    /// The newest commit that the table has settled.
    settled: u64,
    inputs: Inputs,
    /// Last, so that the state directory is closed before the shard can be claimed again.
    _release: Release,
}

struct Release {
    id: u16,
    group: Arc<Group>,
}

impl Drop for Release {
    fn drop(&mut self) {
        for reader in &self.group.readers {
            reader.release(self.id);
        }
        self.group.released(self.id);
    }
}

impl KafkaShard {
    pub(crate) fn new(parts: Parts) -> Self {
        let sealed = parts.opening.commit.clone();
        let settled = sealed.seq;
        let release = Release { id: parts.id, group: Arc::clone(&parts.group) };
        let inputs = Inputs::new(sealed.next[0]);
        Self { parts, sealed, asked_at: None, seen: AtomicU64::new(0), settled, inputs, _release: release }
    }

    fn alive(&self) -> Result<(), Stop> {
        match self.parts.post.ended() {
            None => Ok(()),
            Some(End::Closed) => Err(Stop::Closing),
            Some(End::Lost(_)) => Err(Stop::Lost),
        }
    }

    fn now(&self) -> Instant {
        self.parts.core.host.now()
    }

    fn stop(&self, error: &DiskError) -> Stop {
        // The rows are a copy of the changelog, so damage here costs a restore; but this process cannot go on with them.
        Stop::Damaged(format!("the state directory of shard {}: {error}", self.parts.id))
    }

    /// Moves what is committed towards the disk.
    fn settle_table(&mut self) {
        let (record, position, _, _) = self.parts.post.standing();
        if record.seq > self.settled {
            self.settled = record.seq;
            self.parts.store.settle(record.seq);
            self.inputs.committed(record.next[0]);
        }
        if self.parts.store.is_due()
            && let Err(error) = self.parts.store.write(&record, position)
        {
            tracing::error!(shard = self.parts.id, %error, "rows could not be written behind; reading stops until they can");
        }
    }

    fn may_read(&self) -> bool {
        self.parts.store.stuck.is_none() && !self.parts.store.is_full()
    }

    /// Tops up every lane once. Gives the ends of main and hop if both were read to them.
    fn fill(&self, max: usize, intake: &mut Intake) -> Result<Option<[u64; 2]>, Stop> {
        let mut ends = [None; 3];
        for (n, lane) in Lane::ALL.into_iter().enumerate() {
            let queue = match lane {
                Lane::Main => &mut intake.main,
                Lane::Hop => &mut intake.hop,
                Lane::Door => &mut intake.door,
            };
            let room = max.saturating_sub(queue.len());
            let end = self.parts.group.readers[n].take(self.parts.id, room, queue);
            ends[n] = end.map_err(|reason| {
                Stop::Damaged(format!("lane {} cannot be read where it stood: {reason}", lane.as_str()))
            })?;
        }
        intake.main_at_end = ends[0].is_some();
        intake.hop_at_end = ends[1].is_some();
        Ok(ends[0].zip(ends[1]).map(|(main, hop)| [main, hop]))
    }

    /// The broker's time, if main and hop still end where they were read to. Asked for only when a timer is due.
    fn horizon(&mut self, ends: [u64; 2]) -> Option<Timestamp> {
        let now = self.parts.core.pulse.broker_time()? - STAMP_TO_SIGHT;
        let is_due = self.parts.store.next_due().is_some_and(|due| due <= now);
        let asking_at = self.now();
        if !is_due || self.asked_at.is_some_and(|asked| asking_at.saturating_duration_since(asked) < HORIZON_EVERY) {
            return None;
        }
        self.asked_at = Some(asking_at);
        // After `now` was taken: whatever is appended once the ends were told is stamped later than it.
        for (lane, read) in [Lane::Main, Lane::Hop].into_iter().zip(ends) {
            match self.parts.group.wire().lane_ends(lane, self.parts.id) {
                Ok(told) if told.end == read => {}
                Ok(_) | Err(_) => return None,
            }
        }
        Some(now)
    }
}

fn is_empty(intake: &Intake) -> bool {
    intake.main.is_empty() && intake.hop.is_empty() && intake.door.is_empty()
}

impl Drop for KafkaShard {
    fn drop(&mut self) {
        self.parts.post.end(End::Closed);
        // What is known to be committed is written; what is in doubt is left to the next owner.
        let (record, position, _, _) = self.parts.post.standing();
        self.parts.store.settle(record.seq);
        if let Err(error) = self.parts.store.write(&record, position) {
            tracing::warn!(shard = self.parts.id, %error, "rows were not written at the end; the next restore is longer");
        }
    }
}

impl Shard for KafkaShard {
    fn id(&self) -> ShardId {
        ShardId(self.parts.id)
    }

    fn opening(&self) -> &Opening {
        &self.parts.opening
    }

    fn read(&mut self, max: usize, wait: Duration, intake: &mut Intake) -> Result<(), Stop> {
        (intake.horizon, intake.main_at_end, intake.hop_at_end) = (None, false, false);
        let until = self.now() + wait;
        loop {
            self.alive()?;
            let seen = self.parts.core.pulse.beats();
            self.seen.store(seen, Ordering::Relaxed);
            self.settle_table();
            let ends = if self.may_read() { self.fill(max, intake)? } else { None };
            let left = until.saturating_duration_since(self.now());
            if !is_empty(intake) || left.is_zero() {
                if let Some(newest) = intake.main.back() {
                    self.inputs.read(newest.offset + 1);
                }
                // Of what is in hand nothing may be younger than the horizon, so it comes only with empty hands or at the
                // end, where the engine takes it after these.
                intake.horizon = ends.and_then(|ends| self.horizon(ends));
                return Ok(());
            }
            self.parts.core.pulse.wait_after(seen, left);
        }
    }

    fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Stop> {
        self.alive()?;
        self.parts.store.rows(keys).map_err(|error| self.stop(&error))
    }

    fn scan(&mut self, prefix: &[u8], after: Option<RowKey>, limit: usize) -> Result<Vec<(RowKey, Vec<u8>)>, Stop> {
        self.alive()?;
        self.parts.store.scan(prefix, after, limit).map_err(|error| self.stop(&error))
    }

    fn timers(&mut self, until: Timestamp, max: usize) -> Result<Vec<(Timestamp, TimerKey)>, Stop> {
        self.alive()?;
        Ok(self.parts.store.timers(until, max))
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Stop> {
        self.alive()?;
        Ok(self.parts.store.next_due())
    }

    fn seal(&mut self, batch: Batch) -> Result<u64, Stop> {
        self.alive()?;
        let changes = Arc::new(Changes::of(&batch));
        let seq = self.sealed.seq + 1;
        let digest = self.parts.store.seal(seq, Arc::clone(&changes)).map_err(|error| self.stop(&error))?;
        let record = CommitRecord {
            seq,
            owner: self.sealed.owner.clone(),
            claim: self.sealed.claim,
            next: batch.next,
            out_seq: batch.out_seq,
            serial: batch.serial,
            now: batch.now,
            epoch: batch.epoch,
            digest,
        };
        self.sealed = record.clone();
        let sealed = Sealed { record, changes, publish: batch.publish };
        match self.parts.post.put(sealed) {
            Ok(()) => Ok(seq),
            Err(End::Lost(_)) => Err(Stop::Lost),
            Err(End::Closed) => Err(Stop::Closing),
        }
    }

    fn settled(&mut self, wait: Duration) -> Result<Settled, Stop> {
        let until = self.now() + wait;
        loop {
            let seen = self.parts.core.pulse.beats();
            self.settle_table();
            let (record, _, is_pending, halted) = self.parts.post.standing();
            if let Some(end) = self.parts.post.ended() {
                return match end {
                    End::Lost(_) => Ok(Settled::Lost),
                    End::Closed => Err(Stop::Closing),
                };
            }
            if !is_pending {
                return Ok(match &self.parts.store.stuck {
                    Some(reason) => Settled::Halted(reason.clone()),
                    None => Settled::Committed(record.seq),
                });
            }
            let left = until.saturating_duration_since(self.now());
            if left.is_zero() {
                return Ok(halted.map_or(Settled::Pending, Settled::Halted));
            }
            self.parts.core.pulse.wait_after(seen, left);
        }
    }

    fn reopen(&mut self) -> Result<Opening, Stop> {
        self.alive()?;
        for (reader, offset) in self.parts.group.readers.iter().zip(self.sealed.next) {
            reader.assign(self.parts.id, offset);
        }
        self.parts.opening.commit = self.sealed.clone();
        Ok(self.parts.opening.clone())
    }

    fn idle(&self, wait: Duration) {
        self.parts.core.pulse.wait_after(self.seen.load(Ordering::Relaxed), wait);
    }
}
