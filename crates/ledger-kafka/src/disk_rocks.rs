//! The disk over RocksDB: a database per shard with two column families, and one block cache for all.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, Options, ReadOptions,
    WriteBatch,
};

use crate::disk::{Directory, Disk, DiskError, Space, Writing};
use crate::faults::{self, Point};

/// Block cache of all shards of a process together.
const CACHE_BYTES: usize = 64 << 20;

const ROWS: &str = "rows";

pub(crate) struct Rocks {
    cache: Cache,
}

impl Rocks {
    pub(crate) fn new() -> Self {
        Self { cache: Cache::new_lru_cache(CACHE_BYTES) }
    }
}

impl From<rocksdb::Error> for DiskError {
    fn from(error: rocksdb::Error) -> Self {
        let text = error.to_string();
        let is_held = text.contains("lock");
        Self { text, is_held }
    }
}

fn failure(path: &Path, error: &std::io::Error) -> DiskError {
    DiskError { text: format!("{}: {error}", path.display()), is_held: false }
}

impl Disk for Rocks {
    fn open(&self, path: &Path) -> Result<Box<dyn Directory>, DiskError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failure(parent, &error))?;
        }
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_max_background_jobs(2);
        options.set_max_total_wal_size(64 << 20);
        options.set_keep_log_file_num(2);
        let families = ["default", ROWS].map(|name| ColumnFamilyDescriptor::new(name, family(&self.cache)));
        Ok(Box::new(Database(DB::open_cf_descriptors(&options, path, families)?)))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        std::fs::rename(from, to).map_err(|error| failure(from, &error))
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        std::fs::remove_dir_all(path).map_err(|error| failure(path, &error))
    }
}

struct Database(DB);

impl Database {
    fn rows_family(&self) -> &ColumnFamily {
        self.0.cf_handle(ROWS).expect("the family is made when the directory is opened")
    }

    /// Only for the place C10 of the crash matrix, which random kills hardly ever meet.
    fn flush_and_compact(&self) {
        let family = self.rows_family();
        drop(self.0.flush_cf(family));
        self.0.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
    }
}

impl Directory for Database {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        Ok(match space {
            Space::Marks => self.0.get(key)?,
            Space::Rows => self.0.get_cf(self.rows_family(), key)?,
        })
    }

    fn rows(&self, keys: &mut dyn Iterator<Item = &[u8]>) -> Vec<Result<Option<Vec<u8>>, DiskError>> {
        let keys: Vec<&[u8]> = keys.collect();
        let found = self.0.batched_multi_get_cf(self.rows_family(), keys, true);
        found.into_iter().map(|value| Ok(value?.map(|value| value.to_vec()))).collect()
    }

    fn scan(&self, from: &[u8], take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DiskError> {
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        let mut iterator = self.0.raw_iterator_cf_opt(self.rows_family(), options);
        iterator.seek(from);
        while let Some((key, value)) = iterator.item() {
            if !take(key, value) {
                break;
            }
            iterator.next();
        }
        Ok(iterator.status()?)
    }

    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writing)) -> Result<(), DiskError> {
        let mut batch = Batch { batch: WriteBatch::default(), rows: self.rows_family() };
        fill(&mut batch);
        let written = self.0.write(batch.batch);
        faults::tear(self.0.path());
        faults::reach(Point::Written);
        faults::reach_compacting(|| self.flush_and_compact());
        Ok(written?)
    }
}

struct Batch<'a> {
    batch: WriteBatch,
    rows: &'a ColumnFamily,
}

impl Writing for Batch<'_> {
    fn put(&mut self, space: Space, key: &[u8], value: &[u8]) {
        match space {
            Space::Marks => self.batch.put(key, value),
            Space::Rows => self.batch.put_cf(self.rows, key, value),
        }
    }

    fn delete(&mut self, space: Space, key: &[u8]) {
        match space {
            Space::Marks => self.batch.delete(key),
            Space::Rows => self.batch.delete_cf(self.rows, key),
        }
    }
}

fn family(cache: &Cache) -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(16 << 20);
    options.set_max_write_buffer_number(3);
    options.set_compression_type(DBCompressionType::Lz4);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_block_size(8 << 10);
    table.set_bloom_filter(10.0, false);
    table.set_format_version(6);
    options.set_block_based_table_factory(&table);
    options
}
