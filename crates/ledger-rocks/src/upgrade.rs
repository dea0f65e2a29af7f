//! Bringing an older data directory to the format of this program, once, when it is opened.
//!
//! From 1 to 2: large rows move to a family of their own. Packed groups need nothing, for plain ones are still read.

use campanile_ledger::batch::LARGE_KINDS;
use rocksdb::{DB, ReadOptions, WriteBatch};

use crate::format::{self, CARD_KEY};
use crate::log::handle;
use crate::tuning::Family;

/// Rows of one write.
const ROWS: usize = 1000;

/// Moves the large rows of every shard, and then writes the card that says so. Cut off in between, it goes on at the
/// next opening: a row that was moved is not found again.
pub(crate) fn from_1(db: &DB, shards: u16, card: &str) -> Result<u64, rocksdb::Error> {
    let mut moved = 0;
    for shard in 0..shards {
        for kind in LARGE_KINDS {
            while let rows @ 1.. = move_some(db, shard, kind)? {
                moved += rows;
            }
        }
    }
    db.put_cf(handle(db, Family::Meta), CARD_KEY, card)?;
    db.flush_wal(true)?;
    Ok(moved)
}

fn move_some(db: &DB, shard: u16, kind: [u8; 2]) -> Result<u64, rocksdb::Error> {
    let (rows, large) = (handle(db, Family::Rows), handle(db, Family::LargeRows));
    let (from, until) = format::kind_range(shard, kind);
    let mut options = ReadOptions::default();
    options.set_total_order_seek(true);
    options.set_iterate_upper_bound(until);
    let mut iterator = db.raw_iterator_cf_opt(rows, options);
    iterator.seek(from);
    let mut batch = WriteBatch::default();
    let mut count = 0;
    while count < ROWS
        && let Some((key, value)) = iterator.item()
    {
        batch.put_cf(large, key, value);
        batch.delete_cf(rows, key);
        count += 1;
        iterator.next();
    }
    iterator.status()?;
    db.write(batch)?;
    Ok(count as u64)
}
