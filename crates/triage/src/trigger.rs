//! A trigger: a repeat of an open alert, or a new one.

use campanile_directory::{Integration, Service};
use campanile_model::{AlertStatus, Hidden, Outcome, Timestamp};
use compact_str::CompactString;

use crate::effects::{AlertRecord, Cause, Effects};
use crate::incident::{self, Arrival};
use crate::input::{Event, Payload};
use crate::key::AlertKey;
use crate::state::{Alert, AlertRow, Details, Named, State, Verdict};
use crate::suppress;

pub(crate) fn trigger(
    state: &mut State,
    service: &Service,
    integration: &Integration,
    key: AlertKey,
    event: &Event<'_>,
    payload: &Payload<'_>,
    now: Timestamp,
) -> Effects {
    match state.alerts.get(&key) {
        Some(AlertRow::Open(_)) => repeat(state, service, integration, key, event, payload, now),
        Some(AlertRow::Tombstone { partition, offset, at }) if event.source.is_older_than(*partition, *offset, *at) => {
            overtaken(state, service, integration, key, event, payload, now)
        }
        Some(AlertRow::Tombstone { .. }) | None => first(state, service, integration, key, event, payload, now),
    }
}

fn repeat(
    state: &mut State,
    service: &Service,
    integration: &Integration,
    key: AlertKey,
    event: &Event<'_>,
    payload: &Payload<'_>,
    now: Timestamp,
) -> Effects {
    let source = event.source;
    let Some(AlertRow::Open(alert)) = state.alerts.get_mut(&key) else { return Effects::of(Outcome::Deduplicated) };
    alert.count += 1;
    alert.last_seen = now;
    let (partition, offset, at) = alert.last_trigger;
    let newest = !source.is_older_than(partition, offset, at);
    if newest {
        alert.last_trigger = (source.partition, source.offset, source.at);
    }
    let regraded = newest && alert.severity != payload.severity;
    if regraded {
        alert.severity = payload.severity;
    }
    let (id, hidden_before) = (alert.id, alert.hidden);
    if let Some(before) = hidden_before {
        return judge_again(state, service, integration, (key, before), event, payload, now, regraded);
    }
    if regraded {
        let verdict = state.details.get(&key).map_or(Verdict::Opened, |details| details.verdict.clone());
        state.details.put(key, details(service, integration, event, payload, verdict));
        state.announced.open(key, id);
    }
    Effects::of(Outcome::Deduplicated)
}

/// A repeat of a hidden alert: still hidden, hidden by something else, or promoted when nothing hides it any more.
fn judge_again(
    state: &mut State,
    service: &Service,
    integration: &Integration,
    (key, before): (AlertKey, Hidden),
    event: &Event<'_>,
    payload: &Payload<'_>,
    now: Timestamp,
    regraded: bool,
) -> Effects {
    match suppress::hidden(service, now) {
        Some((hidden, verdict)) => {
            if hidden != before || regraded {
                state.details.put(key, details(service, integration, event, payload, verdict));
                edit(state, key, |alert| alert.hidden = Some(hidden));
            }
            Effects::of(Outcome::Deduplicated)
        }
        None => {
            let mut effects = Effects::of(Outcome::Promoted);
            let Some(id) = state.alert(&key).map(|alert| alert.id) else { return effects };
            let groups = event.groups(state.keys, service, payload);
            let arrival = Arrival {
                key,
                id,
                severity: payload.severity,
                summary: payload.summary,
                dedup_key: event.dedup_key,
                groups,
            };
            let (incident, verdict) =
                incident::place(state, service, arrival, Cause::Event(event.source), now, &mut effects);
            effects.outcome = Outcome::Promoted;
            state.details.put(key, details(service, integration, event, payload, verdict));
            edit(state, key, |alert| {
                alert.hidden = None;
                alert.incident = Some(incident);
            });
            effects
        }
    }
}

fn edit(state: &mut State, key: AlertKey, change: impl FnOnce(&mut Alert)) {
    if let Some(AlertRow::Open(alert)) = state.alerts.get_mut(&key) {
        change(alert);
        let id = alert.id;
        state.announced.open(key, id);
    }
}

fn first(
    state: &mut State,
    service: &Service,
    integration: &Integration,
    key: AlertKey,
    event: &Event<'_>,
    payload: &Payload<'_>,
    now: Timestamp,
) -> Effects {
    let mut alert = new_alert(state, event, payload, now);
    let id = alert.id;
    let mut effects = Effects::of(Outcome::Triggered);
    let verdict = match suppress::hidden(service, now) {
        Some((hidden, verdict)) => {
            alert.hidden = Some(hidden);
            effects.outcome = Outcome::Suppressed(hidden);
            verdict
        }
        None => {
            let groups = event.groups(state.keys, service, payload);
            let arrival = Arrival {
                key,
                id,
                severity: payload.severity,
                summary: payload.summary,
                dedup_key: event.dedup_key,
                groups,
            };
            let (incident, verdict) =
                incident::place(state, service, arrival, Cause::Event(event.source), now, &mut effects);
            alert.incident = Some(incident);
            verdict
        }
    };
    state.alerts.put(key, AlertRow::Open(alert));
    state.details.put(key, details(service, integration, event, payload, verdict));
    state.announced.open(key, id);
    effects
}

/// A trigger that its own resolve has overtaken: seen, stored as resolved, shown, told to nobody.
fn overtaken(
    state: &mut State,
    service: &Service,
    integration: &Integration,
    key: AlertKey,
    event: &Event<'_>,
    payload: &Payload<'_>,
    now: Timestamp,
) -> Effects {
    let mut alert = new_alert(state, event, payload, now);
    alert.status = AlertStatus::Resolved;
    alert.resolved_at = Some(now);
    let details = details(service, integration, event, payload, Verdict::Overtaken);
    state.announced.closed(key, AlertRecord { alert, details });
    Effects::of(Outcome::Overtaken)
}

fn new_alert(state: &mut State, event: &Event<'_>, payload: &Payload<'_>, now: Timestamp) -> Alert {
    let source = event.source;
    Alert {
        id: state.ids.alert(),
        status: AlertStatus::Triggered,
        severity: payload.severity,
        hidden: None,
        incident: None,
        count: 1,
        first_seen: now,
        last_seen: now,
        last_trigger: (source.partition, source.offset, source.at),
        resolved_at: None,
    }
}

fn details(
    service: &Service,
    integration: &Integration,
    event: &Event<'_>,
    payload: &Payload<'_>,
    verdict: Verdict,
) -> Details {
    let mut body = Vec::with_capacity(512);
    event.body.encode(&mut body);
    Details {
        service: Named { id: service.id.clone(), name: service.name.clone() },
        integration: CompactString::new(integration.id.as_str()),
        dedup_key: event.dedup_key.to_owned(),
        summary: payload.summary.to_owned(),
        verdict,
        body,
    }
}
