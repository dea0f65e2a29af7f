//! The incident's life: made, joined, revised.

use campanile_directory::Service;
use campanile_model::{Actor, Change, IncidentId, IncidentStatus, Named, Outcome, Severity, Timestamp, Urgency};
use compact_str::CompactString;
use smallvec::SmallVec;

use crate::effects::{Addition, Cause, Effects, Publish, Revision, TimerChange};
use crate::grouping;
use crate::key::{AlertKey, GroupKey, PageKey};
use crate::state::{Acknowledgement, Incident, Member, PAGE_MEMBERS, State, Verdict};
use crate::timer::{Timer, TimerKind};

/// The agent of what an event does: its service, as PagerDuty's own webhooks say.
pub(crate) fn service_agent(service: &Service) -> Actor {
    Actor { kind: CompactString::const_new("service_reference"), id: CompactString::new(service.id.as_str()) }
}

/// An alert looking for its incident.
pub(crate) struct Arrival<'a> {
    pub(crate) key: AlertKey,
    pub(crate) id: campanile_model::AlertId,
    pub(crate) severity: Severity,
    pub(crate) summary: &'a str,
    pub(crate) dedup_key: &'a str,
    pub(crate) groups: &'a [GroupKey],
}

/// Puts a visible alert into an open incident of its group, or opens one for it.
pub(crate) fn place(
    state: &mut State,
    service: &Service,
    arrival: Arrival<'_>,
    cause: Cause,
    now: Timestamp,
    effects: &mut Effects,
) -> (IncidentId, Verdict) {
    if let Some(grouping) = &service.grouping
        && let Some(id) = grouping::find(state, grouping, arrival.groups, now)
    {
        join(state, id, arrival, now);
        effects.outcome = Outcome::Grouped;
        return (id, Verdict::Grouped(grouping::name(grouping)));
    }
    let id = open(state, service, &arrival, now, effects);
    let alert_keys = vec![arrival.dedup_key.to_owned()];
    remember(state, id, 0, arrival);
    effects.outcome = Outcome::Triggered;
    if let Some(incident) = state.incidents.get(&id) {
        let agent = Some(service_agent(service));
        let revision = Revision {
            incident: incident.clone(),
            change: Change::Triggered,
            agent,
            cause,
            at: now,
            alert_keys,
            addition: Addition::None,
        };
        effects.publish.push(Publish::Revision(Box::new(revision)));
    }
    (id, Verdict::Opened)
}

fn open(
    state: &mut State,
    service: &Service,
    arrival: &Arrival<'_>,
    now: Timestamp,
    effects: &mut Effects,
) -> IncidentId {
    let id = state.ids.incident();
    let urgency = service.urgency(arrival.severity, now);
    let incident = Incident {
        id,
        status: IncidentStatus::Triggered,
        urgency,
        priority: service.priority(arrival.severity).map(|p| Named { id: p.id.clone(), name: p.name.clone() }),
        title: arrival.summary.to_owned(),
        incident_key: arrival.dedup_key.to_owned(),
        service: Named { id: service.id.clone(), name: service.name.clone() },
        policy: Named { id: service.policy.clone(), name: service.policy_name.clone() },
        created_at: now,
        status_changed_at: now,
        resolved_at: None,
        revision: 1,
        alerts: 1,
        open: 1,
        grouping: CompactString::const_new(service.grouping.as_ref().map_or("", grouping::name)),
        last_joined_at: now,
        acknowledgements: SmallVec::new(),
        auto_resolve_at: service.auto_resolve.map(|after| now + after),
        acknowledgement_ends_at: None,
        assignees: SmallVec::new(),
        assigned_at: None,
        level: 0,
        snoozed_until: None,
        merged_into: None,
        urgency_rises_at: if urgency == Urgency::Low { service.urgency_rises_after(now) } else { None },
    };
    if let Some(due) = incident.auto_resolve_at {
        effects.timers.push(TimerChange::set(Timer::incident(TimerKind::AutoResolve, id), due));
    }
    if let Some(due) = incident.urgency_rises_at {
        effects.timers.push(TimerChange::set(Timer::incident(TimerKind::UrgencyRise, id), due));
    }
    state.incidents.put(id, incident);
    id
}

fn join(state: &mut State, id: IncidentId, arrival: Arrival<'_>, now: Timestamp) {
    let Some(incident) = state.incidents.get_mut(&id) else { return };
    debug_assert!(incident.status.is_open(), "TR-4: incident {id} is resolved and was about to take an alert");
    let nth = incident.alerts;
    incident.alerts += 1;
    incident.open += 1;
    incident.last_joined_at = now;
    remember(state, id, nth, arrival);
}

/// Notes the alert as the `nth` member, and points its groups here.
fn remember(state: &mut State, id: IncidentId, nth: u32, arrival: Arrival<'_>) {
    let page = PageKey { page: nth / PAGE_MEMBERS, incident: id };
    let mut member = Member { alert: arrival.key, id: arrival.id, groups: SmallVec::new() };
    for group in arrival.groups {
        if state.groups.get(group) != Some(&id) {
            state.groups.put(*group, id);
            member.groups.push(*group);
        }
    }
    if nth.is_multiple_of(PAGE_MEMBERS) {
        state.members.put(page, vec![member]);
    } else if let Some(members) = state.members.get_mut(&page) {
        members.push(member);
    }
}

/// What a revision says beside the incident itself.
pub(crate) struct Deed {
    pub(crate) change: Change,
    /// `None`: a timer did it.
    pub(crate) agent: Option<Actor>,
    pub(crate) cause: Cause,
    pub(crate) at: Timestamp,
}

/// Changes an open incident and publishes the revision.
pub(crate) fn revise(
    state: &mut State,
    id: IncidentId,
    deed: Deed,
    effects: &mut Effects,
    edit: impl FnOnce(&mut Incident),
) {
    let Some(incident) = state.incidents.get_mut(&id) else { return };
    let Deed { change, agent, cause, at } = deed;
    let before = incident.status;
    edit(incident);
    incident.revision += 1;
    if incident.status != before {
        incident.status_changed_at = at;
    }
    let revision = Revision {
        incident: incident.clone(),
        change,
        agent,
        cause,
        at,
        alert_keys: Vec::new(),
        addition: Addition::None,
    };
    effects.publish.push(Publish::Revision(Box::new(revision)));
}

/// Acknowledges, or restarts the time-out of an incident that is acknowledged already. Says whether a revision was made.
pub(crate) fn acknowledge(
    state: &mut State,
    id: IncidentId,
    timeout: Option<campanile_model::Span>,
    by: Actor,
    cause: Cause,
    now: Timestamp,
    effects: &mut Effects,
) -> bool {
    let Some(incident) = state.incidents.get_mut(&id) else { return false };
    if incident.snoozed_until.is_some() {
        // A snooze stands in the time-out's place, and an acknowledgement does not shorten it.
        return false;
    }
    let ends = timeout.map(|timeout| now + timeout);
    let timer = Timer::incident(TimerKind::AcknowledgementTimeout, id);
    match (std::mem::replace(&mut incident.acknowledgement_ends_at, ends), ends) {
        (None, Some(due)) => effects.timers.push(TimerChange::set(timer, due)),
        // The directory has a shorter time-out by now.
        (Some(before), Some(due)) if due < before => effects.timers.push(TimerChange::set(timer, due)),
        // A running timer is left alone: it fires early, finds the later deadline and is armed again.
        (Some(_), Some(_)) | (None, None) => {}
        // The directory has none by now; a timer left behind would outlive its incident (TR-7).
        (Some(_), None) => effects.timers.push(TimerChange::clear(timer)),
    }
    if incident.status == IncidentStatus::Acknowledged {
        return false;
    }
    let acknowledgement = Acknowledgement { at: now, by: by.clone() };
    let deed = Deed { change: Change::Acknowledged, agent: Some(by), cause, at: now };
    revise(state, id, deed, effects, |incident| {
        incident.status = IncidentStatus::Acknowledged;
        incident.acknowledgements.push(acknowledgement);
    });
    true
}
