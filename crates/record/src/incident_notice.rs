//! `campanile.incidents` as the notifier reads it: what it decides from, and nothing else of the record.

use campanile_escalation::{Cause, News, Notice, Standing, Verdict};
use campanile_model::outcome::RefusedReason;
use campanile_model::{Change, CommandId, IncidentStatus, Named, PolicyId, ServiceId, Urgency, UserId};
use serde::Deserialize;

#[derive(Deserialize)]
struct Wire {
    v: u32,
    event_type: String,
    revision: Option<u64>,
    reason: Option<String>,
    cause: WireCause,
    level: Option<u32>,
    /// In an answer.
    incident: Option<String>,
    data: Option<WireIncident>,
}

#[derive(Deserialize)]
struct WireCause {
    #[serde(rename = "type")]
    kind: String,
    timer: Option<String>,
    command: Option<String>,
}

#[derive(Deserialize)]
struct WireIncident {
    id: String,
    status: String,
    urgency: String,
    title: String,
    priority: Option<WireReference>,
    service: WireReference,
    escalation_policy: WireReference,
    /// Absent in records of versions before assignments.
    #[serde(default)]
    assignees: Vec<WireReference>,
}

#[derive(Deserialize)]
struct WireReference {
    id: String,
    summary: String,
}

/// Reads a record of the incidents topic.
///
/// Errors: one sentence that says what is wrong; no processor of ours writes such a record.
pub fn decode(bytes: &[u8]) -> Result<Notice, String> {
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| format!("not a record of an incident: {error}"))?;
    if wire.v != 1 {
        return Err(format!("version {} is not known, expected 1", wire.v));
    }
    match wire.data {
        Some(data) => revision(wire.event_type.as_str(), wire.revision, wire.level, wire.cause, data),
        None => answer(&wire),
    }
}

fn id(text: &str) -> Result<campanile_model::IncidentId, String> {
    text.parse().map_err(|error: campanile_model::IdError| error.to_string())
}

fn revision(
    event_type: &str,
    revision: Option<u64>,
    level: Option<u32>,
    cause: WireCause,
    data: WireIncident,
) -> Result<Notice, String> {
    let change = Change::parse(event_type).ok_or_else(|| format!("event type {event_type:?} is not known"))?;
    let cause = match (cause.kind.as_str(), cause.timer, cause.command) {
        ("event", _, _) => Cause::Event,
        ("timer", Some(timer), _) => Cause::Timer(timer.into()),
        ("command", _, Some(command)) => Cause::Command(CommandId::new(command)),
        (other, _, _) => return Err(format!("cause {other:?} is not known")),
    };
    let standing = Standing {
        status: IncidentStatus::parse(&data.status).ok_or_else(|| format!("status {:?} is not known", data.status))?,
        urgency: Urgency::parse(&data.urgency).ok_or_else(|| format!("urgency {:?} is not known", data.urgency))?,
        priority: data.priority.map(|priority| priority.summary.into()),
        title: data.title,
        service: Named { id: ServiceId::new(data.service.id), name: data.service.summary.into() },
        policy: Named { id: PolicyId::new(data.escalation_policy.id), name: data.escalation_policy.summary.into() },
        assignees: data.assignees.into_iter().map(|user| UserId::new(user.id)).collect(),
    };
    let revision = revision.ok_or("a revision without its number")?;
    let news = News::Revision { revision, change, cause, level, standing: Box::new(standing) };
    Ok(Notice { incident: id(&data.id)?, news })
}

fn answer(wire: &Wire) -> Result<Notice, String> {
    let verdict = match (wire.event_type.as_str(), wire.revision, wire.reason.as_deref()) {
        ("command.applied", Some(revision), _) => Verdict::Applied(revision),
        ("command.unchanged", Some(revision), _) => Verdict::Unchanged(revision),
        ("command.refused", _, Some(reason)) => {
            Verdict::Refused(RefusedReason::parse(reason).ok_or_else(|| format!("reason {reason:?} is not known"))?)
        }
        (other, _, _) => return Err(format!("event type {other:?} has no data and is no answer")),
    };
    let command = wire.cause.command.as_deref().map(CommandId::new).ok_or("an answer to no command")?;
    let incident = id(wire.incident.as_deref().ok_or("an answer about no incident")?)?;
    Ok(Notice { incident, news: News::Answer { command, verdict } })
}
