//! From a record of `campanile.incidents` to the event that subscribers are told.
//!
//! An incident's first people are a revision of their own, `incident.assigned`, a moment after it was triggered. Nobody
//! is sent that revision; what it says is laid into the event before it, which waits for it.

use campanile_directory::subscription::Filter;
use campanile_directory::{Snapshot, Subscription};
use campanile_model::{Change, IncidentId};
use campanile_pagerduty::webhooks_v3::payload::{self, Data, Event, Reference, event_id};
use serde::Deserialize;

/// What a revision means to subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) incident: IncidentId,
    /// Epoch of the directory that it was judged under.
    pub(crate) epoch: u64,
    pub(crate) service: String,
    pub(crate) change: Change,
    /// `None`: a revision that no event is made of.
    pub(crate) event: Option<Event>,
    /// The incident after it.
    pub(crate) standing: payload::Incident,
}

impl Happened {
    /// Whether its people are still to come.
    pub(crate) fn awaits_people(&self) -> bool {
        matches!(self.change, Change::Triggered | Change::Delegated) && self.standing.assignees.is_empty()
    }

    /// Whether a subscription is to be sent it.
    pub(crate) fn is_for(&self, subscription: &Subscription, directory: &Snapshot) -> bool {
        let Some(event) = &self.event else { return false };
        let is_in_filter = match &subscription.filter {
            Filter::Account => true,
            Filter::Service(id) => id.as_str() == self.service,
            Filter::Team(id) => {
                directory.service(&self.service).is_some_and(|service| service.teams.iter().any(|team| team == id))
            }
        };
        is_in_filter && subscription.wants(&event.event_type)
    }
}

#[derive(Deserialize)]
struct Wire {
    event_type: String,
    revision: Option<u64>,
    occurred_at: Option<String>,
    agent: Option<WireAgent>,
    #[serde(default)]
    epoch: u64,
    note: Option<WireNote>,
    data: Option<WireIncident>,
}

#[derive(Deserialize)]
struct WireAgent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct WireNote {
    content: String,
}

#[derive(Deserialize)]
struct WireIncident {
    id: String,
    number: u64,
    status: String,
    incident_key: String,
    created_at: String,
    title: String,
    service: WireReference,
    #[serde(default)]
    assignees: Vec<WireReference>,
    escalation_policy: WireReference,
    priority: Option<WireReference>,
    urgency: String,
    resolve_reason: Option<WireReason>,
}

#[derive(Deserialize)]
struct WireReason {
    incident: WireReference,
}

#[derive(Deserialize)]
struct WireReference {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    summary: Option<String>,
}

impl From<WireReference> for Reference {
    fn from(it: WireReference) -> Self {
        Self { kind: it.kind, id: it.id, summary: it.summary }
    }
}

/// Reads a record. `None` for an answer to a command, which is no revision.
///
/// # Errors
/// One sentence; no processor of ours writes such a record.
pub(crate) fn happened(bytes: &[u8], directory: &Snapshot) -> Result<Option<Happened>, String> {
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| format!("not a record of an incident: {error}"))?;
    let Some(data) = wire.data else { return Ok(None) };
    let incident: IncidentId = data.id.parse().map_err(|error: campanile_model::IdError| error.to_string())?;
    let change =
        Change::parse(&wire.event_type).ok_or_else(|| format!("event type {:?} is not known", wire.event_type))?;
    let occurred_at = wire.occurred_at.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let (revision, at) = match (wire.revision, occurred_at) {
        (Some(revision), Some(at)) => (revision, at),
        _ => return Err("a revision without its number or time".to_owned()),
    };
    let standing = standing(data, directory);
    let content = wire.note.map(|note| note.content);
    let event = sent_as(change, &standing, content, revision).map(|data| Event {
        id: event_id(at.as_millisecond(), &format!("{incident}/{revision}")),
        event_type: wire.event_type,
        occurred_at: campanile_model::Timestamp(at.as_millisecond()).to_string(),
        agent: wire.agent.and_then(|agent| named(agent, directory)),
        data,
    });
    Ok(Some(Happened { incident, epoch: wire.epoch, service: standing.service.id.clone(), change, event, standing }))
}

/// What is sent of a change; `None` for those that PagerDuty has no event for, and for the first people.
fn sent_as(change: Change, standing: &payload::Incident, note: Option<String>, revision: u64) -> Option<Data> {
    match change {
        Change::Triggered
        | Change::Acknowledged
        | Change::Unacknowledged
        | Change::Resolved
        | Change::PriorityUpdated
        | Change::Escalated
        | Change::Reassigned
        | Change::Delegated => Some(Data::Incident(Box::new(standing.clone()))),
        Change::Annotated => Some(Data::Note {
            incident: Reference {
                kind: "incident_reference".to_owned(),
                id: standing.id.clone(),
                summary: Some(standing.title.clone()),
            },
            id: format!("{}-{revision}", standing.id),
            content: note.unwrap_or_default(),
        }),
        Change::Assigned
        | Change::UrgencyUpdated
        | Change::TitleUpdated
        | Change::EscalationRequested
        | Change::Snoozed
        | Change::Merged => None,
    }
}

/// Agents are users, services and integrations. A policy that climbs is the system itself: `None`.
fn named(agent: WireAgent, directory: &Snapshot) -> Option<Reference> {
    let summary = match agent.kind.as_str() {
        "user_reference" => directory.user(&agent.id).map(|user| user.name.to_string()),
        "service_reference" => directory.service(&agent.id).map(|service| service.name.to_string()),
        kind if kind.ends_with("integration_reference") => None,
        _ => return None,
    };
    Some(Reference { kind: agent.kind, id: agent.id, summary })
}

fn standing(data: WireIncident, directory: &Snapshot) -> payload::Incident {
    let service = directory.service(&data.service.id);
    let teams = service.map(|service| service.teams.as_slice()).unwrap_or_default().iter().map(|id| Reference {
        kind: "team_reference".to_owned(),
        id: id.as_str().to_owned(),
        summary: directory.team(id.as_str()).map(|team| team.name.to_string()),
    });
    payload::Incident {
        teams: teams.collect(),
        id: data.id,
        number: data.number,
        status: data.status,
        incident_key: data.incident_key,
        created_at: data.created_at,
        title: data.title,
        service: data.service.into(),
        assignees: data.assignees.into_iter().map(Reference::from).collect(),
        escalation_policy: data.escalation_policy.into(),
        priority: data.priority.map(Reference::from),
        urgency: data.urgency,
        merged_into: data.resolve_reason.map(|reason| reason.incident.into()),
    }
}
