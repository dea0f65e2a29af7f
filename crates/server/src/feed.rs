//! The directory feed: from the records of `campanile.directory` to the snapshot that every role reads.
//!
//! Records are folded by key; an apply becomes visible as a whole, at its record `~epoch`.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use anyhow::{Result, anyhow};
use arc_swap::ArcSwap;
use bytes::Bytes;
use campanile_directory::{Kind, Snapshot};
use campanile_ledger::{Stored, Tail, TailError, Topic};
use campanile_model::Epoch;
use campanile_pagerduty::objects::snapshot_from_records;
use campanile_processor::Directory;
use campanile_record::directory::{EPOCH_KEY, epoch};

use crate::supervise::{Stop, lock};

/// Records read in one go.
const READ_MAX: usize = 1000;
/// Longest wait for a record before the stop is looked at.
const WAIT: Duration = Duration::from_millis(250);

/// Objects as stored, by kind and id.
pub type Objects = BTreeMap<(Kind, String), Bytes>;

pub struct Feed {
    directory: Directory,
    shards: u16,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    /// As of the newest epoch.
    objects: Objects,
    epoch: Epoch,
    is_caught_up: bool,
}

impl Feed {
    /// A feed of a ledger with so many shards, its directory empty.
    pub fn new(shards: u16) -> Arc<Self> {
        let mut empty = Snapshot::default();
        empty.shards = shards;
        let directory = Arc::new(ArcSwap::from_pointee(empty));
        Arc::new(Self { directory, shards, state: Mutex::default(), moved: Condvar::new() })
    }

    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Epoch and objects of the newest apply.
    pub fn current(&self) -> (Epoch, Objects) {
        let state = lock(&self.state);
        (state.epoch, state.objects.clone())
    }

    pub fn current_epoch(&self) -> Epoch {
        lock(&self.state).epoch
    }

    /// Everything that stood in the topic at the start has been read.
    pub fn is_caught_up(&self) -> bool {
        lock(&self.state).is_caught_up
    }

    /// Waits at most `wait` until the topic has been read to its end once; says whether it was.
    pub fn wait_until_caught_up(&self, wait: Duration) -> bool {
        self.wait_until(wait, |state| state.is_caught_up)
    }

    /// Waits at most `wait` for the epoch or a later one; says whether it came.
    pub fn wait_for(&self, epoch: Epoch, wait: Duration) -> bool {
        self.wait_until(wait, |state| state.epoch >= epoch)
    }

    fn wait_until(&self, wait: Duration, is_there: impl Fn(&State) -> bool) -> bool {
        match self.moved.wait_timeout_while(lock(&self.state), wait, |state| !is_there(state)) {
            Ok((state, _)) => is_there(&state),
            Err(poisoned) => is_there(&poisoned.into_inner().0),
        }
    }

    /// Follows the topic until the stop is set.
    ///
    /// # Errors
    /// The topic is damaged, or holds an organisation that this program cannot read.
    pub fn run(&self, tail: &dyn Tail, stop: &Stop) -> Result<()> {
        let mut pending = Objects::new();
        let mut next = tail.ends(Topic::Directory, 0).start;
        while !stop.is_set() {
            let records = match tail.read(Topic::Directory, 0, next, READ_MAX) {
                Ok(records) => records,
                Err(TailError::Trimmed { start, .. }) => {
                    next = start;
                    continue;
                }
                Err(error @ TailError::Damaged(_)) => return Err(error.into()),
            };
            for stored in &records {
                next = stored.offset + 1;
                if let Some(epoch) = fold(&mut pending, stored) {
                    self.switch(epoch, &pending)?;
                }
            }
            if records.is_empty() {
                // A cluster that does not answer gives no records either: that is not the end, and a directory applied onto it
                // would begin anew at epoch 1.
                if !self.is_caught_up() && !tail.wait(Topic::Directory, 0, next, Duration::ZERO) {
                    lock(&self.state).is_caught_up = true;
                    self.moved.notify_all();
                }
                tail.wait(Topic::Directory, 0, next, WAIT);
            }
        }
        Ok(())
    }

    fn switch(&self, epoch: Epoch, objects: &Objects) -> Result<()> {
        let records = objects.iter().map(|((kind, id), bytes)| (*kind, id, bytes));
        let snapshot = snapshot_from_records(records, epoch, self.shards).map_err(|diagnostics| {
            let first = diagnostics.first().map(ToString::to_string).unwrap_or_default();
            anyhow!(
                "the stored directory of epoch {} cannot be read by this version ({} problems, the first: {first}); \
                 start the version that applied it, mend it there, and upgrade again",
                epoch.0,
                diagnostics.len()
            )
        })?;
        self.directory.store(Arc::new(snapshot));
        let mut state = lock(&self.state);
        state.objects.clone_from(objects);
        state.epoch = epoch;
        drop(state);
        self.moved.notify_all();
        tracing::info!(epoch = epoch.0, objects = objects.len(), "the directory switched");
        Ok(())
    }
}

/// Takes one record in; gives the epoch that it ends.
fn fold(pending: &mut Objects, stored: &Stored) -> Option<Epoch> {
    let key = std::str::from_utf8(stored.record.key.as_deref()?).ok()?;
    let value = &stored.record.value;
    if key == EPOCH_KEY {
        return epoch(value);
    }
    // Keys of a newer version are passed over: what they configure does not exist here.
    let (folder, id) = key.split_once('/')?;
    let Some(kind) = Kind::of_folder(folder) else {
        tracing::warn!(key, "an object of an unknown kind in the directory is passed over");
        return None;
    };
    if value.is_empty() {
        pending.remove(&(kind, id.to_owned()));
    } else {
        pending.insert((kind, id.to_owned()), value.clone());
    }
    None
}

/// The key of an object's record.
pub fn key(kind: Kind, id: &str) -> String {
    format!("{}/{id}", kind.folder())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use campanile_ledger::{Ends, Stored, Tail, TailError, Topic};
    use campanile_model::{Epoch, Timestamp};
    use campanile_record::directory::epoch_record;

    use super::*;

    /// A cluster that holds one record and says nothing to the first two reads.
    #[derive(Default)]
    struct Mute(AtomicU32);

    impl Tail for Mute {
        fn ends(&self, _: Topic, _: u16) -> Ends {
            Ends { start: 0, end: 1 }
        }

        fn read(&self, _: Topic, _: u16, from: u64, _: usize) -> Result<Vec<Stored>, TailError> {
            let is_heard = self.0.fetch_add(1, Ordering::Relaxed) >= 2;
            let stored = Stored { offset: 0, at: Timestamp(0), record: epoch_record(Epoch(7)) };
            Ok(if is_heard && from == 0 { vec![stored] } else { Vec::new() })
        }

        fn wait(&self, _: Topic, _: u16, from: u64, _: Duration) -> bool {
            from == 0
        }
    }

    #[test]
    fn silence_is_not_the_end_of_the_directory() {
        let (feed, stop) = (Feed::new(1), Stop::default());
        let seen = std::thread::scope(|scope| {
            let running = scope.spawn(|| feed.run(&Mute::default(), &stop));
            assert!(feed.wait_until_caught_up(Duration::from_secs(10)), "it must come to the end");
            let seen = feed.current_epoch();
            stop.set();
            running.join().expect("no panic").expect("no damage");
            seen
        });
        assert_eq!(seen, Epoch(7), "caught up means that everything there was read");
    }
}
