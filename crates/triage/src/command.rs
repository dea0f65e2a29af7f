//! Commands: what people and the notifier ask. Every one is answered by exactly one record: its revision, or an answer.

use campanile_directory::Snapshot;
use campanile_model::outcome::RefusedReason;
use campanile_model::text::{SUMMARY_CHARS_MAX, cut};
use campanile_model::{Change, Command, Named, Outcome, Span, Timestamp, Verb};

use crate::effects::{Cause, CommandAnswer, Effects, Publish, TimerChange};
use crate::incident::{self, Deed};
use crate::state::{Answer, State};
use crate::timer::{Timer, TimerKind};
use crate::{hand, merge, resolve};

/// How long the id of a command is remembered; a repeat inside it gets the first answer.
pub(crate) const ANSWER_KEPT: Span = Span::hours(24);

pub(crate) fn command(directory: &Snapshot, state: &mut State, command: &Command, now: Timestamp) -> Effects {
    let key = state.keys.command(&command.id);
    if let Some(answer) = state.answers.get(&key).copied() {
        return Effects::of(Outcome::Repeated).with(answered(command, answer, true, now));
    }
    let mut effects = judge(directory, state, command, now);
    let revision = state.incidents.get(&command.incident).map_or(0, |incident| incident.revision);
    let answer = match effects.outcome {
        Outcome::Applied => Answer::Applied(revision),
        Outcome::Refused(reason) => Answer::Refused(reason),
        _ => Answer::Unchanged(revision),
    };
    if !matches!(answer, Answer::Applied(_)) {
        effects.publish.push(answered(command, answer, false, now));
    }
    state.answers.put(key, answer);
    let expiry = Timer { kind: TimerKind::AnswerExpiry, object: key.0 };
    effects.timers.push(TimerChange::set(expiry, now + ANSWER_KEPT));
    effects
}

fn answered(command: &Command, answer: Answer, repeated: bool, now: Timestamp) -> Publish {
    let (id, incident) = (command.id.clone(), command.incident);
    Publish::Answer(Box::new(CommandAnswer { command: id, incident, answer, repeated, at: now }))
}

fn judge(directory: &Snapshot, state: &mut State, command: &Command, now: Timestamp) -> Effects {
    let Some(incident) = state.incidents.get(&command.incident) else {
        return Effects::refused(RefusedReason::UnknownIncident);
    };
    if command.revision.is_some_and(|seen| seen != incident.revision) {
        return Effects::refused(RefusedReason::StaleRevision);
    }
    if !incident.status.is_open() {
        return match command.verb {
            Verb::Resolve => Effects::of(Outcome::Unchanged),
            _ => Effects::refused(RefusedReason::Resolved),
        };
    }
    match &command.verb {
        Verb::Acknowledge => acknowledge(directory, state, command, now),
        Verb::Resolve => {
            let mut effects = Effects::of(Outcome::Applied);
            let cause = Cause::Command(command.id.clone());
            resolve::resolve_incident(state, command.incident, Some(command.actor.clone()), cause, now, &mut effects);
            effects
        }
        Verb::SetPriority(None) if incident.priority.is_none() => Effects::of(Outcome::Unchanged),
        Verb::SetPriority(None) => change(state, command, Change::PriorityUpdated, now, |i| i.priority = None),
        Verb::SetPriority(Some(wanted)) => {
            let Some(priority) = directory.priority(wanted) else {
                return Effects::refused(RefusedReason::UnknownPriority);
            };
            if incident.priority.as_ref().is_some_and(|now| now.id == priority.id) {
                return Effects::of(Outcome::Unchanged);
            }
            let named = Named { id: priority.id.clone(), name: priority.name.clone() };
            change(state, command, Change::PriorityUpdated, now, |i| i.priority = Some(named))
        }
        Verb::SetUrgency(urgency) if incident.urgency == *urgency => Effects::of(Outcome::Unchanged),
        Verb::SetUrgency(urgency) => set_urgency(state, command, *urgency, now),
        Verb::SetTitle(title) if title.trim().is_empty() => Effects::refused(RefusedReason::BlankTitle),
        Verb::SetTitle(title) => {
            let title = cut(title, SUMMARY_CHARS_MAX).unwrap_or_else(|| title.clone());
            if incident.title == title {
                return Effects::of(Outcome::Unchanged);
            }
            change(state, command, Change::TitleUpdated, now, |i| i.title = title)
        }
        Verb::Escalate(step) => hand::escalate(directory, state, command, step, now),
        Verb::RequestEscalation(level) => hand::request_escalation(directory, state, command, *level, now),
        Verb::Reassign(heir) => hand::reassign(directory, state, command, heir, now),
        Verb::Snooze(span) => hand::snooze(state, command, *span, now),
        Verb::Merge(sources) => merge::merge(state, command, sources, now),
        Verb::Note(text) => hand::note(state, command, text, now),
    }
}

fn acknowledge(directory: &Snapshot, state: &mut State, command: &Command, now: Timestamp) -> Effects {
    let mut effects = Effects::of(Outcome::Unchanged);
    let timeout = acknowledgement_timeout(directory, state, command);
    let cause = Cause::Command(command.id.clone());
    if incident::acknowledge(state, command.incident, timeout, command.actor.clone(), cause, now, &mut effects) {
        effects.outcome = Outcome::Applied;
    }
    effects
}

fn acknowledgement_timeout(directory: &Snapshot, state: &State, command: &Command) -> Option<Span> {
    let incident = state.incidents.get(&command.incident)?;
    directory.service(incident.service.id.as_str())?.acknowledgement_timeout
}

/// A raise by hand takes the pending raise away with it; its timer finds nothing to do.
fn set_urgency(state: &mut State, command: &Command, urgency: campanile_model::Urgency, now: Timestamp) -> Effects {
    let armed = state.incidents.get(&command.incident).is_some_and(|i| i.urgency_rises_at.is_some());
    let mut effects = change(state, command, Change::UrgencyUpdated, now, |i| {
        i.urgency = urgency;
        i.urgency_rises_at = None;
    });
    if armed {
        effects.timers.push(TimerChange::clear(Timer::incident(TimerKind::UrgencyRise, command.incident)));
    }
    effects
}

pub(crate) fn change(
    state: &mut State,
    command: &Command,
    change: Change,
    now: Timestamp,
    edit: impl FnOnce(&mut crate::state::Incident),
) -> Effects {
    let mut effects = Effects::of(Outcome::Applied);
    let (agent, cause) = (Some(command.actor.clone()), Cause::Command(command.id.clone()));
    incident::revise(state, command.incident, Deed { change, agent, cause, at: now }, &mut effects, edit);
    effects
}
