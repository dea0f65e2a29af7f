//! `card` and `status`: what the ledger is, and where its shards stand.

use serde_json::{Value, json};

use super::Ports;
use super::serve::{Done, members};

pub(super) fn card(ports: &Ports) -> Done {
    let card = ports.card;
    members(json!({ "ledger": format!("{:016x}", card.ledger.0), "shards": card.shards, "format": card.format }))
}

pub(super) fn status(ports: &Ports) -> Done {
    let shards: Vec<Value> = ports
        .roles
        .status()
        .into_iter()
        .map(|shard| {
            json!({
                "shard": shard.shard,
                "committed_seq": shard.committed_seq,
                "next": shard.next,
                "now": shard.now.0,
                "epoch": shard.epoch.0,
                "halted": shard.halted,
            })
        })
        .collect();
    members(json!({
        "shards": shards,
        "epoch": ports.feed.current_epoch().0,
        "failed": ports.roles.failed(),
    }))
}
