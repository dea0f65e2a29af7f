//! The auditor: every ten seconds it asks of each open incident's ladder whether it will go on by itself. It reads rows
//! and timers as they are stored, so it also finds what a bug of the ledger, or of a version before, has lost.

use std::time::Duration;

use ahash::AHashMap;
use campanile_escalation::{Timer, TimerKind, has_a_future};
use campanile_ledger::{RowKey, Shard, Stop};
use campanile_model::{IncidentId, Timestamp};
use campanile_rows as rows;
use campanile_rows::keys::Kind;

/// Time between two passes over a shard.
pub(crate) const EVERY: Duration = Duration::from_secs(10);
/// Rows read in one go.
const CHUNK: usize = 1000;

/// What a pass found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) waiting: usize,
    pub(crate) resting: usize,
    pub(crate) stranded: Vec<IncidentId>,
}

/// One pass over a shard, between two batches.
pub(crate) fn pass(stored: &mut dyn Shard) -> Result<Found, Stop> {
    let mut armed: AHashMap<u128, Timestamp> = AHashMap::new();
    for (due, key) in stored.timers(Timestamp::MAX, usize::MAX)? {
        if key.kind == TimerKind::Ladder.number() {
            armed.insert(key.object, due);
        }
    }
    let mut found = Found::default();
    each_row(stored, Kind::Ladder, |_, value| {
        let ladder = rows::ladder::decode(value)?;
        let at = armed.get(&Timer::ladder(ladder.incident).object).copied();
        match (has_a_future(&ladder, at), ladder.stage.waits()) {
            (true, true) => found.waiting += 1,
            (true, false) => found.resting += 1,
            (false, _) => found.stranded.push(ladder.incident),
        }
        Ok(())
    })?;
    Ok(found)
}

/// Shows every stored row of a kind.
pub(crate) fn each_row(
    stored: &mut dyn Shard,
    kind: Kind,
    mut show: impl FnMut(RowKey, &[u8]) -> Result<(), rows::RowError>,
) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let chunk = stored.scan(&kind.bytes(), after, CHUNK)?;
        for (key, value) in &chunk {
            show(*key, value).map_err(|error| Stop::Damaged(format!("row {key:?}: {error}")))?;
        }
        if chunk.len() < CHUNK {
            return Ok(());
        }
        after = chunk.last().map(|(key, _)| *key);
    }
}
