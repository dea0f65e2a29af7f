//! Rows of every shard as the changelog has them: for people and for applies, never for judging.
//!
//! The processors hold the same rows on their own disks. Nobody else can ask those, so whoever only wants to look reads the
//! changelog, which is the truth of them, and keeps what was asked for.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_ledger::RowKey;
use campanile_model::ShardId;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::commit_record::{Subject, subject};
use crate::native::{self, Event};
use crate::options::Options;
use crate::topics::{Names, TopicsError, unreachable};

const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// A read that hears nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(20);

/// Rows of one shard under one prefix, as far as they were read.
#[derive(Default)]
struct View {
    next: u64,
    rows: BTreeMap<RowKey, Vec<u8>>,
}

/// The committed rows of a ledger, read from its changelog.
pub struct Table {
    options: Options,
    names: Names,
    views: Mutex<HashMap<(ShardId, Vec<u8>), View>>,
}

impl Table {
    pub(crate) fn new(options: Options, names: Names) -> Self {
        Self { options, names, views: Mutex::default() }
    }

    /// Committed rows whose key begins with `prefix` and lies after `after`, by key, at most `limit`. A first page is of
    /// this moment; the pages behind it are of the moment of the first. Rows under the prefix are kept in memory.
    ///
    /// # Errors
    /// The cluster is out of reach.
    pub fn scan(
        &self,
        shard: ShardId,
        prefix: &[u8],
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Vec<u8>)>, TopicsError> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let view = views.entry((shard, prefix.to_vec())).or_default();
        if after.is_none() || view.next == 0 {
            self.read_on(shard, prefix, view)?;
        }
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = view.rows.range((from, Bound::Unbounded)).take(limit);
        Ok(rows.map(|(key, value)| (*key, value.clone())).collect())
    }

    /// Brings the view to the end of what is committed now.
    fn read_on(&self, shard: ShardId, prefix: &[u8], view: &mut View) -> Result<(), TopicsError> {
        let fail = |error: &_| unreachable(&self.options, error);
        let consumer: BaseConsumer = self.options.reader(0).create().map_err(|error| fail(&error))?;
        let (topic, partition) = (&self.names.changelog, i32::from(shard.0));
        // Read committed, so this is the end of the last transaction that is over.
        let (start, end) = consumer.fetch_watermarks(topic, partition, ANSWER_WAIT).map_err(|error| fail(&error))?;
        let (start, end) = (start.max(0) as u64, end.max(0) as u64);
        let from = view.next.max(start);
        if from >= end {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        let assigned = list.add_partition_offset(topic, partition, Offset::Offset(from as i64));
        assigned.and_then(|()| consumer.assign(&list)).map_err(|error| fail(&error))?;
        let mut heard_at = Instant::now();
        loop {
            match native::poll(&consumer, Duration::from_millis(100)) {
                Some(Event::Record { stored, is_tombstone, .. }) if stored.offset < end => {
                    heard_at = Instant::now();
                    let key = stored.record.key.as_deref().unwrap_or_default();
                    match subject(key) {
                        Some(Subject::Row(row)) if row.0.starts_with(prefix) => {
                            if is_tombstone {
                                view.rows.remove(&row);
                            } else {
                                view.rows.insert(row, stored.record.value.to_vec());
                            }
                        }
                        _ => {}
                    }
                }
                Some(Event::Record { .. }) => break,
                // Markers take offsets too, so the end is told by this and never by counting.
                Some(Event::End { offset, .. }) if offset >= end => break,
                Some(Event::Failed { reason, .. }) => return Err(self.broken(reason)),
                Some(Event::End { .. }) | None if heard_at.elapsed() > SILENCE => {
                    return Err(self.broken("the changelog could not be read to its end".to_owned()));
                }
                Some(Event::End { .. }) | None => {}
            }
        }
        // Only now: a read that failed half way begins again where it began, and reading a row twice changes nothing.
        view.next = end;
        Ok(())
    }

    fn broken(&self, reason: String) -> TopicsError {
        TopicsError::Unreachable { brokers: self.options.brokers.clone(), reason }
    }
}
