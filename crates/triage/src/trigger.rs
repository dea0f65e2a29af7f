//! A trigger: a repeat of an open alert, or a new one.

use campanile_directory::{Integration, Service};
use campanile_model::{AlertId, AlertStatus, Hidden, IncidentId, Named, Outcome, Timestamp};
use compact_str::CompactString;

use crate::effects::{AlertRecord, Cause, Effects};
use crate::incident::{self, Arrival};
use crate::input::{Event, Payload};
use crate::key::AlertKey;
use crate::state::{Alert, AlertRow, Details, State, Verdict};
use crate::suppress;

/// A trigger that has found its service.
pub(crate) struct Trigger<'a> {
    pub(crate) service: &'a Service,
    pub(crate) integration: &'a Integration,
    pub(crate) key: AlertKey,
    pub(crate) event: &'a Event<'a>,
    pub(crate) payload: &'a Payload<'a>,
    pub(crate) now: Timestamp,
}

pub(crate) fn trigger(state: &mut State, trigger: &Trigger<'_>) -> Effects {
    let source = trigger.event.source;
    match state.alerts.get(&trigger.key) {
        Some(AlertRow::Open(_)) => repeat(state, trigger),
        Some(AlertRow::Tombstone { partition, offset, at }) if source.is_older_than(*partition, *offset, *at) => {
            overtaken(state, trigger)
        }
        Some(AlertRow::Tombstone { .. }) | None => first(state, trigger),
    }
}

fn repeat(state: &mut State, trigger: &Trigger<'_>) -> Effects {
    let (source, key) = (trigger.event.source, trigger.key);
    let Some(AlertRow::Open(alert)) = state.alerts.get_mut(&key) else { return Effects::of(Outcome::Deduplicated) };
    alert.count += 1;
    alert.last_seen = trigger.now;
    let (partition, offset, at) = alert.last_trigger;
    let newest = !source.is_older_than(partition, offset, at);
    if newest {
        alert.last_trigger = (source.partition, source.offset, source.at);
    }
    let regraded = newest && alert.severity != trigger.payload.severity;
    if regraded {
        alert.severity = trigger.payload.severity;
    }
    let (id, hidden_before) = (alert.id, alert.hidden);
    if let Some(before) = hidden_before {
        return judge_again(state, trigger, before, regraded);
    }
    if regraded {
        let verdict = state.details.get(&key).map_or(Verdict::Opened, |details| details.verdict.clone());
        state.details.put(key, trigger.details(verdict));
        state.announced.open(key, id);
    }
    Effects::of(Outcome::Deduplicated)
}

/// A repeat of a hidden alert: still hidden, hidden by something else, or promoted when nothing hides it any more.
fn judge_again(state: &mut State, trigger: &Trigger<'_>, before: Hidden, regraded: bool) -> Effects {
    let key = trigger.key;
    if let Some((hidden, verdict)) = suppress::hidden(trigger.service, trigger.now) {
        if hidden != before || regraded {
            state.details.put(key, trigger.details(verdict));
            edit(state, key, |alert| alert.hidden = Some(hidden));
        }
        return Effects::of(Outcome::Deduplicated);
    }
    let mut effects = Effects::of(Outcome::Promoted);
    let Some(id) = state.alert(&key).map(|alert| alert.id) else { return effects };
    let (incident, verdict) = place(state, trigger, id, &mut effects);
    effects.outcome = Outcome::Promoted;
    state.details.put(key, trigger.details(verdict));
    edit(state, key, |alert| {
        alert.hidden = None;
        alert.incident = Some(incident);
    });
    effects
}

fn edit(state: &mut State, key: AlertKey, change: impl FnOnce(&mut Alert)) {
    if let Some(AlertRow::Open(alert)) = state.alerts.get_mut(&key) {
        change(alert);
        let id = alert.id;
        state.announced.open(key, id);
    }
}

fn first(state: &mut State, trigger: &Trigger<'_>) -> Effects {
    let mut alert = trigger.new_alert(state);
    let (id, key) = (alert.id, trigger.key);
    let mut effects = Effects::of(Outcome::Triggered);
    let verdict = match suppress::hidden(trigger.service, trigger.now) {
        Some((hidden, verdict)) => {
            alert.hidden = Some(hidden);
            effects.outcome = Outcome::Suppressed(hidden);
            verdict
        }
        None => {
            let (incident, verdict) = place(state, trigger, id, &mut effects);
            alert.incident = Some(incident);
            verdict
        }
    };
    state.alerts.put(key, AlertRow::Open(alert));
    state.details.put(key, trigger.details(verdict));
    state.announced.open(key, id);
    effects
}

fn place(state: &mut State, trigger: &Trigger<'_>, id: AlertId, effects: &mut Effects) -> (IncidentId, Verdict) {
    let Trigger { service, key, event, payload, now, .. } = trigger;
    let arrival = Arrival {
        key: *key,
        id,
        severity: payload.severity,
        summary: payload.summary,
        dedup_key: event.dedup_key,
        groups: event.groups(state.keys, service, payload),
    };
    incident::place(state, service, arrival, Cause::Event(event.source), *now, effects)
}

/// A trigger that its own resolve has overtaken: seen, stored as resolved, shown, told to nobody.
fn overtaken(state: &mut State, trigger: &Trigger<'_>) -> Effects {
    let mut alert = trigger.new_alert(state);
    alert.status = AlertStatus::Resolved;
    alert.resolved_at = Some(trigger.now);
    state.announced.closed(trigger.key, AlertRecord { alert, details: trigger.details(Verdict::Overtaken) });
    Effects::of(Outcome::Overtaken)
}

impl Trigger<'_> {
    fn new_alert(&self, state: &mut State) -> Alert {
        let source = self.event.source;
        Alert {
            id: state.ids.alert(),
            status: AlertStatus::Triggered,
            severity: self.payload.severity,
            hidden: None,
            incident: None,
            count: 1,
            first_seen: self.now,
            last_seen: self.now,
            last_trigger: (source.partition, source.offset, source.at),
            resolved_at: None,
        }
    }

    fn details(&self, verdict: Verdict) -> Details {
        // The border knows the size of what it writes, and reserves it.
        let mut body = Vec::new();
        self.event.body.encode(&mut body);
        Details {
            service: Named { id: self.service.id.clone(), name: self.service.name.clone() },
            integration: CompactString::new(self.integration.id.as_str()),
            dedup_key: self.event.dedup_key.to_owned(),
            summary: self.payload.summary.to_owned(),
            verdict,
            body,
        }
    }
}
