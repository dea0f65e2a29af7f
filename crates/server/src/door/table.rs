//! Where the door and an apply look rows up: the embedded ledger has them, on Kafka the changelog does.

use campanile_ledger::RowKey;
use campanile_model::ShardId;

pub trait Table: Send + Sync {
    /// Whether no process elsewhere may be adding rows at this moment.
    fn is_current(&self) -> bool;

    /// Durable rows whose key begins with `prefix` and lies after `after`, by key, at most `limit`.
    ///
    /// # Errors
    /// One sentence: the rows cannot be had now.
    fn scan(
        &self,
        shard: ShardId,
        prefix: &[u8],
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Vec<u8>)>, String>;
}

impl Table for campanile_ledger_rocks::Table {
    fn is_current(&self) -> bool {
        true
    }

    fn scan(
        &self,
        shard: ShardId,
        prefix: &[u8],
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Vec<u8>)>, String> {
        self.scan(shard, prefix, after, limit).map_err(|error| error.to_string())
    }
}

impl Table for campanile_ledger_kafka::Table {
    fn is_current(&self) -> bool {
        false
    }

    fn scan(
        &self,
        shard: ShardId,
        prefix: &[u8],
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Vec<u8>)>, String> {
        self.scan(shard, prefix, after, limit).map_err(|error| error.to_string())
    }
}
