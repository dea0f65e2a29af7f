//! `campanile.commands`: what people and the notifier ask, keyed by incident id.
//!
//! `{"v":1,"id":"…","actor":{"type":"user_reference","id":"…"},"incident":"Q…","verb":"acknowledge","revision":3}`;
//! `set_priority` takes `"priority"` (id, name or null), `set_urgency` `"urgency"`, `set_title` `"title"`; `escalate` takes
//! `"level"`, from 1, or goes to the next; `reassign` `"assignees"` or `"escalation_policy"`; `snooze` `"duration"` in
//! seconds; `merge` `"sources"`; `note` `"content"`. The notifier's own `escalate` has `"assignees"` and `"lap"` as well.

use campanile_model::command::{ASSIGNEES_MAX, MERGE_SOURCES_MAX};
use campanile_model::text::longer_than;
use campanile_model::{
    Actor, Command, CommandId, Heir, IdError, IncidentId, PolicyId, Span, Step, Urgency, UserId, Verb,
};
use compact_str::CompactString;
use serde::Deserialize;

use crate::json::{Object, text};

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
    level: Option<u32>,
    #[serde(default)]
    lap: u32,
    assignees: Option<Vec<String>>,
    escalation_policy: Option<String>,
    duration: Option<i64>,
    sources: Option<Vec<String>>,
    content: Option<String>,
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
    let verb = verb(&wire)?;
    Ok(Command {
        id: CommandId::new(wire.id),
        actor: Actor { kind: wire.actor.kind.into(), id: wire.actor.id.into() },
        incident: wire.incident.parse().map_err(|error: IdError| error.to_string())?,
        verb,
        revision: wire.revision,
    })
}

fn verb(wire: &Wire) -> Result<Verb, String> {
    Ok(match wire.verb.as_str() {
        "acknowledge" => Verb::Acknowledge,
        "resolve" => Verb::Resolve,
        "set_priority" => Verb::SetPriority(wire.priority.as_deref().map(CompactString::new)),
        "set_urgency" => {
            let urgency = wire.urgency.as_deref().and_then(Urgency::parse);
            Verb::SetUrgency(urgency.ok_or("set_urgency needs \"urgency\": \"high\" or \"low\"")?)
        }
        "set_title" => Verb::SetTitle(wire.title.clone().ok_or("set_title needs \"title\"")?),
        "escalate" => match (&wire.assignees, wire.level) {
            (Some(users), Some(level)) => Verb::Escalate(Step { lap: wire.lap, level, users: ids(users)? }),
            (Some(_), None) => return Err("escalate with \"assignees\" needs \"level\"".to_owned()),
            (None, level) => Verb::RequestEscalation(level),
        },
        "reassign" => match (&wire.assignees, &wire.escalation_policy) {
            (Some(users), None) => Verb::Reassign(Heir::Users(ids(users)?)),
            (None, Some(policy)) => Verb::Reassign(Heir::Policy(PolicyId::new(policy))),
            (Some(_), Some(_)) | (None, None) => {
                return Err("reassign needs either \"assignees\" or \"escalation_policy\"".to_owned());
            }
        },
        "snooze" => {
            let seconds = wire.duration.ok_or("snooze needs \"duration\" in seconds")?;
            Verb::Snooze(Span(seconds.saturating_mul(1000)))
        }
        "merge" => Verb::Merge(incidents(wire.sources.as_ref().ok_or("merge needs \"sources\"")?)?),
        "note" => Verb::Note(wire.content.clone().ok_or("note needs \"content\"")?),
        other => return Err(format!("verb {other:?} is not known; expected {VERBS}")),
    })
}

const VERBS: &str =
    "acknowledge, resolve, set_priority, set_urgency, set_title, escalate, reassign, snooze, merge or note";

fn ids(users: &[String]) -> Result<Vec<UserId>, String> {
    if users.len() > ASSIGNEES_MAX || users.iter().any(|id| id.is_empty() || longer_than(id, ID_CHARS_MAX)) {
        return Err(format!("assignees are at most {ASSIGNEES_MAX} ids of 1 to {ID_CHARS_MAX} characters"));
    }
    Ok(users.iter().map(UserId::new).collect())
}

fn incidents(sources: &[String]) -> Result<Vec<IncidentId>, String> {
    if sources.len() > MERGE_SOURCES_MAX {
        return Err(format!("sources are at most {MERGE_SOURCES_MAX} incidents"));
    }
    sources.iter().map(|id| id.parse().map_err(|error: IdError| error.to_string())).collect()
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
        Verb::Escalate(step) => {
            o.plain("level", step.level);
            o.plain("lap", step.lap);
            o.list("assignees", &step.users, |out, user| text(out, user.as_str()));
        }
        Verb::RequestEscalation(None) => {}
        Verb::RequestEscalation(Some(level)) => o.plain("level", level),
        Verb::Reassign(Heir::Users(users)) => o.list("assignees", users, |out, user| text(out, user.as_str())),
        Verb::Reassign(Heir::Policy(policy)) => o.text("escalation_policy", policy.as_str()),
        Verb::Snooze(span) => o.plain("duration", span.whole_seconds()),
        Verb::Merge(sources) => o.list("sources", sources, |out, id| text(out, &id.to_string())),
        Verb::Note(content) => o.text("content", content),
    }
    o.close();
    out
}
