//! RocksDB's settings, all in one place.

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Options, WriteBufferManager,
};

/// Families. Inputs and outputs are kept apart because they are kept for different times, and a blob file goes only
/// when all that is in it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Card, commit records, starts and marks of partitions, and the directory's log, which is never trimmed.
    Meta,
    Inputs,
    Outputs,
    /// Rows that change at every repeat.
    Rows,
    /// Rows that are large and seldom rewritten. Apart, so that a memtable of the others holds many more of them, and
    /// takes in more changes of each before it is flushed.
    LargeRows,
    Timers,
}

impl Family {
    pub(crate) const ALL: [Self; 6] =
        [Self::Meta, Self::Inputs, Self::Outputs, Self::Rows, Self::LargeRows, Self::Timers];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "default",
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Rows => "rows",
            Self::LargeRows => "large-rows",
            Self::Timers => "timers",
        }
    }

    /// Size of one memtable, and how many there may be.
    const fn memtables(self) -> (usize, i32) {
        match self {
            Self::Meta => (8 * MIB, 3),
            Self::Inputs | Self::Rows => (64 * MIB, 3),
            Self::Outputs | Self::LargeRows => (32 * MIB, 3),
            Self::Timers => (16 * MIB, 3),
        }
    }
}

const MIB: usize = 1 << 20;

/// All memtables together. Above it the oldest are flushed.
const MEMTABLES_BYTES: usize = 320 * MIB;

/// Log files are flushed away above this, which bounds recovery to a few seconds.
const WAL_BYTES_MAX: u64 = 512 << 20;

/// Values below this lie in the sorted tables: a blob file would cost more than it saves.
const BLOB_BYTES_MIN: u64 = 256;

const BLOB_FILE_BYTES: u64 = 128 << 20;

/// Files on level 0 at which RocksDB slows writes. Its default.
pub(crate) const L0_SLOWDOWN: u64 = 20;

/// Files on level 0 at which reading stops, so that commits ebb before appends are slowed.
pub(crate) const L0_PRESSED: u64 = L0_SLOWDOWN - 4;

/// Full memtables of one family at which reading stops: one more, and every write would wait.
pub(crate) const MEMTABLES_PRESSED: u64 = 2;

pub(crate) fn database() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_track_and_verify_wals_in_manifest(true);
    // The end of the log may be torn by a crash; what is before it must be whole. What was confirmed is noted apart.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // One syncer flushes and syncs for everybody.
    options.set_manual_wal_flush(true);
    options.set_max_total_wal_size(WAL_BYTES_MAX);
    options.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager(MEMTABLES_BYTES, false));
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(MIB as u64);
    options.set_max_open_files(-1);
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(16 * MIB);
    options
}

/// Settings per family. `cache` is shared by all.
pub(crate) fn families(cache: &Cache) -> Vec<ColumnFamilyDescriptor> {
    Family::ALL.into_iter().map(|family| ColumnFamilyDescriptor::new(family.name(), settings(family, cache))).collect()
}

fn settings(family: Family, cache: &Cache) -> Options {
    let mut options = Options::default();
    let (memtable, memtables) = family.memtables();
    options.set_write_buffer_size(memtable);
    options.set_max_write_buffer_number(memtables);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_level_zero_slowdown_writes_trigger(L0_SLOWDOWN as i32);
    options.set_level_zero_stop_writes_trigger(36);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    // Indexes and filters stay with their open tables, some two bytes a row: looked up in the cache, they cost more than the
    // search in them.
    table.set_cache_index_and_filter_blocks(false);
    table.set_format_version(6);
    match family {
        Family::Rows | Family::LargeRows | Family::Timers => {
            table.set_block_size(8 << 10);
            table.set_bloom_filter(10.0, false);
            table.set_whole_key_filtering(true);
            table.set_optimize_filters_for_memory(true);
            options.set_memtable_whole_key_filtering(true);
            // Some twenty bits a row. Larger, a filter falls out of the processor's cache.
            options.set_memtable_prefix_bloom_ratio(if family == Family::LargeRows { 0.004 } else { 0.02 });
            // Young levels are rewritten soon, and rows of hashes and counters hardly shrink: compressing them was a tenth
            // of all time under load.
            options.set_compression_per_level(&[
                DBCompressionType::None,
                DBCompressionType::None,
                DBCompressionType::Lz4,
                DBCompressionType::Lz4,
                DBCompressionType::Lz4,
                DBCompressionType::Lz4,
                DBCompressionType::Lz4,
            ]);
            if family == Family::LargeRows {
                // They are looked up seldom and by whole key, so that more tables on level 0 cost little, and merging them
                // less often saves much. Below the number at which reading stops.
                options.set_level_zero_file_num_compaction_trigger(10);
                // One by one they compress badly.
                separate_values(&mut options);
                // The oldest tenth is moved on when it is met: where few of its values live, that is cheap; where all do,
                // it is the price of finding out.
                options.set_enable_blob_gc(true);
                options.set_blob_gc_age_cutoff(0.1);
                options.set_blob_gc_force_threshold(0.5);
            }
        }
        Family::Inputs | Family::Outputs => {
            table.set_block_size(16 << 10);
            // Groups come packed.
            separate_values(&mut options);
        }
        Family::Meta => {}
    }
    options.set_block_based_table_factory(&table);
    options
}

/// Large values go to files of their own. In the log they are never moved: its files go whole when they are trimmed, and
/// moving what is old but alive was a tenth of a drain.
fn separate_values(options: &mut Options) {
    options.set_enable_blob_files(true);
    options.set_min_blob_size(BLOB_BYTES_MIN);
    options.set_blob_file_size(BLOB_FILE_BYTES);
    options.set_blob_compression_type(DBCompressionType::None);
}
