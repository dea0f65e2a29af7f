//! `rows`: the rows of a shard, decoded. Only durable state is shown.

use campanile_ledger::{RowKey, batch::ROW_KEY_BYTES};
use campanile_model::{Actor, ShardId, Timestamp};
use campanile_rows::RowError;
use campanile_rows::keys::Kind;
use campanile_triage::{Alert, AlertRow, Answer as Answered, Details, GroupKey, Incident, Members, Named, Verdict};
use serde_json::{Value, json};

use super::Ports;
use super::serve::{Answer, Asker, Refusal, members, write_line};

/// Rows of one answer at most: they are held in memory before the first is written.
const ROWS_MAX: usize = 10_000;

pub(super) struct Page {
    pub(super) shard: u16,
    pub(super) kind: String,
    pub(super) after: Option<String>,
    pub(super) limit: usize,
}

pub(super) fn rows(ports: &Ports, page: Page, asker: &mut dyn Asker) -> Answer {
    let Some(kind) = Kind::parse(&page.kind) else {
        let known = Kind::ALL.map(Kind::as_str).join(", ");
        return Err(Refusal::said(format!("unknown kind of row \"{}\"; kinds are {known}", page.kind)));
    };
    if page.shard >= ports.card.shards {
        let shards = ports.card.shards;
        return Err(Refusal::said(format!("this ledger has {shards} shards, none numbered {}", page.shard)));
    }
    let after = match page.after.as_deref().map(parse_key) {
        None => None,
        Some(Some(key)) => Some(key),
        Some(None) => {
            let digits = 2 * ROW_KEY_BYTES;
            return Err(Refusal::said(format!("\"after\" must be a row's key, {digits} hexadecimal digits")));
        }
    };
    let limit = page.limit.clamp(1, ROWS_MAX);
    let table = match kind {
        Kind::Alert | Kind::Answer | Kind::Details | Kind::Group | Kind::Incident | Kind::Members => &ports.table,
        Kind::Errand | Kind::Ladder | Kind::Order | Kind::Person | Kind::Ring => &ports.notifier_table,
    };
    let found = table.scan(ShardId(page.shard), &kind.bytes(), after, limit);
    let found = found.map_err(Refusal::said)?;
    for (key, bytes) in &found {
        let value = show(kind, bytes).map_err(|error| Refusal::said(format!("row {key:?}: {error}")))?;
        write_line(asker, &json!({ "kind": kind.as_str(), "key": format!("{key:?}"), "value": value }))?;
    }
    let more = found.last().filter(|_| found.len() == limit);
    Ok(members(json!({ "after": more.map(|(key, _)| format!("{key:?}")) })))
}

fn parse_key(text: &str) -> Option<RowKey> {
    if text.len() != 2 * ROW_KEY_BYTES || !text.is_ascii() {
        return None;
    }
    let mut key = [0; ROW_KEY_BYTES];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(RowKey(key))
}

fn show(kind: Kind, bytes: &[u8]) -> Result<Value, RowError> {
    Ok(match kind {
        Kind::Alert => match campanile_rows::alert::decode(bytes)? {
            AlertRow::Open(alert) => open_alert(&alert),
            AlertRow::Tombstone { partition, offset, at } => {
                json!({ "state": "tombstone", "partition": partition, "offset": offset, "at": at.0 })
            }
        },
        Kind::Answer => answered(campanile_rows::answer::decode(bytes)?),
        Kind::Details => details(&campanile_rows::details::decode(bytes)?),
        Kind::Group => json!({ "incident": campanile_rows::group::decode(bytes)?.to_string() }),
        Kind::Incident => incident(&campanile_rows::incident::decode(bytes)?),
        Kind::Members => page(&campanile_rows::members::decode(bytes)?),
        Kind::Errand | Kind::Ladder | Kind::Order | Kind::Person | Kind::Ring => of_notifier(kind, bytes)?,
    })
}

/// Rows of the notifier, in short: what people look for when a page does not come.
fn of_notifier(kind: Kind, bytes: &[u8]) -> Result<Value, RowError> {
    let millis = |at: campanile_model::Timestamp| at.0;
    Ok(match kind {
        Kind::Errand => json!({ "id": campanile_rows::errand::decode(bytes)?.id() }),
        Kind::Ring => json!({ "next": campanile_rows::ring::decode(bytes)? }),
        Kind::Ladder => {
            let it = campanile_rows::ladder::decode(bytes)?;
            let paged: Vec<_> = it.paged.iter().map(ToString::to_string).collect();
            json!({
                "incident": it.incident.to_string(),
                "revision": it.revision,
                "stage": format!("{:?}", it.stage).to_lowercase(),
                "place": [it.place.cycle, it.place.lap, it.place.level, it.place.turn],
                "due": it.due.map(millis),
                "paged": paged,
            })
        }
        Kind::Person => {
            let it = campanile_rows::person::decode(bytes)?;
            let unsent: Vec<_> = it.unsent.iter().map(ToString::to_string).collect();
            json!({
                "user": it.user.to_string(),
                "waiting": it.waiting.len(),
                "unsent": unsent,
                "due": it.due.map(millis),
            })
        }
        Kind::Order => {
            let it = campanile_rows::order::decode(bytes)?;
            json!({
                "id": it.id.to_string(),
                "user": it.user.to_string(),
                "channel": it.channel.as_str(),
                "items": it.items.len(),
                "attempts": it.attempts,
                "delivery": format!("{:?}", it.delivery).to_lowercase(),
                "due": it.due.0,
            })
        }
        Kind::Alert | Kind::Answer | Kind::Details | Kind::Group | Kind::Incident | Kind::Members => Value::Null,
    })
}

fn open_alert(alert: &Alert) -> Value {
    let (partition, offset, at) = alert.last_trigger;
    json!({
        "state": "open",
        "id": alert.id.to_string(),
        "status": alert.status.as_str(),
        "severity": alert.severity.as_str(),
        "hidden": alert.hidden.map(|hidden| hidden.as_str()),
        "incident": alert.incident.map(|id| id.to_string()),
        "count": alert.count,
        "first_seen": alert.first_seen.0,
        "last_seen": alert.last_seen.0,
        "last_trigger": { "partition": partition, "offset": offset, "at": at.0 },
        "resolved_at": alert.resolved_at.map(millis),
    })
}

fn answered(answer: Answered) -> Value {
    match answer {
        Answered::Applied(revision) => json!({ "answer": "applied", "revision": revision }),
        Answered::Unchanged(revision) => json!({ "answer": "unchanged", "revision": revision }),
        Answered::Refused(reason) => json!({ "answer": "refused", "reason": reason.as_str() }),
    }
}

fn details(details: &Details) -> Value {
    let verdict = match &details.verdict {
        Verdict::Opened => json!({ "outcome": "opened_incident" }),
        Verdict::Grouped(grouping) => json!({ "outcome": "grouped", "grouping": grouping }),
        Verdict::Hidden(hidden, by) => {
            json!({ "outcome": "suppressed", "reason": hidden.as_str(), "maintenance_window": by.as_str() })
        }
        Verdict::Overtaken => json!({ "outcome": "overtaken" }),
    };
    let body: Value = serde_json::from_slice(&details.body).unwrap_or_default();
    json!({
        "service": named(details.service.id.as_str(), &details.service.name),
        "integration": details.integration.as_str(),
        "dedup_key": details.dedup_key,
        "summary": details.summary,
        "verdict": verdict,
        "body": body,
    })
}

fn incident(incident: &Incident) -> Value {
    let acknowledgements: Vec<_> = incident
        .acknowledgements
        .iter()
        .map(|acknowledgement| json!({ "at": acknowledgement.at.0, "by": actor(&acknowledgement.by) }))
        .collect();
    json!({
        "id": incident.id.to_string(),
        "number": incident.id.number(),
        "status": incident.status.as_str(),
        "urgency": incident.urgency.as_str(),
        "priority": incident.priority.as_ref().map(|Named { id, name }| named(id.as_str(), name)),
        "title": incident.title,
        "incident_key": incident.incident_key,
        "service": named(incident.service.id.as_str(), &incident.service.name),
        "escalation_policy": named(incident.policy.id.as_str(), &incident.policy.name),
        "created_at": incident.created_at.0,
        "status_changed_at": incident.status_changed_at.0,
        "resolved_at": incident.resolved_at.map(millis),
        "revision": incident.revision,
        "alerts": incident.alerts,
        "open": incident.open,
        "grouping": incident.grouping.as_str(),
        "last_joined_at": incident.last_joined_at.0,
        "acknowledgements": acknowledgements,
        "auto_resolve_at": incident.auto_resolve_at.map(millis),
        "acknowledgement_ends_at": incident.acknowledgement_ends_at.map(millis),
        "urgency_rises_at": incident.urgency_rises_at.map(millis),
    })
}

fn page(page: &Members) -> Value {
    let members: Vec<_> = page
        .iter()
        .map(|member| {
            json!({
                "alert_key": format!("{:032x}", member.alert.packed()),
                "alert": member.id.to_string(),
                "groups": member.groups.iter().map(group).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "members": members })
}

fn group(group: &GroupKey) -> String {
    format!("{:08x}{:032x}", group.scope, group.hash)
}

fn named(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name })
}

fn actor(actor: &Actor) -> Value {
    json!({ "type": actor.kind.as_str(), "id": actor.id.as_str() })
}

fn millis(at: Timestamp) -> i64 {
    at.0
}
