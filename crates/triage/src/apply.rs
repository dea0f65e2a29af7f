//! The one place where the machine's inputs meet its rows.

use campanile_directory::Snapshot;
use campanile_model::outcome::DeadReason;
use campanile_model::{Outcome, Timestamp};

use crate::effects::{Cause, Effects, Publish};
use crate::input::{Action, Event, Input};
use crate::{command, incident, resolve, state::State, timer, trigger};

/// Most times an event may be sent on: home, and twice more while homes move.
pub(crate) const HOPS_MAX: u8 = 3;

/// Judges one input. [`crate::footprint`] must have nothing left to ask for.
///
/// `now` is log time, never earlier than at the last call for this shard; a command may see a later one (LEDGER 4).
pub fn apply(directory: &Snapshot, state: &mut State, input: &Input<'_>, now: Timestamp) -> Effects {
    match input {
        Input::Event(event) => event_effects(directory, state, event, now),
        Input::Command(command, _) => command::command(directory, state, command, now),
        Input::Timer(due) => timer::fire(state, *due, now),
    }
}

fn event_effects(directory: &Snapshot, state: &mut State, event: &Event<'_>, now: Timestamp) -> Effects {
    let Some(route) = event.route(directory) else {
        return Effects::dead(DeadReason::UnknownKey, "no integration has this routing key");
    };
    if route.service.home != state.ids.shard {
        if event.source.hops >= HOPS_MAX {
            return Effects::dead(
                DeadReason::TooManyHops,
                "the event was sent on too often; its scope has no settled home",
            );
        }
        return Effects::of(Outcome::Forwarded).with(Publish::Forward(route.service.home));
    }
    let key = event.alert_key(state.keys, route);
    match (event.action, &event.payload) {
        (Action::Trigger, Some(payload)) => {
            let (service, integration) = (route.service, route.integration);
            trigger::trigger(state, &trigger::Trigger { service, integration, key, event, payload, now })
        }
        (Action::Trigger, None) => Effects::dead(DeadReason::Invalid, "a trigger needs a payload"),
        (Action::Acknowledge, _) => {
            let Some(alert) = state.alert(&key) else { return Effects::of(Outcome::NothingOpen) };
            let Some(id) = alert.incident else { return Effects::of(Outcome::AlreadyAcknowledged) };
            let mut effects = Effects::of(Outcome::AlreadyAcknowledged);
            let (timeout, by) = (route.service.acknowledgement_timeout, incident::service_agent(route.service));
            let cause = Cause::Event(event.source);
            if incident::acknowledge(state, id, timeout, by, cause, now, &mut effects) {
                effects.outcome = Outcome::Acknowledged;
            }
            effects
        }
        (Action::Resolve, _) => resolve::resolve_event(state, route.service, key, event, now),
    }
}
