//! The rules of an alert event, and the strings that PagerDuty answers when one is broken.
//!
//! One set of rules, two readers. At the door a sender is waiting and can correct itself, so everything is strict.
//! Behind the log nobody waits, so a summary that is too long is cut and the alert goes on.
//!
//! Deliberately never refused: any `custom_details`, `links` or `images` (Alertmanager sends `"href": ""` for what is
//! not set, and no alert is lost for its decoration), and an optional text of another kind, which counts as absent.

use std::borrow::Cow;

use campanile_model::{Severity, text};

use super::decode::{Event, Field, Shape};
use super::limits;

/// Longest list of problems that one event can have: key length and characters, dedup key, summary, source, severity.
const PROBLEMS_MAX: usize = 6;

/// What the sender wants. Source: PagerDuty Events API v2, `event_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Trigger,
    Acknowledge,
    Resolve,
}

impl Action {
    pub const ALL: [Self; 3] = [Self::Trigger, Self::Acknowledge, Self::Resolve];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == text)
    }
}

/// Why an event is invalid; `Display` is the string in `errors`. Those marked *seen* are PagerDuty's, letter by letter,
/// with its misspelling; the others are ours in the same manner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// Ours.
    #[error("'routing_key' is missing or blank")]
    RoutingKeyMissing,
    /// Seen: Alertmanager's tests.
    #[error("Length of 'routing_key' is incorrect (should be 32 characters)")]
    RoutingKeyLength,
    /// Seen: blockpane/tenderduty#10.
    #[error("'routing_key' cannot contain non-alphanumeric characters.")]
    RoutingKeyCharacters,
    /// Seen: solana-foundation PR 576. Found by whoever knows the keys, not by this module.
    #[error("{}", super::answer::INVALID_ROUTING_KEY)]
    RoutingKeyUnknown,
    /// Ours. Found before decoding, not by this module.
    #[error("{}", super::answer::TOO_LARGE)]
    TooLarge,
    /// Ours.
    #[error("'event_action' is missing or blank")]
    ActionMissing,
    /// Ours.
    #[error("'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")]
    ActionInvalid,
    /// Ours: acknowledge and resolve mean nothing without a key.
    #[error("'dedup_key' is missing or blank")]
    DedupKeyMissing,
    /// Ours. Refused also on trigger: dropping the key would turn each repeat into an alert of its own.
    #[error("'dedup_key' is invalid (must be a string)")]
    DedupKeyNotText,
    /// Ours.
    #[error("'dedup_key' is too long (maximum is 255 characters)")]
    DedupKeyLong,
    /// Ours.
    #[error("'payload' is missing or blank")]
    PayloadMissing,
    /// Ours.
    #[error("'payload' is invalid (must be an object)")]
    PayloadNotObject,
    /// Ours.
    #[error("'payload.summary' is missing or blank")]
    SummaryMissing,
    /// Seen: envato/pagerduty#70.
    #[error("'summary' is too long (maiximum is 1024 characters)")]
    SummaryLong,
    /// Seen: dagster-io/dagster#19567.
    #[error("'payload.source' is missing or blank")]
    SourceMissing,
    /// Seen: dagster-io/dagster#19567.
    #[error("'payload.severity' is missing or blank")]
    SeverityMissing,
    /// Seen: SigNoz/signoz#9536.
    #[error("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")]
    SeverityInvalid,
}

/// An event that obeys the rules. Texts borrow from the decoder's bytes and are as the sender wrote them, not trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub routing_key: &'a str,
    pub action: Action,
    /// Always there on acknowledge and resolve. On trigger, `None` asks for a new unique key.
    pub dedup_key: Option<&'a str>,
    /// Always there on trigger, and only there: what acknowledge and resolve carry is not looked at.
    pub payload: Option<Payload<'a>>,
    pub client: Option<&'a str>,
    pub client_url: Option<&'a str>,
}

/// What is wrong, as told by the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    pub summary: Cow<'a, str>,
    /// The summary was longer and was cut, its last character the cut mark. Never at the door.
    pub summary_cut: bool,
    pub source: &'a str,
    pub severity: Severity,
    pub component: Option<&'a str>,
    pub group: Option<&'a str>,
    pub class: Option<&'a str>,
    /// As written; [`super::timestamp::parse`] reads it, and it is for display only.
    pub timestamp: Option<&'a str>,
}

/// What to do with a summary that is too long.
#[derive(Clone, Copy)]
enum LongSummary {
    Refuse,
    Cut,
}

/// The request in an event that stands at the door.
///
/// # Errors
/// Every rule that is broken, in the order of the fields in PagerDuty's table.
pub fn validate_request<'a>(event: &Event<'a>) -> Result<Request<'a>, Vec<Problem>> {
    validate(event, LongSummary::Refuse)
}

/// The request in an event that was read from the log: as at the door, but a long summary is cut.
///
/// # Errors
/// Every rule that is broken, in the order of the fields in PagerDuty's table.
pub fn validate_logged<'a>(event: &Event<'a>) -> Result<Request<'a>, Vec<Problem>> {
    validate(event, LongSummary::Cut)
}

fn validate<'a>(event: &Event<'a>, long: LongSummary) -> Result<Request<'a>, Vec<Problem>> {
    // Empty on the way that matters, and an empty vector is no allocation.
    let mut problems = Vec::new();
    let routing_key = routing_key(event.routing_key, &mut problems);
    let action = action(event.event_action).map_err(|p| problems.push(p)).ok();
    let dedup_key = dedup_key(event.dedup_key, action).unwrap_or_else(|p| {
        problems.push(p);
        None
    });
    let payload = match action {
        Some(Action::Trigger) => payload(event, long, &mut problems),
        Some(Action::Acknowledge | Action::Resolve) | None => None,
    };
    debug_assert!(problems.len() <= PROBLEMS_MAX, "{problems:?}");
    match (routing_key, action) {
        (Some(routing_key), Some(action)) if problems.is_empty() => Ok(Request {
            routing_key,
            action,
            dedup_key,
            payload,
            client: event.client.filled(),
            client_url: event.client_url.filled(),
        }),
        _ => Err(problems),
    }
}

fn routing_key<'a>(field: Field<'a>, problems: &mut Vec<Problem>) -> Option<&'a str> {
    let Some(key) = field.filled() else {
        problems.push(Problem::RoutingKeyMissing);
        return None;
    };
    // The bytes are compared first: in a key of 32 ASCII letters there is nothing to count.
    let alphanumeric = key.bytes().all(|b| b.is_ascii_alphanumeric());
    let chars_match =
        if alphanumeric { key.len() == limits::ROUTING_KEY_CHARS } else { has_chars(key, limits::ROUTING_KEY_CHARS) };
    if !chars_match {
        problems.push(Problem::RoutingKeyLength);
    }
    if !alphanumeric {
        problems.push(Problem::RoutingKeyCharacters);
    }
    Some(key)
}

/// Whether the text has exactly `count` characters; looks no further than it must.
fn has_chars(text: &str, count: usize) -> bool {
    text.chars().take(count + 1).count() == count
}

fn action(field: Field<'_>) -> Result<Action, Problem> {
    let text = field.filled().ok_or(Problem::ActionMissing)?;
    Action::parse(text).ok_or(Problem::ActionInvalid)
}

fn dedup_key(field: Field<'_>, action: Option<Action>) -> Result<Option<&str>, Problem> {
    if field == Field::Other {
        return Err(Problem::DedupKeyNotText);
    }
    match (field.filled(), action) {
        (Some(key), _) if text::longer_than(key, limits::DEDUP_KEY_CHARS_MAX) => Err(Problem::DedupKeyLong),
        (Some(key), _) => Ok(Some(key)),
        (None, Some(Action::Acknowledge | Action::Resolve)) => Err(Problem::DedupKeyMissing),
        (None, Some(Action::Trigger) | None) => Ok(None),
    }
}

fn payload<'a>(event: &Event<'a>, long: LongSummary, problems: &mut Vec<Problem>) -> Option<Payload<'a>> {
    match event.payload {
        Shape::Object => {}
        Shape::Missing => {
            problems.push(Problem::PayloadMissing);
            return None;
        }
        Shape::Other => {
            problems.push(Problem::PayloadNotObject);
            return None;
        }
    }
    let summary = summary(event.summary, long).map_err(|p| problems.push(p)).ok();
    let source = event.source.filled().ok_or(Problem::SourceMissing).map_err(|p| problems.push(p)).ok();
    let severity = severity(event.severity).map_err(|p| problems.push(p)).ok();
    let (summary, summary_cut) = summary?;
    Some(Payload {
        summary,
        summary_cut,
        source: source?,
        severity: severity?,
        component: event.component.filled(),
        group: event.group.filled(),
        class: event.class.filled(),
        timestamp: event.timestamp.filled(),
    })
}

fn summary(field: Field<'_>, long: LongSummary) -> Result<(Cow<'_, str>, bool), Problem> {
    let summary = field.filled().ok_or(Problem::SummaryMissing)?;
    match long {
        LongSummary::Refuse if text::longer_than(summary, limits::SUMMARY_CHARS_MAX) => Err(Problem::SummaryLong),
        LongSummary::Refuse => Ok((Cow::Borrowed(summary), false)),
        LongSummary::Cut => Ok(match text::cut(summary, limits::SUMMARY_CHARS_MAX) {
            Some(shorter) => (Cow::Owned(shorter), true),
            None => (Cow::Borrowed(summary), false),
        }),
    }
}

fn severity(field: Field<'_>) -> Result<Severity, Problem> {
    let text = field.filled().ok_or(Problem::SeverityMissing)?;
    Severity::parse(text).ok_or(Problem::SeverityInvalid)
}
