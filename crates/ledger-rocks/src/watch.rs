//! Watching the disk and RocksDB: when to halt, when to stop reading.
//!
//! Halted: nothing is appended or committed, it says why, and it passes by itself. Pressed: RocksDB is about to slow
//! writes down, so shards stop reading, and appends keep what room is left.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rocksdb::{DB, properties};

use crate::log::{handle, lock};
use crate::tuning::{Family, L0_PRESSED, MEMTABLES_PRESSED};

/// Gives the free bytes of a path.
pub type FreeSpace = std::sync::Arc<dyn Fn(&std::path::Path) -> u64 + Send + Sync>;

/// Writes above this ask for the free space first, instead of trusting the last look.
const BIG_WRITE_BYTES: usize = 4 << 20;

pub(crate) struct Watch {
    data: PathBuf,
    floor: u64,
    free_space: FreeSpace,
    refusing_max: Duration,
    free: AtomicU64,
    is_halted: AtomicBool,
    is_pressed: AtomicBool,
    reasons: Mutex<Reasons>,
}

#[derive(Default)]
struct Reasons {
    space: Option<String>,
    write: Option<String>,
    /// Since when writes are refused although there is space.
    refusing_since: Option<Instant>,
    damaged: Option<String>,
}

impl Watch {
    pub(crate) fn new(data: PathBuf, floor: u64, free_space: FreeSpace, refusing_max: Duration) -> Self {
        let watch = Self {
            data,
            floor,
            free_space,
            refusing_max,
            free: AtomicU64::new(u64::MAX),
            is_halted: AtomicBool::new(false),
            is_pressed: AtomicBool::new(false),
            reasons: Mutex::default(),
        };
        watch.look_at_space();
        watch
    }

    pub(crate) fn halted(&self) -> Option<String> {
        if !self.is_halted.load(Ordering::Acquire) {
            return None;
        }
        let reasons = lock(&self.reasons);
        reasons.space.clone().or_else(|| reasons.write.clone())
    }

    /// Why a write of `bytes` must wait, if it must.
    pub(crate) fn halted_before(&self, bytes: usize) -> Option<String> {
        if bytes >= BIG_WRITE_BYTES {
            self.look_at_space();
        }
        self.halted()
    }

    pub(crate) fn may_read(&self) -> bool {
        !self.is_pressed.load(Ordering::Acquire) && !self.is_halted.load(Ordering::Acquire)
    }

    /// Why nothing will work any more until the process starts again.
    pub(crate) fn damaged(&self) -> Option<String> {
        self.is_halted.load(Ordering::Acquire).then(|| lock(&self.reasons).damaged.clone())?
    }

    pub(crate) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    /// Asks for the free space; says whether that changed anything.
    pub(crate) fn look_at_space(&self) -> bool {
        let free = (self.free_space)(&self.data);
        self.free.store(free, Ordering::Relaxed);
        let mut reasons = lock(&self.reasons);
        let before = reasons.space.is_some();
        reasons.space = (free < self.floor).then(|| {
            let (path, floor) = (self.data.display(), self.floor);
            format!("{path} has {free} bytes free, the floor is {floor}; free some space and it goes on by itself (CAMP0004)")
        });
        let after = reasons.space.is_some();
        self.publish(&reasons);
        if before != after {
            match &reasons.space {
                Some(reason) => tracing::error!(%reason, "the ledger is halted"),
                None => tracing::info!(free, "the ledger goes on"),
            }
        }
        before != after
    }

    pub(crate) fn write_failed(&self, error: &str) {
        let mut reasons = lock(&self.reasons);
        if reasons.write.is_none() {
            tracing::error!(%error, "the ledger is halted: a write was refused");
        }
        reasons.write = Some(format!("{} refuses writes: {error}; it is tried again", self.data.display()));
        if reasons.space.is_some() {
            reasons.refusing_since = None;
        } else {
            let since = *reasons.refusing_since.get_or_insert_with(Instant::now);
            if since.elapsed() > self.refusing_max && reasons.damaged.is_none() {
                let path = self.data.display();
                let reason = format!("{path} still refuses writes with space there: {error}; start the process again");
                tracing::error!(reason, "the ledger gives up");
                reasons.damaged = Some(reason);
            }
        }
        self.publish(&reasons);
    }

    /// From now on nothing works until the process starts again.
    pub(crate) fn give_up(&self, reason: &str) {
        tracing::error!(reason, "the ledger gives up");
        let mut reasons = lock(&self.reasons);
        reasons.write = Some(reason.to_owned());
        reasons.damaged = Some(reason.to_owned());
        self.publish(&reasons);
    }

    /// RocksDB refused a write, and has not taken one since.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_halted.load(Ordering::Acquire) && lock(&self.reasons).write.is_some()
    }

    pub(crate) fn write_succeeded(&self) {
        if !self.is_halted.load(Ordering::Acquire) {
            return;
        }
        let mut reasons = lock(&self.reasons);
        if reasons.write.take().is_some() {
            tracing::info!("the ledger goes on: writes are taken again");
        }
        reasons.refusing_since = None;
        self.publish(&reasons);
    }

    pub(crate) fn look_at_pressure(&self, db: &DB) {
        let level_0 = properties::num_files_at_level(0);
        let most = |name| Family::ALL.into_iter().filter_map(|f| number(db, f, name)).max().unwrap_or(0);
        let pressed = number(db, Family::Meta, properties::IS_WRITE_STOPPED).unwrap_or(0) > 0
            || number(db, Family::Meta, properties::ACTUAL_DELAYED_WRITE_RATE).unwrap_or(0) > 0
            || most(&level_0) >= L0_PRESSED
            || most(properties::NUM_IMMUTABLE_MEM_TABLE) >= MEMTABLES_PRESSED;
        if self.is_pressed.swap(pressed, Ordering::AcqRel) != pressed {
            tracing::debug!(pressed, "pressure on the database changed");
        }
    }

    pub(crate) fn is_pressed(&self) -> bool {
        self.is_pressed.load(Ordering::Relaxed)
    }

    fn publish(&self, reasons: &Reasons) {
        self.is_halted.store(reasons.space.is_some() || reasons.write.is_some(), Ordering::Release);
    }
}

/// A whole-number property of a family, where RocksDB knows it.
pub(crate) fn number(db: &DB, family: Family, name: &properties::PropName) -> Option<u64> {
    db.property_int_value_cf(handle(db, family), name).ok().flatten()
}
