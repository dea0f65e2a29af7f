//! Reading lanes from the model broker. What a reader knows of the log may be older than the log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use campanile_ledger::{Lane, Stored};
use campanile_ledger_kafka::Pulse;
use campanile_ledger_kafka::wire::Reader;

use crate::broker::at;
use crate::schedule::lock;
use crate::wire::{Network, stored};

/// How often, in a hundred, a look fetches anew.
const FETCHES: u8 = 75;
/// How often, in a hundred, it brings only a part.
const PARTS: u8 = 30;

#[derive(Clone, Copy)]
struct Cursor {
    next: u64,
    /// The end as it was last told.
    end: Option<u64>,
}

pub(crate) struct ModelReader {
    network: Network,
    lane: Lane,
    pulse: Arc<Pulse>,
    cursors: Mutex<BTreeMap<u16, Cursor>>,
}

impl ModelReader {
    pub(crate) fn new(network: Network, lane: Lane, pulse: Arc<Pulse>) -> Self {
        let mut broker = at(&network.cluster);
        if lane == Lane::Main {
            broker.pulses.push((Arc::clone(&network.life), Arc::clone(&pulse)));
        }
        drop(broker);
        Self { network, lane, pulse, cursors: Mutex::default() }
    }
}

impl Reader for ModelReader {
    fn assign(&self, shard: u16, offset: u64) {
        lock(&self.cursors).insert(shard, Cursor { next: offset, end: None });
    }

    fn release(&self, shard: u16) {
        lock(&self.cursors).remove(&shard);
    }

    fn take(&self, shard: u16, max: usize, into: &mut VecDeque<Stored>) -> Result<Option<u64>, String> {
        let mut cursors = lock(&self.cursors);
        let Some(cursor) = cursors.get_mut(&shard) else { return Ok(None) };
        let shared = &self.network.shared;
        let mut broker = at(&self.network.cluster);
        let is_cut = broker.is_cut(self.network.life.process);
        let log = broker.lane(self.lane, shard);
        if cursor.next > log.next || cursor.next < log.start {
            return Err(format!("offset {} is out of range, {}..{}", cursor.next, log.start, log.next));
        }
        if !is_cut && (cursor.end.is_none() || shared.percent(FETCHES)) {
            cursor.end = Some(log.stable_end());
        }
        let Some(end) = cursor.end else { return Ok(None) };
        let most = if shared.percent(PARTS) { shared.below(4) } else { max };
        let read: Vec<Stored> = log.committed(cursor.next, end).take(most.min(max)).filter_map(stored).collect();
        let is_all = log.committed(cursor.next, end).nth(read.len()).is_none();
        drop(broker);
        cursor.next = if is_all { end.max(cursor.next) } else { read.last().map_or(cursor.next, |it| it.offset + 1) };
        for it in &read {
            self.pulse.saw(it.at);
        }
        into.extend(read);
        if !is_all {
            // The rest is there already; without a beat nobody would come back for it.
            self.pulse.beat();
        }
        Ok(is_all.then_some(end))
    }
}
