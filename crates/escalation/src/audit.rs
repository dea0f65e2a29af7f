//! The auditor's question. It is asked from outside, of rows and timers as they are stored, and what it finds comes
//! back as an input, so that a repair is judged in order with everything else.

use campanile_model::{IncidentId, Paging, Timestamp};

use crate::effects::Effects;
use crate::state::{Ladder, State};
use crate::timer::Timer;

/// Whether a ladder will go on by itself, or rightly does not. `armed` is when its timer will fire.
pub fn has_a_future(ladder: &Ladder, armed: Option<Timestamp>) -> bool {
    match ladder.due {
        Some(due) => armed.is_some_and(|at| at <= due),
        None => !ladder.stage.waits(),
    }
}

/// Arms a ladder's timer again; one that lost its deadline goes on at once.
pub(crate) fn repair(state: &mut State, incident: IncidentId, now: Timestamp) -> Effects {
    let waits = state.ladders.get(&incident).is_some_and(|ladder| ladder.stage.waits());
    let Some(ladder) = state.ladders.get_mut(&incident).filter(|_| waits) else {
        return Effects::of(Paging::Noted);
    };
    let due = *ladder.due.get_or_insert(now);
    let mut effects = Effects::of(Paging::Repaired);
    effects.move_timer(Timer::ladder(incident), Some(due));
    effects
}
