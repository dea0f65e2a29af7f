//! `campanile.answers`: what providers and people said. Key: incident or order id; partition: the shard that holds the
//! order, or the incident's.
//!
//! `{"v":1,"type":"order","order":"Q…","reply":"accepted"|"arrived"|"refused","provider":"…","reference":"…","permanent":false,"detail":"…"}`,
//! `{"v":1,"type":"person","id":"…","user":"…","order":"Q…"|"incident":"Q…","verb":"acknowledge"|"resolve"|"escalate"}`,
//! `{"v":1,"type":"sent","key":"32 hex digits","id":"…"}`,
//! `{"v":1,"type":"handoff","user":"…","schedule":{"id","type","summary"},"turn":"begins"|"ends","at":…,"due":…,
//! "contact_method":"…","channel":"…"}` with times in milliseconds, `{"v":1,"type":"audit","incident":"Q…"}`.

use campanile_directory::{Channel, HandoffNotice, Turn};
use campanile_escalation::{ErrandKey, Reply, Report};
use campanile_model::text::longer_than;
use campanile_model::{IdError, Named, ScheduleId, Timestamp, UserId, Verb};
use serde::Deserialize;

use crate::command::ID_CHARS_MAX;
use crate::json::Object;

/// Longest id of a person's answer, in characters: an incident's id is added to it to make a command's.
pub const ANSWER_ID_CHARS_MAX: usize = ID_CHARS_MAX - 1 - campanile_model::DERIVED_ID_CHARS;

pub fn encode(report: &Report, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.plain("v", 1);
    match report {
        Report::Order { order, reply } => {
            o.text("type", "order");
            o.quoted("order", order);
            let (word, provider) = match reply {
                Reply::Accepted { provider, .. } => ("accepted", provider),
                Reply::Arrived { provider } => ("arrived", provider),
                Reply::Refused { provider, .. } => ("refused", provider),
            };
            o.text("reply", word);
            o.text("provider", provider);
            if let Reply::Accepted { reference, .. } = reply
                && !reference.is_empty()
            {
                o.text("reference", reference);
            }
            if let Reply::Refused { permanent, detail, .. } = reply {
                o.plain("permanent", permanent);
                o.text("detail", detail);
            }
        }
        Report::Person { id, user, order, incident, verb } => {
            o.text("type", "person");
            o.text("id", id);
            o.text("user", user.as_str());
            if let Some(order) = order {
                o.quoted("order", order);
            }
            if let Some(incident) = incident {
                o.quoted("incident", incident);
            }
            o.text("verb", verb.as_str());
        }
        Report::Sent { key, id } => {
            o.text("type", "sent");
            o.quoted("key", format_args!("{:032x}", key.0));
            o.text("id", id);
        }
        Report::Handoff(it) => {
            o.text("type", "handoff");
            o.text("user", it.user.as_str());
            o.reference("schedule", "schedule_reference", it.schedule.id.as_str(), &it.schedule.name);
            o.text("turn", it.turn.as_str());
            o.plain("at", it.at.0);
            o.plain("due", it.due.0);
            o.text("contact_method", &it.contact);
            o.text("channel", it.channel.as_str());
        }
        Report::Audit(incident) => {
            o.text("type", "audit");
            o.quoted("incident", incident);
        }
    }
    o.close();
}

#[derive(Deserialize)]
struct Wire {
    v: u32,
    #[serde(rename = "type")]
    kind: String,
    order: Option<String>,
    reply: Option<String>,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    permanent: bool,
    #[serde(default)]
    detail: String,
    id: Option<String>,
    user: Option<String>,
    incident: Option<String>,
    verb: Option<String>,
    key: Option<String>,
    schedule: Option<Reference>,
    turn: Option<String>,
    at: Option<i64>,
    due: Option<i64>,
    contact_method: Option<String>,
    channel: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
    #[serde(default)]
    summary: String,
}

fn read<T: std::str::FromStr<Err = IdError>>(text: Option<&str>) -> Result<Option<T>, String> {
    text.map(|text| text.parse().map_err(|error: IdError| error.to_string())).transpose()
}

/// Reads an answer.
///
/// Errors: one sentence that says what is wrong and what is allowed.
pub fn decode(bytes: &[u8]) -> Result<Report, String> {
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| format!("not an answer: {error}"))?;
    if wire.v != 1 {
        return Err(format!("version {} is not known, expected 1", wire.v));
    }
    let (order, incident) = (read(wire.order.as_deref())?, read(wire.incident.as_deref())?);
    match wire.kind.as_str() {
        "order" => {
            let provider = wire.provider.into();
            let reply = match wire.reply.as_deref() {
                Some("accepted") => Reply::Accepted { provider, reference: wire.reference.into() },
                Some("arrived") => Reply::Arrived { provider },
                Some("refused") => Reply::Refused { provider, permanent: wire.permanent, detail: wire.detail },
                Some(_) | None => return Err("\"reply\" must be accepted, arrived or refused".to_owned()),
            };
            Ok(Report::Order { order: order.ok_or("\"order\" is missing")?, reply })
        }
        "person" => {
            let id = wire.id.filter(|id| !id.is_empty() && !longer_than(id, ANSWER_ID_CHARS_MAX));
            let verb = match wire.verb.as_deref() {
                Some("acknowledge") => Verb::Acknowledge,
                Some("resolve") => Verb::Resolve,
                Some("escalate") => Verb::RequestEscalation(None),
                Some(_) | None => return Err("\"verb\" must be acknowledge, resolve or escalate".to_owned()),
            };
            if order.is_none() && incident.is_none() {
                return Err("an answer names an \"order\" or an \"incident\"".to_owned());
            }
            Ok(Report::Person {
                id: id.ok_or_else(|| format!("\"id\" must have 1 to {ANSWER_ID_CHARS_MAX} characters"))?.into(),
                user: UserId::new(wire.user.ok_or("\"user\" is missing")?),
                order,
                incident,
                verb,
            })
        }
        "sent" => {
            let key = wire.key.as_deref().and_then(|key| u128::from_str_radix(key, 16).ok());
            let key = ErrandKey(key.ok_or("\"key\" must be hex digits")?);
            Ok(Report::Sent { key, id: wire.id.ok_or("\"id\" is missing")?.into() })
        }
        "handoff" => handoff(wire).map(|it| Report::Handoff(Box::new(it))),
        "audit" => Ok(Report::Audit(incident.ok_or("\"incident\" is missing")?)),
        other => Err(format!("type {other:?} is not known, expected order, person, sent, handoff or audit")),
    }
}

fn handoff(wire: Wire) -> Result<HandoffNotice, String> {
    let turn = Turn::ALL.into_iter().find(|turn| Some(turn.as_str()) == wire.turn.as_deref());
    let channel = Channel::ALL.into_iter().find(|channel| Some(channel.as_str()) == wire.channel.as_deref());
    let schedule = wire.schedule.ok_or("\"schedule\" is missing")?;
    Ok(HandoffNotice {
        user: UserId::new(wire.user.ok_or("\"user\" is missing")?),
        schedule: Named { id: ScheduleId::new(schedule.id), name: schedule.summary.into() },
        turn: turn.ok_or("\"turn\" must be begins or ends")?,
        at: Timestamp(wire.at.ok_or("\"at\" is missing")?),
        due: Timestamp(wire.due.ok_or("\"due\" is missing")?),
        contact: wire.contact_method.ok_or("\"contact_method\" is missing")?.into(),
        channel: channel.ok_or("\"channel\" is not known")?,
    })
}
