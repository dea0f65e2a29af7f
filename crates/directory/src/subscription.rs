//! Who outside is told of incidents: an address, which events, of which services, and the secret that proves it was us.

use std::fmt;

use campanile_model::{ServiceId, SubscriptionId, TeamId, Timestamp};
use compact_str::CompactString;

use crate::kind::Kind;
use crate::problem::Report;

/// Longest address, in bytes. Source: ours; common servers refuse longer ones.
pub const URL_BYTES_MAX: usize = 2_048;
/// Longest description, in characters. Source: ours.
pub const DESCRIPTION_CHARS_MAX: usize = 1_024;
/// Most headers of a subscription's own. Source: ours; PagerDuty names no bound.
pub const HEADERS_MAX: usize = 32;
/// Longest value of a header, in bytes. Source: ours; servers commonly refuse heads above 8 KiB.
pub const HEADER_VALUE_BYTES_MAX: usize = 4_096;
/// Shortest secret, in bytes. Source: ours; a shorter one is guessed from one delivery.
pub const SECRET_BYTES_MIN: usize = 16;
/// Longest secret, in bytes. Source: ours.
pub const SECRET_BYTES_MAX: usize = 512;

/// Every event type that a subscription may name. Source: PagerDuty, Webhooks v3, "Event Types".
pub const EVENT_TYPES: [&str; 31] = [
    "incident.acknowledged",
    "incident.action_invocation.created",
    "incident.action_invocation.terminated",
    "incident.action_invocation.updated",
    "incident.annotated",
    "incident.conference_bridge.updated",
    "incident.custom_field_values.updated",
    "incident.delegated",
    "incident.escalated",
    "incident.incident_type.changed",
    "incident.priority_updated",
    "incident.reassigned",
    "incident.reopened",
    "incident.resolved",
    "incident.responder.added",
    "incident.responder.replied",
    "incident.role.assigned",
    "incident.service_updated",
    "incident.status_update_published",
    "incident.task.completed",
    "incident.task.created",
    "incident.task.updated",
    "incident.triggered",
    "incident.unacknowledged",
    "incident.workflow.completed",
    "incident.workflow.started",
    "pagey.ping",
    "service.created",
    "service.custom_field_values.updated",
    "service.deleted",
    "service.updated",
];

/// Those of them that happen here so far.
pub const EVENT_TYPES_MADE: [&str; 10] = [
    "incident.acknowledged",
    "incident.annotated",
    "incident.delegated",
    "incident.escalated",
    "incident.priority_updated",
    "incident.reassigned",
    "incident.resolved",
    "incident.triggered",
    "incident.unacknowledged",
    "pagey.ping",
];

/// Headers that a delivery sets itself, in lower case.
const HEADERS_OURS: [&str; 9] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-pagerduty-signature",
    "x-webhook-id",
    "x-webhook-subscription",
];

/// Whose incidents are told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    Account,
    Service(ServiceId),
    Team(TeamId),
}

impl Filter {
    /// The object that it refers to.
    pub fn object(&self) -> Option<(Kind, &str)> {
        match self {
            Self::Account => None,
            Self::Service(id) => Some((Kind::Service, id.as_str())),
            Self::Team(id) => Some((Kind::Team, id.as_str())),
        }
    }
}

/// A text that nobody sees by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub CompactString);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secret that was in use before, still signed with until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousSecret {
    pub secret: Secret,
    pub valid_until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomHeader {
    pub name: CompactString,
    pub value: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub description: String,
    pub active: bool,
    /// `http` or `https`. May hold a user and password.
    pub url: String,
    pub headers: Vec<CustomHeader>,
    /// `None` only before the first apply, which mints one.
    pub secret: Option<Secret>,
    pub previous_secret: Option<PreviousSecret>,
    /// Of [`EVENT_TYPES`].
    pub events: Vec<CompactString>,
    pub filter: Filter,
}

impl Subscription {
    /// Whether it wants events of this type.
    pub fn wants(&self, event_type: &str) -> bool {
        self.events.iter().any(|wanted| wanted == event_type)
    }

    /// The secrets that sign a delivery at `now`, the present one first.
    pub fn secrets_at(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let previous = self.previous_secret.as_ref().filter(|previous| now < previous.valid_until);
        self.secret.iter().chain(previous.map(|previous| &previous.secret)).map(|secret| secret.0.as_str())
    }

    pub(crate) fn check(&self, report: &mut Report) {
        report.check_text("/description", &self.description, DESCRIPTION_CHARS_MAX);
        self.check_url(report);
        self.check_headers(report);
        if let Some(secret) = &self.secret {
            check_secret("/delivery_method/secret", secret, report);
        }
        if let Some(previous) = &self.previous_secret {
            check_secret("/delivery_method/previous_secret/secret", &previous.secret, report);
            if self.secret.as_ref() == Some(&previous.secret) {
                report.add(
                    "/delivery_method/previous_secret/secret",
                    "the previous secret is the present one",
                    "write a new secret, or leave previous_secret out",
                );
            }
        }
        if self.events.is_empty() {
            report.add("/events", "the subscription names no event", "name at least one, such as incident.triggered");
        }
    }

    fn check_url(&self, report: &mut Report) {
        const PLACE: &str = "/delivery_method/url";
        if self.url.len() > URL_BYTES_MAX {
            let length = self.url.len();
            report.add(PLACE, format!("url of {length} bytes exceeds the limit of {URL_BYTES_MAX}"), "shorten it");
        }
        let lower = self.url.to_ascii_lowercase();
        let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
        let is_plain = self.url.bytes().all(|byte| byte > b' ' && byte != 0x7f);
        if rest.is_none_or(|rest| rest.starts_with(['/', '?', '#']) || rest.is_empty()) || !is_plain {
            report.add(
                PLACE,
                "url is no address that can be delivered to",
                "write http:// or https://, a host, and a path without blanks",
            );
        }
    }

    fn check_headers(&self, report: &mut Report) {
        if self.headers.len() > HEADERS_MAX {
            let count = self.headers.len();
            let message = format!("{count} headers exceed the limit of {HEADERS_MAX}");
            report.add("/delivery_method/custom_headers", message, "remove some");
        }
        for (i, header) in self.headers.iter().enumerate() {
            let place = |key: &str| format!("/delivery_method/custom_headers/{i}/{key}");
            let name = header.name.to_ascii_lowercase();
            if !is_token(&name) {
                report.add(
                    place("name"),
                    format!("{name:?} cannot be the name of a header"),
                    "use letters, digits and -",
                );
            } else if HEADERS_OURS.contains(&name.as_str()) {
                report.add(place("name"), format!("the header {name} is set by each delivery"), "leave it out");
            } else if self.headers[..i].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&name)) {
                report.add(place("name"), format!("the header {name} is there twice"), "names of headers are unique");
            }
            let value = header.value.0.as_bytes();
            if value.len() > HEADER_VALUE_BYTES_MAX || !value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
                report.add(
                    place("value"),
                    format!("the value of the header {name} cannot be sent"),
                    format!("a value has at most {HEADER_VALUE_BYTES_MAX} printable ASCII characters on one line"),
                );
            }
        }
    }
}

/// Source: RFC 9110, 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn check_secret(place: &str, secret: &Secret, report: &mut Report) {
    let length = secret.0.len();
    if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&length) {
        report.add(
            place,
            format!("a secret of {length} bytes is out of range"),
            format!("{SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes; leave secret out to have one minted"),
        );
    }
}
