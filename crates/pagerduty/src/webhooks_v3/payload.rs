//! The body of a delivery, `{"event": …}`, key by key in PagerDuty's order.
//!
//! Source: PagerDuty, Webhooks v3, "Webhook Payload" and "Event Data Types".

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::BODY_BYTES_MAX;

/// Crockford's base 32, the digits of a ULID.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Somebody or something that an event names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `user_reference`, `service_reference`, …
    pub kind: String,
    pub id: String,
    /// `None` where the name is not known any more.
    pub summary: Option<String>,
}

/// The incident after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub id: String,
    pub number: u64,
    pub status: String,
    pub incident_key: String,
    /// RFC 3339 with milliseconds, as all times here.
    pub created_at: String,
    pub title: String,
    pub service: Reference,
    pub assignees: Vec<Reference>,
    pub escalation_policy: Reference,
    pub teams: Vec<Reference>,
    pub priority: Option<Reference>,
    pub urgency: String,
    /// The incident that this one was merged into.
    pub merged_into: Option<Reference>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    Incident(Box<Incident>),
    Note { incident: Reference, id: String, content: String },
    Ping,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same whenever and to whomever it is sent.
    pub id: String,
    pub event_type: String,
    pub occurred_at: String,
    /// `None`: the system itself.
    pub agent: Option<Reference>,
    pub data: Data,
}

/// The id of what happened: a ULID of its time and a digest of its name, so that every sender of it says the same and
/// receivers can tell a repeat. `at_ms` is milliseconds since 1970.
pub fn event_id(at_ms: i64, name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&at_ms.max(0).to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&digest[..10]);
    let number = u128::from_be_bytes(bytes);
    (0..26).rev().map(|place| char::from(DIGITS[(number >> (5 * place) & 31) as usize])).collect()
}

impl Event {
    /// The bytes that are sent and signed. `public_url` is the base of links, without a slash at the end.
    ///
    /// A body above [`BODY_BYTES_MAX`] has its note cut; nothing else in it can grow so long.
    pub fn body(&self, public_url: &str) -> Vec<u8> {
        let body = self.written(public_url, usize::MAX);
        let excess = body.len().saturating_sub(BODY_BYTES_MAX);
        match &self.data {
            Data::Note { content, .. } if excess > 0 => {
                // An escaped byte takes six at most, so dividing what is left by it is enough whatever the text.
                let room = BODY_BYTES_MAX.saturating_sub(body.len().saturating_sub(6 * content.len()).max(1_024)) / 6;
                self.written(public_url, room)
            }
            Data::Note { .. } | Data::Incident(_) | Data::Ping => body,
        }
    }

    fn written(&self, public_url: &str, note_bytes_max: usize) -> Vec<u8> {
        let links = Links { public_url };
        let (resource_type, data) = match &self.data {
            Data::Incident(incident) => ("incident", WireData::Incident(Box::new(links.incident(incident)))),
            Data::Note { incident, id, content } => {
                let (content, trimmed) = cut(content, note_bytes_max);
                let incident = links.reference(incident);
                ("incident", WireData::Note { incident, id, content, trimmed, kind: "incident_note" })
            }
            Data::Ping => ("pagey", WireData::Ping { message: "Hello from your friend Pagey!", kind: "ping" }),
        };
        let event = WireEvent {
            id: &self.id,
            event_type: &self.event_type,
            resource_type,
            occurred_at: &self.occurred_at,
            agent: self.agent.as_ref().map(|agent| links.reference(agent)),
            client: (),
            data,
        };
        // Texts, numbers and lists of them always have a JSON form.
        serde_json::to_vec(&Envelope { event }).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    event: WireEvent<'a>,
}

#[derive(Serialize)]
struct WireEvent<'a> {
    id: &'a str,
    event_type: &'a str,
    resource_type: &'a str,
    occurred_at: &'a str,
    agent: Option<WireReference<'a>>,
    /// Which application did it: nothing here knows.
    client: (),
    data: WireData<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireData<'a> {
    Incident(Box<WireIncident<'a>>),
    Note {
        incident: WireReference<'a>,
        id: &'a str,
        content: &'a str,
        trimmed: bool,
        #[serde(rename = "type")]
        kind: &'a str,
    },
    Ping {
        message: &'a str,
        #[serde(rename = "type")]
        kind: &'a str,
    },
}

#[derive(Serialize)]
struct WireIncident<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "self")]
    own: String,
    html_url: String,
    number: u64,
    status: &'a str,
    incident_key: &'a str,
    created_at: &'a str,
    title: &'a str,
    incident_type: WireType<'a>,
    service: WireReference<'a>,
    assignees: Vec<WireReference<'a>>,
    escalation_policy: WireReference<'a>,
    teams: Vec<WireReference<'a>>,
    priority: Option<WireReference<'a>>,
    urgency: &'a str,
    conference_bridge: (),
    resolve_reason: Option<WireReason<'a>>,
}

#[derive(Serialize)]
struct WireType<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct WireReason<'a> {
    incident: WireReference<'a>,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// Exactly these five keys.
#[derive(Serialize)]
struct WireReference<'a> {
    html_url: Option<String>,
    id: &'a str,
    #[serde(rename = "self")]
    own: Option<String>,
    summary: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a str,
}

struct Links<'a> {
    public_url: &'a str,
}

impl Links<'_> {
    fn incident<'i>(&self, it: &'i Incident) -> WireIncident<'i> {
        let own = format!("{}/incidents/{}", self.public_url, it.id);
        WireIncident {
            id: &it.id,
            kind: "incident",
            html_url: own.clone(),
            own,
            number: it.number,
            status: &it.status,
            incident_key: &it.incident_key,
            created_at: &it.created_at,
            title: &it.title,
            incident_type: WireType { name: "incident_default" },
            service: self.reference(&it.service),
            assignees: it.assignees.iter().map(|user| self.reference(user)).collect(),
            escalation_policy: self.reference(&it.escalation_policy),
            teams: it.teams.iter().map(|team| self.reference(team)).collect(),
            priority: it.priority.as_ref().map(|priority| self.reference(priority)),
            urgency: &it.urgency,
            conference_bridge: (),
            resolve_reason: it
                .merged_into
                .as_ref()
                .map(|into| WireReason { incident: self.reference(into), kind: "merge_resolve_reason" }),
        }
    }

    fn reference<'i>(&self, it: &'i Reference) -> WireReference<'i> {
        let link = collection(&it.kind).map(|collection| format!("{}/{collection}/{}", self.public_url, it.id));
        WireReference { html_url: link.clone(), id: &it.id, own: link, summary: it.summary.as_deref(), kind: &it.kind }
    }
}

/// Where objects of a kind are served; `None` for a kind that nothing is served of.
fn collection(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "user_reference" => "users",
        "service_reference" => "services",
        "escalation_policy_reference" => "escalation_policies",
        "team_reference" => "teams",
        "priority_reference" => "priorities",
        "incident_reference" => "incidents",
        _ => return None,
    })
}

/// As much of the text as fits, and whether it is less than all.
fn cut(text: &str, bytes_max: usize) -> (&str, bool) {
    if text.len() <= bytes_max {
        return (text, false);
    }
    (&text[..text.floor_char_boundary(bytes_max)], true)
}
