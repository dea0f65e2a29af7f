//! `campanile.pages`: pages, and their withdrawals, on their way to the shard of a person. Key: user id.
//!
//! `{"v":1,"type":"page","user":"…","incident":"Q…","revision":3,"place":[cycle,lap,level,turn],"urgency":"high",
//! "reason":"step","unconfirmed":false,"service":{"id","type","summary"},"title":"…","at":…}`; a withdrawal has `type`,
//! `user`, `incident`, `place` and `at`. `at` is in milliseconds.

use campanile_escalation::{Hop, Page, Place, Reason, Withdrawal};
use campanile_model::{IdError, IncidentId, Named, ServiceId, Timestamp, Urgency, UserId};
use serde::Deserialize;

use crate::json::Object;

pub fn encode(hop: &Hop, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.plain("v", 1);
    match hop {
        Hop::Page(page) => {
            head(&mut o, "page", &page.user, page.incident, page.place, page.at);
            o.plain("revision", page.revision);
            o.text("urgency", page.urgency.as_str());
            o.text("reason", page.reason.as_str());
            o.plain("unconfirmed", page.unconfirmed);
            o.reference("service", "service_reference", page.service.id.as_str(), &page.service.name);
            o.text("title", &page.title);
        }
        Hop::Withdrawal(it) => head(&mut o, "withdrawal", &it.user, it.incident, it.place, it.at),
    }
    o.close();
}

fn head(o: &mut Object<'_>, kind: &str, user: &UserId, incident: IncidentId, place: Place, at: Timestamp) {
    o.text("type", kind);
    o.text("user", user.as_str());
    o.quoted("incident", incident);
    o.plain("place", shown(place));
    o.plain("at", at.0);
}

/// A place as a list of four numbers.
pub(crate) fn shown(place: Place) -> String {
    let Place { cycle, lap, level, turn } = place;
    format!("[{cycle},{lap},{level},{turn}]")
}

#[derive(Deserialize)]
struct Wire {
    v: u32,
    #[serde(rename = "type")]
    kind: String,
    user: String,
    incident: String,
    place: (u32, u32, u32, u32),
    at: i64,
    revision: Option<u64>,
    urgency: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    unconfirmed: bool,
    service: Option<WireService>,
    title: Option<String>,
}

#[derive(Deserialize)]
struct WireService {
    id: String,
    summary: String,
}

/// Reads a page or a withdrawal.
///
/// Errors: one sentence; no notifier of ours writes such a record.
pub fn decode(bytes: &[u8]) -> Result<Hop, String> {
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| format!("not a page: {error}"))?;
    if wire.v != 1 {
        return Err(format!("version {} is not known, expected 1", wire.v));
    }
    let incident = wire.incident.parse().map_err(|error: IdError| error.to_string())?;
    let (cycle, lap, level, turn) = wire.place;
    let place = Place { cycle, lap, level, turn };
    let (user, at) = (UserId::new(&wire.user), Timestamp(wire.at));
    match wire.kind.as_str() {
        "withdrawal" => Ok(Hop::Withdrawal(Withdrawal { user, incident, place, at })),
        "page" => {
            let reason = wire.reason.as_deref();
            let service = wire.service.ok_or("a page of no service")?;
            Ok(Hop::Page(Page {
                user,
                incident,
                revision: wire.revision.ok_or("a page of no revision")?,
                place,
                urgency: wire.urgency.as_deref().and_then(Urgency::parse).ok_or("a page of no urgency")?,
                reason: Reason::ALL
                    .into_iter()
                    .find(|known| Some(known.as_str()) == reason)
                    .ok_or("a page for no known reason")?,
                unconfirmed: wire.unconfirmed,
                service: Named { id: ServiceId::new(service.id), name: service.summary.into() },
                title: wire.title.ok_or("a page without a title")?,
                at,
            }))
        }
        other => Err(format!("type {other:?} is not known, expected page or withdrawal")),
    }
}
