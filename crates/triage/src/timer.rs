//! Timers of the machine: the kinds, and what each does when it falls due.

use campanile_model::{Change, IncidentId, IncidentStatus, Outcome, Timestamp, Urgency};

use crate::effects::{Cause, Effects, TimerChange};
use crate::incident::{self, Deed};
use crate::key::AlertKey;
use crate::state::{AlertRow, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimerKind {
    /// An incident has been open for its service's auto-resolve time-out.
    AutoResolve,
    /// An acknowledgement ran out.
    AcknowledgementTimeout,
    /// Support hours raise an open low-urgency incident.
    UrgencyRise,
    /// The answer to a command need not be remembered any longer.
    AnswerExpiry,
    /// A forwarded resolve need not wait for older triggers any longer.
    TombstoneExpiry,
    /// A snooze ends.
    SnoozeEnd,
}

impl TimerKind {
    pub const ALL: [Self; 6] = [
        Self::AutoResolve,
        Self::AcknowledgementTimeout,
        Self::UrgencyRise,
        Self::AnswerExpiry,
        Self::TombstoneExpiry,
        Self::SnoozeEnd,
    ];

    /// Number in timer keys; never reused.
    pub const fn number(self) -> u8 {
        match self {
            Self::AutoResolve => 1,
            Self::AcknowledgementTimeout => 2,
            Self::UrgencyRise => 3,
            Self::AnswerExpiry => 4,
            Self::TombstoneExpiry => 5,
            Self::SnoozeEnd => 6,
        }
    }

    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AutoResolve => "auto_resolve",
            Self::AcknowledgementTimeout => "acknowledgement_timeout",
            Self::UrgencyRise => "urgency_rise",
            Self::AnswerExpiry => "answer_expiry",
            Self::TombstoneExpiry => "tombstone_expiry",
            Self::SnoozeEnd => "snooze_end",
        }
    }
}

/// One timer: at most one deadline per (kind, object). Objects are incident ids, command hashes or alert keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    pub kind: TimerKind,
    pub object: u128,
}

impl Timer {
    pub fn incident(kind: TimerKind, id: IncidentId) -> Self {
        Self { kind, object: u128::from(id.0) }
    }

    pub fn tombstone(key: AlertKey) -> Self {
        Self { kind: TimerKind::TombstoneExpiry, object: key.packed() }
    }

    pub(crate) fn incident_id(self) -> IncidentId {
        IncidentId(self.object as u64)
    }
}

pub(crate) fn fire(state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    match timer.kind {
        TimerKind::AutoResolve => auto_resolve(state, timer, now),
        TimerKind::AcknowledgementTimeout => acknowledgement_timeout(state, timer, now),
        TimerKind::UrgencyRise => urgency_rise(state, timer, now),
        TimerKind::SnoozeEnd => snooze_end(state, timer, now),
        TimerKind::AnswerExpiry => {
            state.answers.remove(&crate::key::CommandKey(timer.object));
            Effects::of(Outcome::Fired).with_timer(TimerChange::clear(timer))
        }
        TimerKind::TombstoneExpiry => {
            let key = AlertKey::unpack(timer.object);
            // The key may have been triggered anew since; only the tombstone goes.
            if matches!(state.alerts.get(&key), Some(AlertRow::Tombstone { .. })) {
                state.alerts.remove(&key);
            }
            Effects::of(Outcome::Fired).with_timer(TimerChange::clear(timer))
        }
    }
}

/// A later deadline does not rewrite its timer: fired early, it is armed again here.
fn early(timer: Timer, deadline: Option<Timestamp>, now: Timestamp) -> Option<Effects> {
    match deadline {
        Some(due) if due <= now => None,
        Some(due) => Some(Effects::of(Outcome::Stale).with_timer(TimerChange::set(timer, due))),
        None => Some(Effects::of(Outcome::Stale).with_timer(TimerChange::clear(timer))),
    }
}

fn auto_resolve(state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    let id = timer.incident_id();
    let deadline = state.incidents.get(&id).filter(|i| i.status.is_open()).and_then(|i| i.auto_resolve_at);
    if let Some(effects) = early(timer, deadline, now) {
        return effects;
    }
    let mut effects = Effects::of(Outcome::Fired);
    crate::resolve::resolve_incident(state, id, None, Cause::Timer(timer.kind), now, &mut effects);
    effects
}

fn acknowledgement_timeout(state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    let id = timer.incident_id();
    let deadline = state
        .incidents
        .get(&id)
        .filter(|i| i.status == IncidentStatus::Acknowledged)
        .and_then(|i| i.acknowledgement_ends_at);
    if let Some(effects) = early(timer, deadline, now) {
        return effects;
    }
    let mut effects = Effects::of(Outcome::Fired).with_timer(TimerChange::clear(timer));
    let deed = Deed { change: Change::Unacknowledged, agent: None, cause: Cause::Timer(timer.kind), at: now };
    incident::revise(state, id, deed, &mut effects, |incident| {
        incident.status = IncidentStatus::Triggered;
        incident.acknowledgement_ends_at = None;
        incident.acknowledgements.clear();
    });
    effects
}

fn urgency_rise(state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    let id = timer.incident_id();
    let deadline = state
        .incidents
        .get(&id)
        .filter(|i| i.status.is_open() && i.urgency == Urgency::Low)
        .and_then(|i| i.urgency_rises_at);
    if let Some(effects) = early(timer, deadline, now) {
        return effects;
    }
    let mut effects = Effects::of(Outcome::Fired).with_timer(TimerChange::clear(timer));
    let deed = Deed { change: Change::UrgencyUpdated, agent: None, cause: Cause::Timer(timer.kind), at: now };
    incident::revise(state, id, deed, &mut effects, |incident| {
        incident.urgency = Urgency::High;
        incident.urgency_rises_at = None;
    });
    effects
}

fn snooze_end(state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    let id = timer.incident_id();
    let deadline = state.incidents.get(&id).filter(|i| i.status.is_open()).and_then(|i| i.snoozed_until);
    if let Some(effects) = early(timer, deadline, now) {
        return effects;
    }
    let mut effects = Effects::of(Outcome::Fired).with_timer(TimerChange::clear(timer));
    let deed = Deed { change: Change::Unacknowledged, agent: None, cause: Cause::Timer(timer.kind), at: now };
    incident::revise(state, id, deed, &mut effects, |incident| {
        incident.status = IncidentStatus::Triggered;
        incident.snoozed_until = None;
        incident.acknowledgements.clear();
    });
    effects
}
