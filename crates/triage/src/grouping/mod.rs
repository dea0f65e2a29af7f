//! Which open incident a new alert joins. Decided once, for a new alert; a repeat never moves.

mod content;
mod similar;
mod time;

use campanile_directory::grouping::{GROUP_AGE_MAX, GROUP_ALERTS_MAX};
use campanile_directory::{Aggregate, FieldPath, Grouping, Service};
use campanile_model::{IncidentId, Timestamp};
use smallvec::SmallVec;

use crate::input::{Body, Payload};
use crate::key::{GroupKey, Keys};
use crate::state::{Incident, State};

/// The groups that a new alert belongs to, first choice first.
pub type GroupKeys = SmallVec<[GroupKey; 1]>;

/// Name in records, that of PagerDuty's `type`.
pub(crate) fn name(grouping: &Grouping) -> &'static str {
    match grouping {
        Grouping::Time { .. } => "time",
        Grouping::Content { .. } => "content_based",
        Grouping::Intelligent { .. } => "intelligent",
        Grouping::ContentIntelligent { .. } => "content_based_intelligent",
    }
}

/// The groups this alert would join or make. Empty: it gets an incident of its own that nothing joins.
pub(crate) fn keys(keys: Keys, service: &Service, payload: &Payload<'_>, body: &dyn Body) -> GroupKeys {
    let scope = service.scope.as_str();
    match &service.grouping {
        None => GroupKeys::new(),
        Some(Grouping::Time { .. }) => time::keys(keys, scope),
        Some(Grouping::Content { aggregate, fields, .. }) => {
            content::keys(keys, scope, *aggregate, &values(fields, payload, body), &[])
        }
        Some(Grouping::Intelligent { fields, .. }) => {
            let similar = similar::values(fields, payload, body);
            content::keys(keys, scope, Aggregate::All, &similar, &[])
        }
        Some(Grouping::ContentIntelligent { aggregate, fields, similar, .. }) => {
            let similar = similar::values(similar, payload, body);
            content::keys(keys, scope, *aggregate, &values(fields, payload, body), &similar)
        }
    }
}

/// Whether the incident still takes new alerts at this instant, under the grouping its service has now.
pub(crate) fn takes(grouping: &Grouping, incident: &Incident, now: Timestamp) -> bool {
    if !incident.status.is_open() || incident.alerts >= GROUP_ALERTS_MAX {
        return false;
    }
    let age = now.since(incident.created_at);
    match grouping {
        Grouping::Time { window } => window.is_none_or(|window| age < window),
        Grouping::Content { window, .. }
        | Grouping::Intelligent { window, .. }
        | Grouping::ContentIntelligent { window, .. } => {
            age < GROUP_AGE_MAX && now.since(incident.last_joined_at) < *window
        }
    }
}

/// The incident that the alert joins: the first of its groups whose incident still takes alerts.
pub(crate) fn find(state: &State, grouping: &Grouping, groups: &[GroupKey], now: Timestamp) -> Option<IncidentId> {
    groups.iter().find_map(|group| {
        let id = state.groups.get(group)?;
        let incident = state.incidents.get(id)?;
        takes(grouping, incident, now).then_some(*id)
    })
}

/// The text of each field, in order; `None` where the event has none.
fn values(fields: &[FieldPath], payload: &Payload<'_>, body: &dyn Body) -> Vec<Option<String>> {
    fields.iter().map(|field| value(field, payload, body)).collect()
}

fn value(field: &FieldPath, payload: &Payload<'_>, body: &dyn Body) -> Option<String> {
    match field {
        FieldPath::Summary => Some(payload.summary.to_owned()),
        FieldPath::Source => Some(payload.source.to_owned()),
        FieldPath::Severity => Some(payload.severity.as_str().to_owned()),
        FieldPath::Component => payload.component.map(str::to_owned),
        FieldPath::Group => payload.group.map(str::to_owned),
        FieldPath::Class => payload.class.map(str::to_owned),
        FieldPath::Details(path) => body.detail(path),
    }
}
