//! What senders and people put on the topics.

use campanile_ledger::Record;
use serde_json::json;

use crate::organisation::ROUTING_KEYS;

/// An event as a producer would send it; every fourth action is one that makes no sense.
pub(crate) fn event(service: u8, key: u8, action: u8) -> Record {
    let routing_key = ROUTING_KEYS[usize::from(service) % ROUTING_KEYS.len()];
    let action = ["trigger", "acknowledge", "resolve", "shout"][usize::from(action) % 4];
    let mut event = json!({"routing_key": routing_key, "event_action": action, "dedup_key": format!("key-{key}")});
    if action == "trigger" {
        event["payload"] = json!({"summary": format!("trouble {key}"), "source": "host", "severity": "error"});
    }
    Record::new(routing_key.to_owned(), event.to_string())
}

/// A person's wish about an incident. The same `id` twice is the same command, sent again.
pub(crate) fn command(incident: &str, verb: u8, id: u16) -> Record {
    let mut command = json!({"v": 1, "id": format!("command-{id}"), "incident": incident,
        "actor": {"type": "user_reference", "id": "PU"}});
    match verb % 4 {
        0 | 1 => command["verb"] = json!("acknowledge"),
        2 => command["verb"] = json!("resolve"),
        _ => {
            command["verb"] = json!("set_title");
            command["title"] = json!(format!("title {id}"));
        }
    }
    Record::new(incident.to_owned(), command.to_string())
}
