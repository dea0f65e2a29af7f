//! `campanile.commands`: what people and the notifier ask, keyed by incident id.
//!
//! `{"v":1,"id":"…","actor":{"type":"user_reference","id":"…"},"incident":"Q…","verb":"acknowledge","revision":3}`;
//! `set_priority` takes `"priority"` (id, name or null), `set_urgency` `"urgency"`, `set_title` `"title"`.

use campanile_model::text::longer_than;
use campanile_model::{Actor, Command, CommandId, Urgency, Verb};
use compact_str::CompactString;
use serde::Deserialize;

use crate::json::Object;

/// Longest command id and actor id, in characters: an id is kept for a day, so it must be short.
pub const ID_CHARS_MAX: usize = 128;

#[derive(Deserialize)]
struct Wire {
    v: u32,
    id: String,
    actor: WireActor,
    incident: String,
    verb: String,
    revision: Option<u64>,
    #[serde(default)]
    priority: Option<String>,
    urgency: Option<String>,
    title: Option<String>,
}

#[derive(Deserialize)]
struct WireActor {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// Reads a command.
///
/// Errors: one sentence that says what is wrong and what is allowed.
pub fn decode(bytes: &[u8]) -> Result<Command, String> {
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| format!("not a command: {error}"))?;
    if wire.v != 1 {
        return Err(format!("command version {} is not known, expected 1", wire.v));
    }
    for (name, text) in [("id", &wire.id), ("actor.id", &wire.actor.id), ("actor.type", &wire.actor.kind)] {
        if text.is_empty() || longer_than(text, ID_CHARS_MAX) {
            return Err(format!("{name} must have 1 to {ID_CHARS_MAX} characters"));
        }
    }
    let verb = match wire.verb.as_str() {
        "acknowledge" => Verb::Acknowledge,
        "resolve" => Verb::Resolve,
        "set_priority" => Verb::SetPriority(wire.priority.map(CompactString::from)),
        "set_urgency" => {
            let urgency = wire.urgency.as_deref().and_then(Urgency::parse);
            Verb::SetUrgency(urgency.ok_or("set_urgency needs \"urgency\": \"high\" or \"low\"")?)
        }
        "set_title" => Verb::SetTitle(wire.title.ok_or("set_title needs \"title\"")?),
        other => {
            return Err(format!(
                "verb {other:?} is not known; expected acknowledge, resolve, set_priority, set_urgency or set_title"
            ));
        }
    };
    Ok(Command {
        id: CommandId::new(wire.id),
        actor: Actor { kind: wire.actor.kind.into(), id: wire.actor.id.into() },
        incident: wire.incident.parse().map_err(|error: campanile_model::IdError| error.to_string())?,
        verb,
        revision: wire.revision,
    })
}

pub fn encode(command: &Command) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    let mut o = Object::open(&mut out);
    o.plain("v", 1);
    o.text("id", command.id.as_str());
    o.object("actor", |o| {
        o.text("type", &command.actor.kind);
        o.text("id", &command.actor.id);
    });
    o.quoted("incident", command.incident);
    o.text("verb", command.verb.as_str());
    if let Some(revision) = command.revision {
        o.plain("revision", revision);
    }
    match &command.verb {
        Verb::Acknowledge | Verb::Resolve => {}
        Verb::SetPriority(priority) => o.text_or_null("priority", priority.as_deref()),
        Verb::SetUrgency(urgency) => o.text("urgency", urgency.as_str()),
        Verb::SetTitle(title) => o.text("title", title),
    }
    o.close();
    out
}
