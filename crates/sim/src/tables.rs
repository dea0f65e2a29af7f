//! Rows back into the machine's own state, so that its laws can be asked of them.

use std::collections::BTreeMap;

use campanile_ledger::{Card, RowKey};
use campanile_model::ShardId;
use campanile_rows as rows;
use campanile_triage::{Ids, State, Want, invariants};

/// Whether the laws of triage hold of a shard's whole table.
pub(crate) fn hold(card: Card, shard: ShardId, table: &BTreeMap<RowKey, Vec<u8>>) -> Result<(), String> {
    let mut state = State::remembering(Ids { ledger: card.ledger, shard, serial: 0 }, 1 << 20);
    for (key, value) in table {
        load(&mut state, key, value)?;
    }
    invariants::all(&state).map_err(|breach| format!("shard {shard}: {}", breach.0))
}

fn load(state: &mut State, key: &RowKey, value: &[u8]) -> Result<(), String> {
    let text = |error: rows::RowError| error.to_string();
    match rows::keys::read(&key.0).ok_or_else(|| format!("row {key:?} is of no known kind"))? {
        Want::Alert(key) => state.alerts.load(key, Some(rows::alert::decode(value).map_err(text)?)),
        Want::Details(key) => state.details.load(key, Some(rows::details::decode(value).map_err(text)?)),
        Want::Incident(key) => state.incidents.load(key, Some(rows::incident::decode(value).map_err(text)?)),
        Want::Group(key) => state.groups.load(key, Some(rows::group::decode(value).map_err(text)?)),
        Want::Members(key) => state.members.load(key, Some(rows::members::decode(value).map_err(text)?)),
        Want::Answer(key) => state.answers.load(key, Some(rows::answer::decode(value).map_err(text)?)),
    }
    Ok(())
}
