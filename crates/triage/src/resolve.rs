//! Closing: an alert by its event, an incident with its last alert, and all alerts with their incident.

use campanile_directory::Service;
use campanile_model::{Actor, AlertStatus, Change, IncidentId, IncidentStatus, Outcome, Span, Timestamp};

use crate::effects::{AlertRecord, Cause, Effects, TimerChange};
use crate::incident::{self, Deed, service_agent};
use crate::input::Event;
use crate::key::{AlertKey, PageKey};
use crate::state::{AlertRow, State};
use crate::timer::{Timer, TimerKind};

/// How long a forwarded resolve waits for older triggers of its key.
pub(crate) const TOMBSTONE_KEPT: Span = Span::minutes(10);

pub(crate) fn resolve_event(
    state: &mut State,
    service: &Service,
    key: AlertKey,
    event: &Event<'_>,
    now: Timestamp,
) -> Effects {
    let source = event.source;
    let Some(alert) = state.alert(&key) else {
        let mut effects = Effects::of(Outcome::NothingOpen);
        leave_tombstone(state, key, event, now, &mut effects);
        return effects;
    };
    let (partition, offset, at) = alert.last_trigger;
    if source.is_older_than(partition, offset, at) {
        return Effects::of(Outcome::Overtaken);
    }
    let incident = alert.incident;
    let mut effects = Effects::of(Outcome::Resolved);
    let dedup_key = close_alert(state, key, now);
    leave_tombstone(state, key, event, now, &mut effects);
    if let Some(id) = incident {
        let last = match state.incidents.get_mut(&id) {
            Some(incident) => {
                incident.open -= 1;
                incident.open == 0
            }
            None => false,
        };
        if last {
            let agent = Some(service_agent(service));
            close_incident(state, id, agent, Cause::Event(source), now, dedup_key.into_iter().collect(), &mut effects);
        }
    }
    effects
}

/// Only forwarded events can be overtaken: those of one partition are in order.
fn leave_tombstone(state: &mut State, key: AlertKey, event: &Event<'_>, now: Timestamp, effects: &mut Effects) {
    if event.source.hops == 0 {
        return;
    }
    let source = event.source;
    let tombstone = AlertRow::Tombstone { partition: source.partition, offset: source.offset, at: source.at };
    state.alerts.put(key, tombstone);
    effects.timers.push(TimerChange::set(Timer::tombstone(key), now + TOMBSTONE_KEPT));
}

/// Closes one open alert: its last record is announced and its rows go. Gives its dedup key.
fn close_alert(state: &mut State, key: AlertKey, now: Timestamp) -> Option<String> {
    let AlertRow::Open(mut alert) = state.alerts.remove(&key)? else { return None };
    alert.status = AlertStatus::Resolved;
    alert.resolved_at = Some(now);
    let details = state.details.remove(&key)?;
    let dedup_key = details.dedup_key.clone();
    state.announced.closed(key, AlertRecord { alert, details });
    Some(dedup_key)
}

/// Resolves an open incident and all its open alerts.
pub(crate) fn resolve_incident(
    state: &mut State,
    id: IncidentId,
    agent: Option<Actor>,
    cause: Cause,
    now: Timestamp,
    effects: &mut Effects,
) {
    let Some(incident) = state.incidents.get_mut(&id) else { return };
    incident.open = 0;
    let pages = incident.pages();
    let mut closed = Vec::new();
    for page in 0..pages {
        let members = state.members.get(&PageKey { page, incident: id }).cloned().unwrap_or_default();
        for member in members {
            // The key may be open again under another incident: only this incident's own alerts close with it.
            let mine = state.alert(&member.alert).is_some_and(|alert| alert.id == member.id);
            if mine {
                closed.extend(close_alert(state, member.alert, now));
            }
        }
    }
    close_incident(state, id, agent, cause, now, closed, effects);
}

/// The incident's end, its alerts being closed: groups and pages go, timers go (TR-7), the last revision is published.
pub(crate) fn close_incident(
    state: &mut State,
    id: IncidentId,
    agent: Option<Actor>,
    cause: Cause,
    now: Timestamp,
    alert_keys: Vec<String>,
    effects: &mut Effects,
) {
    let Some(incident) = state.incidents.get(&id) else { return };
    let armed = [
        (TimerKind::SnoozeEnd, incident.snoozed_until),
        (TimerKind::AutoResolve, incident.auto_resolve_at),
        (TimerKind::AcknowledgementTimeout, incident.acknowledgement_ends_at),
        (TimerKind::UrgencyRise, incident.urgency_rises_at),
    ];
    let pages = incident.pages();
    for (kind, due) in armed {
        if due.is_some() {
            effects.timers.push(TimerChange::clear(Timer::incident(kind, id)));
        }
    }
    for page in 0..pages {
        for member in state.members.remove(&PageKey { page, incident: id }).unwrap_or_default() {
            for group in member.groups {
                // A later incident may have taken the group over.
                if state.groups.get(&group) == Some(&id) {
                    state.groups.remove(&group);
                }
            }
        }
    }
    let deed = Deed { change: Change::Resolved, agent, cause, at: now };
    incident::revise(state, id, deed, effects, |incident| {
        incident.status = IncidentStatus::Resolved;
        incident.resolved_at = Some(now);
        incident.auto_resolve_at = None;
        incident.acknowledgement_ends_at = None;
        incident.urgency_rises_at = None;
        incident.snoozed_until = None;
        incident.assignees.clear();
        incident.assigned_at = None;
        incident.acknowledgements.clear();
    });
    if let Some(crate::effects::Publish::Revision(revision)) = effects.publish.last_mut() {
        revision.alert_keys = alert_keys;
    }
}
