//! From hand to hand: a step of the ladder, an escalation or reassignment by a person, a snooze, a note.

use campanile_directory::Snapshot;
use campanile_model::command::{ASSIGNEES_MAX, NOTE_CHARS_MAX, SNOOZE_SECONDS};
use campanile_model::outcome::RefusedReason;
use campanile_model::text::longer_than;
use campanile_model::{Change, Command, Heir, IncidentStatus, Named, Outcome, Span, Step, Timestamp, Urgency, UserId};
use smallvec::SmallVec;

use crate::command::change;
use crate::effects::{Addition, Effects, Publish, TimerChange};
use crate::state::{Acknowledgement, Incident, State};
use crate::timer::{Timer, TimerKind};

type Assignees = SmallVec<[Named<UserId>; 1]>;

/// The people with their names, each once.
fn named(directory: &Snapshot, users: &[UserId]) -> Result<Assignees, RefusedReason> {
    if users.is_empty() || users.len() > ASSIGNEES_MAX {
        return Err(RefusedReason::BadAssignees);
    }
    let mut named = Assignees::new();
    for id in users {
        let user = directory.user(id.as_str()).ok_or(RefusedReason::UnknownUser)?;
        if !named.iter().any(|known| known.id == *id) {
            named.push(Named { id: id.clone(), name: user.name.clone() });
        }
    }
    Ok(named)
}

/// A step of the ladder. It is for the notifier to say who has it; whether it still may is judged here.
pub(crate) fn escalate(
    directory: &Snapshot,
    state: &mut State,
    command: &Command,
    step: &Step,
    now: Timestamp,
) -> Effects {
    let Some(incident) = state.incidents.get(&command.incident) else {
        return Effects::refused(RefusedReason::UnknownIncident);
    };
    if incident.status == IncidentStatus::Acknowledged {
        return Effects::refused(RefusedReason::Acknowledged);
    }
    let users = match named(directory, &step.users) {
        Ok(users) => users,
        Err(reason) => return Effects::refused(reason),
    };
    // The first people of an incident were not escalated to, and neither is who has it already.
    let same = incident.assignees == users;
    let is_first = incident.assignees.is_empty() || same;
    let kind = if is_first { Change::Assigned } else { Change::Escalated };
    change(state, command, kind, now, |incident| {
        if !same {
            incident.assigned_at = Some(now);
        }
        incident.assignees = users;
        incident.level = step.level;
    })
}

/// A person asks for a level. The incident is triggered again; who has the level then is the notifier's next step.
pub(crate) fn request_escalation(
    directory: &Snapshot,
    state: &mut State,
    command: &Command,
    level: Option<u32>,
    now: Timestamp,
) -> Effects {
    let Some(incident) = state.incidents.get(&command.incident) else {
        return Effects::refused(RefusedReason::UnknownIncident);
    };
    if incident.urgency == Urgency::Low {
        return Effects::refused(RefusedReason::LowUrgency);
    }
    let levels = directory.policy(incident.policy.id.as_str()).map_or(0, |policy| policy.rules.len());
    let wanted = level.unwrap_or(incident.level + 1);
    if wanted == 0 || wanted as usize > levels {
        return Effects::refused(RefusedReason::NoSuchLevel);
    }
    let mut effects = released(state, command, Change::EscalationRequested, now, |_| {});
    add(&mut effects, Addition::Level(level));
    effects
}

pub(crate) fn reassign(
    directory: &Snapshot,
    state: &mut State,
    command: &Command,
    heir: &Heir,
    now: Timestamp,
) -> Effects {
    let Some(incident) = state.incidents.get(&command.incident) else {
        return Effects::refused(RefusedReason::UnknownIncident);
    };
    match heir {
        Heir::Users(users) => {
            let users = match named(directory, users) {
                Ok(users) => users,
                Err(reason) => return Effects::refused(reason),
            };
            let by_hand = incident.level == 0 && incident.status == IncidentStatus::Triggered;
            if by_hand && incident.assignees == users {
                return Effects::of(Outcome::Unchanged);
            }
            released(state, command, Change::Reassigned, now, |incident| {
                incident.assignees = users;
                incident.assigned_at = Some(now);
                incident.level = 0;
            })
        }
        Heir::Policy(policy) => {
            let Some(policy) = directory.policy(policy.as_str()) else {
                return Effects::refused(RefusedReason::UnknownPolicy);
            };
            let named = Named { id: policy.id.clone(), name: policy.name.clone() };
            released(state, command, Change::Delegated, now, |incident| {
                incident.policy = named;
                incident.assignees.clear();
                incident.assigned_at = None;
                incident.level = 0;
            })
        }
    }
}

/// A revision that leaves the incident triggered, whatever held it: acknowledgement and snooze go with their timers.
fn released(
    state: &mut State,
    command: &Command,
    kind: Change,
    now: Timestamp,
    edit: impl FnOnce(&mut Incident),
) -> Effects {
    let Some(incident) = state.incidents.get(&command.incident) else {
        return Effects::refused(RefusedReason::UnknownIncident);
    };
    let (acknowledged, snoozed) = (incident.acknowledgement_ends_at, incident.snoozed_until);
    // The rest of a snooze is not waited for any more, and auto-resolve had been put off by the whole of it.
    let auto_resolve = incident.auto_resolve_at.map(|due| snoozed.map_or(due, |until| due - until.since(now)));
    let mut effects = change(state, command, kind, now, |incident| {
        incident.auto_resolve_at = auto_resolve;
        incident.status = IncidentStatus::Triggered;
        incident.acknowledgement_ends_at = None;
        incident.snoozed_until = None;
        incident.acknowledgements.clear();
        edit(incident);
    });
    let timer = |kind| Timer::incident(kind, command.incident);
    if acknowledged.is_some() {
        effects.timers.push(TimerChange::clear(timer(TimerKind::AcknowledgementTimeout)));
    }
    if snoozed.is_some() {
        effects.timers.push(TimerChange::clear(timer(TimerKind::SnoozeEnd)));
        if let Some(due) = auto_resolve {
            effects.timers.push(TimerChange::set(timer(TimerKind::AutoResolve), due));
        }
    }
    effects
}

/// Gives what a snooze takes: acknowledged, with the snooze in the place of the time-out. Auto-resolve stands still
/// meanwhile, so its deadline moves on by the snooze. A new snooze replaces the old one.
pub(crate) fn snooze(state: &mut State, command: &Command, span: Span, now: Timestamp) -> Effects {
    if !(SNOOZE_SECONDS.0..=SNOOZE_SECONDS.1).contains(&span.whole_seconds()) {
        return Effects::refused(RefusedReason::BadSnooze);
    }
    let Some(incident) = state.incidents.get(&command.incident) else {
        return Effects::refused(RefusedReason::UnknownIncident);
    };
    let (timeout, before) = (incident.acknowledgement_ends_at, incident.snoozed_until);
    let (until, auto_resolve) = (now + span, incident.auto_resolve_at);
    let put_off = auto_resolve.map(|due| due + until.since(before.unwrap_or(now)));
    let by = Acknowledgement { at: now, by: command.actor.clone() };
    let mut effects = change(state, command, Change::Snoozed, now, |incident| {
        if incident.status != IncidentStatus::Acknowledged {
            incident.acknowledgements.push(by);
        }
        incident.status = IncidentStatus::Acknowledged;
        incident.acknowledgement_ends_at = None;
        incident.snoozed_until = Some(until);
        incident.auto_resolve_at = put_off;
    });
    let timer = |kind| Timer::incident(kind, command.incident);
    if timeout.is_some() {
        effects.timers.push(TimerChange::clear(timer(TimerKind::AcknowledgementTimeout)));
    }
    // A later deadline does not rewrite its timer.
    if before.is_none_or(|before| until < before) {
        effects.timers.push(TimerChange::set(timer(TimerKind::SnoozeEnd), until));
    }
    if let Some(due) = put_off.filter(|due| auto_resolve.is_some_and(|before| *due < before)) {
        effects.timers.push(TimerChange::set(timer(TimerKind::AutoResolve), due));
    }
    effects
}

pub(crate) fn note(state: &mut State, command: &Command, text: &str, now: Timestamp) -> Effects {
    if text.trim().is_empty() || longer_than(text, NOTE_CHARS_MAX) {
        return Effects::refused(RefusedReason::BadNote);
    }
    let mut effects = change(state, command, Change::Annotated, now, |_| {});
    add(&mut effects, Addition::Note(text.to_owned()));
    effects
}

/// Says more in the revision that was made last.
pub(crate) fn add(effects: &mut Effects, addition: Addition) {
    if let Some(Publish::Revision(revision)) = effects.publish.last_mut() {
        revision.addition = addition;
    }
}
