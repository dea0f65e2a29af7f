//! `card` and `status`: what the ledger is, and where its shards stand.

use campanile_processor::ShardStatus;
use serde_json::{Value, json};

use super::Ports;
use super::serve::{Done, members};

pub(super) fn card(ports: &Ports) -> Done {
    let card = ports.card;
    members(json!({ "ledger": format!("{:016x}", card.ledger.0), "shards": card.shards, "format": card.format }))
}

pub(super) fn status(ports: &Ports) -> Done {
    members(json!({
        "shards": shown(ports.roles.status()),
        "notifier": shown(ports.roles.notifier_status()),
        "epoch": ports.feed.current_epoch().0,
        "failed": ports.roles.failed(),
    }))
}

fn shown(shards: Vec<ShardStatus>) -> Value {
    let show = |shard: ShardStatus| {
        json!({
            "shard": shard.shard,
            "committed_seq": shard.committed_seq,
            "next": shard.next,
            "now": shard.now.0,
            "epoch": shard.epoch.0,
            "halted": shard.halted,
        })
    };
    shards.into_iter().map(show).collect()
}
