//! Series of the embedded ledger and of the RocksDB beneath it.

use super::{Kind, Metric, SECONDS_BUCKETS, SHARD, TOPIC, Unit};

/// One flush of the log to the disk.
pub static LEDGER_SYNC_DURATION_SECONDS: Metric = Metric {
    name: "campanile_ledger_sync_duration_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[],
    buckets: SECONDS_BUCKETS,
    meaning: "Time of one flush to the disk. Every answer and every commit waits for one.",
    remedy: "The disk is slow, shared or failing. Move the data directory to a local SSD.",
};

/// Flushes of the log.
pub static LEDGER_SYNCS_TOTAL: Metric = Metric {
    name: "campanile_ledger_syncs_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "One flush to the disk; under load one serves many appends and commits.",
    remedy: "Nothing by itself.",
};

/// One record appended from outside.
pub static LEDGER_APPENDS_TOTAL: Metric = Metric {
    name: "campanile_ledger_appends_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[TOPIC],
    buckets: &[],
    meaning: "One record appended to a topic, commits excluded.",
    remedy: "Follows what senders and people do.",
};

/// Bytes appended from outside.
pub static LEDGER_APPEND_BYTES_TOTAL: Metric = Metric {
    name: "campanile_ledger_append_bytes_total",
    kind: Kind::Counter,
    unit: Unit::Bytes,
    labels: &[TOPIC],
    buckets: &[],
    meaning: "Bytes of keys, headers and values appended to a topic, commits excluded.",
    remedy: "Times the retention it is the disk that a topic needs.",
};

/// Free space beside the data.
pub static LEDGER_FREE_BYTES: Metric = Metric {
    name: "campanile_ledger_free_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    buckets: &[],
    meaning: "Space that is free on the file system of the data directory.",
    remedy: "Worry when it falls: at the floor input stops, nothing is lost, and it goes on when there is space.",
};

/// Whether the ledger takes no input.
pub static LEDGER_HALTED: Metric = Metric {
    name: "campanile_ledger_halted",
    kind: Kind::Gauge,
    unit: Unit::Flag,
    labels: &[],
    buckets: &[],
    meaning: "1 while the ledger takes no input: the disk is full or refuses writes. Senders get 503 and retry.",
    remedy: "`/health/ready` says why. Free space, or mend the disk; it goes on by itself.",
};

/// Files that wait on level 0.
pub static ROCKSDB_L0_FILES: Metric = Metric {
    name: "campanile_rocksdb_l0_files",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Files on level 0 that wait for compaction.",
    remedy: "Near 16 reading stops so that commits ebb, at 20 RocksDB slows writes. Compaction needs a faster disk or \
             a free core.",
};

/// Memory of memtables.
pub static ROCKSDB_MEMTABLE_BYTES: Metric = Metric {
    name: "campanile_rocksdb_memtable_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    buckets: &[],
    meaning: "Memory of memtables, those that wait to be flushed included.",
    remedy: "Bounded. If it stays at its bound, flushing does not keep up with the disk.",
};

/// Compaction that is owed.
pub static ROCKSDB_PENDING_COMPACTION_BYTES: Metric = Metric {
    name: "campanile_rocksdb_pending_compaction_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    buckets: &[],
    meaning: "Estimate of the bytes that compaction still has to rewrite.",
    remedy: "Should fall between bursts. If it never does, the disk is too slow for the load.",
};

/// Whether writes are stopped.
pub static ROCKSDB_WRITE_STOPPED: Metric = Metric {
    name: "campanile_rocksdb_write_stopped",
    kind: Kind::Gauge,
    unit: Unit::Flag,
    labels: &[],
    buckets: &[],
    meaning: "1 while RocksDB lets no write through until compaction has caught up.",
    remedy: "Appends and commits wait meanwhile. See `campanile_rocksdb_l0_files` and the disk.",
};

/// The rate that writes are held to.
pub static ROCKSDB_DELAYED_WRITE_RATE: Metric = Metric {
    name: "campanile_rocksdb_delayed_write_rate",
    kind: Kind::Gauge,
    unit: Unit::BytesPerSecond,
    labels: &[],
    buckets: &[],
    meaning: "Rate that RocksDB holds writes to while compaction is behind; 0 when it does not.",
    remedy: "Above 0 the disk is at its limit. See `campanile_rocksdb_pending_compaction_bytes`.",
};

/// Bytes in sorted tables.
pub static ROCKSDB_SST_BYTES: Metric = Metric {
    name: "campanile_rocksdb_sst_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    buckets: &[],
    meaning: "Bytes of sorted tables on the disk.",
    remedy: "Grows with open alerts and retention. Shorten retention if the disk is small.",
};

/// Bytes in blob files.
pub static ROCKSDB_BLOB_BYTES: Metric = Metric {
    name: "campanile_rocksdb_blob_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    buckets: &[],
    meaning: "Bytes of blob files on the disk, where larger values lie.",
    remedy: "Mostly the bodies of events; retention bounds it.",
};

/// Memory of the block cache.
pub static ROCKSDB_BLOCK_CACHE_BYTES: Metric = Metric {
    name: "campanile_rocksdb_block_cache_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    buckets: &[],
    meaning: "Memory that the block cache, shared by all families, uses.",
    remedy: "Bounded; it fills and stays.",
};

/// Compactions under way.
pub static ROCKSDB_RUNNING_COMPACTIONS: Metric = Metric {
    name: "campanile_rocksdb_running_compactions",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Compactions that are running now.",
    remedy: "Nothing by itself.",
};

/// Errors of RocksDB's background work.
pub static ROCKSDB_BACKGROUND_ERRORS: Metric = Metric {
    name: "campanile_rocksdb_background_errors",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Errors of flushes and compactions since the database was opened.",
    remedy: "The disk is full or failing; `campanile_ledger_halted` follows. Look at the kernel's log.",
};

/// A restore on its way.
pub static RESTORE_LEFT_RECORDS: Metric = Metric {
    name: "campanile_restore_left_records",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[SHARD],
    buckets: &[],
    meaning: "On Kafka: changelog offsets that a shard's restore has yet to read; 0 when none is on its way. The shard \
              judges nothing before.",
    remedy: "Keep the data directory between restarts: a restore then reads only the end. See also the seconds left.",
};

/// How long a restore takes yet.
pub static RESTORE_LEFT_SECONDS: Metric = Metric {
    name: "campanile_restore_left_seconds",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    labels: &[SHARD],
    buckets: &[],
    meaning: "On Kafka: how long a shard's restore takes yet, at its pace so far; 0 when none is on its way.",
    remedy: "Wait. If it does not fall, the cluster or the disk is slow.",
};

/// A shard that a person must look at.
pub static SHARD_REFUSED: Metric = Metric {
    name: "campanile_shard_refused",
    kind: Kind::Gauge,
    unit: Unit::Flag,
    labels: &[SHARD],
    buckets: &[],
    meaning: "On Kafka: 1 while a shard of this process is not opened because its changelog and its offsets disagree.",
    remedy: "Its events wait and nobody is told. The log says why; docs/operating/kafka.md says what to do.",
};

pub(super) static LEDGER: &[&Metric] = &[
    &LEDGER_SYNC_DURATION_SECONDS,
    &LEDGER_SYNCS_TOTAL,
    &LEDGER_APPENDS_TOTAL,
    &LEDGER_APPEND_BYTES_TOTAL,
    &LEDGER_FREE_BYTES,
    &LEDGER_HALTED,
    &RESTORE_LEFT_RECORDS,
    &RESTORE_LEFT_SECONDS,
    &SHARD_REFUSED,
];

pub(super) static ROCKSDB: &[&Metric] = &[
    &ROCKSDB_L0_FILES,
    &ROCKSDB_MEMTABLE_BYTES,
    &ROCKSDB_PENDING_COMPACTION_BYTES,
    &ROCKSDB_WRITE_STOPPED,
    &ROCKSDB_DELAYED_WRITE_RATE,
    &ROCKSDB_SST_BYTES,
    &ROCKSDB_BLOB_BYTES,
    &ROCKSDB_BLOCK_CACHE_BYTES,
    &ROCKSDB_RUNNING_COMPACTIONS,
    &ROCKSDB_BACKGROUND_ERRORS,
];
