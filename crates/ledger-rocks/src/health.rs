//! Figures for metrics and for people.

use std::sync::atomic::Ordering;

use rocksdb::properties;

use crate::core::Core;
use crate::log::handle;
use crate::tuning::Family;
use crate::watch::number;

/// How the ledger does, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Most files on level 0 of any family. RocksDB slows writes at 20 and stops them at 36.
    pub l0_files: u64,
    /// Bytes in memtables of all families, flushed or not.
    pub memtable_bytes: u64,
    /// Full memtables that wait to be flushed.
    pub memtables_waiting: u64,
    /// Bytes that compaction is behind, estimated.
    pub compaction_pending_bytes: u64,
    pub compactions_running: u64,
    pub is_write_stopped: bool,
    /// Bytes a second that RocksDB lets through while it slows writes; 0 while it does not.
    pub delayed_write_rate: u64,
    /// Flushes and compactions that failed since the database was opened.
    pub background_errors: u64,
    pub sst_bytes: u64,
    pub blob_bytes: u64,
    pub block_cache_bytes: u64,
    pub disk_free_bytes: u64,
    /// Why nothing is appended or committed now, if so. It goes on by itself.
    pub halted: Option<String>,
    /// Shards do not read, so that RocksDB catches up.
    pub is_pressed: bool,
    pub syncs: SyncFigures,
}

/// Syncs since the ledger was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncFigures {
    pub count: u64,
    pub total_us: u64,
    /// How many took less than 2^n microseconds and not less than 2^(n-1); the last one takes all longer ones.
    pub buckets: [u64; 24],
}

pub(crate) fn of(core: &Core) -> Health {
    let each = |name| Family::ALL.into_iter().filter_map(move |family| number(&core.db, family, name));
    let whole = |name| number(&core.db, Family::Meta, name).unwrap_or(0);
    let blob_bytes = Family::ALL.into_iter().filter_map(|family| {
        core.db.property_int_value_cf(handle(&core.db, family), "rocksdb.live-blob-file-size").ok().flatten()
    });
    let level_0 = properties::num_files_at_level(0);
    let syncs = &core.durability.syncs;
    Health {
        l0_files: each(&level_0).max().unwrap_or(0),
        memtable_bytes: each(properties::CUR_SIZE_ALL_MEM_TABLES).sum(),
        memtables_waiting: each(properties::NUM_IMMUTABLE_MEM_TABLE).sum(),
        compaction_pending_bytes: each(properties::ESTIMATE_PENDING_COMPACTION_BYTES).sum(),
        compactions_running: whole(properties::NUM_RUNNING_COMPACTIONS),
        is_write_stopped: whole(properties::IS_WRITE_STOPPED) > 0,
        delayed_write_rate: whole(properties::ACTUAL_DELAYED_WRITE_RATE),
        background_errors: whole(properties::BACKGROUND_ERRORS),
        sst_bytes: each(properties::LIVE_SST_FILES_SIZE).sum(),
        blob_bytes: blob_bytes.sum(),
        block_cache_bytes: core.cache.get_usage() as u64,
        disk_free_bytes: core.watch.free(),
        halted: core.watch.damaged().or_else(|| core.watch.halted()),
        is_pressed: core.watch.is_pressed(),
        syncs: SyncFigures {
            count: syncs.count.load(Ordering::Relaxed),
            total_us: syncs.total_us.load(Ordering::Relaxed),
            buckets: syncs.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed)),
        },
    }
}
