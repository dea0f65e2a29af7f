//! `campanile.directory`: configuration objects keyed `<folder>/<id>`, as in `services/PAPIGW1`, an empty value taking one away. An apply is one
//! append that ends in the record `~epoch`.

use campanile_ledger::Record;
use campanile_model::Epoch;

/// Key of the record that ends an apply.
pub const EPOCH_KEY: &str = "~epoch";

pub fn epoch_record(epoch: Epoch) -> Record {
    Record::new(EPOCH_KEY, format!("{{\"v\":1,\"epoch\":{}}}", epoch.0))
}

/// The epoch that a value of [`EPOCH_KEY`] tells.
pub fn epoch(value: &[u8]) -> Option<Epoch> {
    let json: serde_json::Value = serde_json::from_slice(value).ok()?;
    json.get("epoch")?.as_u64().map(Epoch)
}
