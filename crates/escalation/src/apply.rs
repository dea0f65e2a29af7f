//! The one place where the machine's inputs meet its rows.

use campanile_model::Timestamp;

use crate::effects::Effects;
use crate::input::{Input, Report};
use crate::oncall::World;
use crate::state::State;
use crate::timer::TimerKind;
use crate::{answer, audit, handoff, invariants, ladder, notice, plan};

/// Judges one input. [`crate::footprint`] must have nothing left to ask for.
///
/// `now` is log time, never earlier than at the last call for this shard; a report may see a later one (LEDGER 4).
///
/// `present` is the moment that the pass has come to. It is later than `now` while a backlog or an outage is worked off.
/// What people get, and every deadline that falls due, is judged by it: who is on call now is paged, and a wait that
/// was missed is not waited for again and again. Records about incidents are judged by log time.
pub fn apply(world: World<'_>, state: &mut State, input: &Input<'_>, now: Timestamp, present: Timestamp) -> Effects {
    let now = match input {
        Input::Notice(_) | Input::Withdrawal(_) => now,
        Input::Page(_) | Input::Report(_) | Input::Timer(_) => now.max(present),
    };
    let effects = match input {
        Input::Notice(it) => notice::notice(world, state, it, now),
        Input::Page(page) => plan::page(world, state, page, now),
        Input::Withdrawal(it) => plan::withdrawal(state, it, now),
        Input::Report(Report::Order { order, reply }) => answer::order(state, *order, reply, now),
        Input::Report(Report::Person { id, user, order, incident, verb }) => {
            let who = answer::Answer { id, user, order: *order, incident: *incident, verb };
            answer::person(state, &who, now)
        }
        Input::Report(Report::Sent { key, id }) => answer::sent(state, *key, id),
        Input::Report(Report::Handoff(notice)) => handoff::tell(state, notice, now),
        Input::Report(Report::Audit(incident)) => audit::repair(state, *incident, now),
        Input::Timer(timer) => match timer.kind {
            TimerKind::Ladder => ladder::fire(world, state, *timer, now),
            TimerKind::Person => plan::fire(state, *timer, now),
            TimerKind::Order => answer::fire(state, *timer, now),
        },
    };
    if cfg!(debug_assertions)
        && let Err(breach) = invariants::effects(state, &effects)
    {
        panic!("{}", breach.0);
    }
    effects
}
