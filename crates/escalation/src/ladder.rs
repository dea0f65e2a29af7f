//! The way up: which level comes next and who is there, and what a deadline does.

use campanile_model::Timestamp;

use crate::assign;
use crate::effects::Effects;
use crate::input::Place;
use crate::oncall::{Users, World};
use crate::state::{Ladder, Policy, Stage, State};
use crate::step::Climb;
use crate::timer::Timer;

/// A step is asked of the processor anew, in place of a page without its word, so often: an outage is no silence of the
/// processor, but somebody must be paged in the end.
const RENEWED_MAX: u32 = 3;

/// What the walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Enter {
        place: Place,
        users: Users,
        ring: u32,
    },
    /// No level has anybody; the lap in which that was found.
    Uncovered {
        lap: u32,
    },
    /// The last lap is over.
    Exhausted,
}

/// A walk from one place on: what it found, and the levels that it passed because nobody was there.
pub(crate) struct Walk {
    pub(crate) next: Next,
    pub(crate) skipped: Vec<Place>,
}

/// The first place of a cycle.
pub(crate) fn first(cycle: u32) -> Place {
    Place { cycle, lap: 0, level: 1, turn: 0 }
}

/// The place after this one; `None` at the end of the last lap. Laps are counted from 0 to `loops`.
pub(crate) fn after(policy: &Policy, place: Place) -> Option<Place> {
    if let Some(rung) = policy.rungs.get((place.level as usize).wrapping_sub(1))
        && place.turn + 1 < assign::turns(rung)
    {
        return Some(Place { turn: place.turn + 1, ..place });
    }
    level_after(policy, place)
}

/// The same without the turns of a ring. The last resort is the end of its lap.
pub(crate) fn level_after(policy: &Policy, place: Place) -> Option<Place> {
    let is_last = place.level == 0 || place.level as usize >= policy.rungs.len();
    let next = if is_last {
        Place { lap: place.lap + 1, level: 1, turn: 0, ..place }
    } else {
        Place { level: place.level + 1, turn: 0, ..place }
    };
    (next.lap <= policy.loops).then_some(next)
}

/// Walks from `from` to the first level with somebody on call. `ring_of` tells where the ring of a level stands.
pub(crate) fn walk(
    world: World<'_>,
    ladder: &Ladder,
    from: Option<Place>,
    ring_of: impl Fn(u32) -> u32,
    now: Timestamp,
) -> Walk {
    let policy = &ladder.policy;
    // One lap shows every level at this instant; a second one would show the same.
    let whole_lap: u32 = policy.rungs.iter().map(assign::turns).sum();
    let (mut place, mut skipped, mut lap) = (from, Vec::new(), ladder.place.lap);
    for _ in 0..whole_lap {
        let Some(here) = place else { break };
        lap = here.lap;
        let continued = here.level == ladder.place.level && here.lap == ladder.place.lap && here.turn > 0;
        let ring = if continued { ladder.ring } else { ring_of(here.level) };
        if let Some(rung) = policy.rungs.get(here.level as usize - 1) {
            let users = assign::users(world, rung, ring, here.turn, now);
            if !users.is_empty() {
                return Walk { next: Next::Enter { place: here, users, ring }, skipped };
            }
        }
        skipped.push(here);
        place = after(policy, here);
    }
    let walked_all = skipped.len() as u32 == whole_lap;
    let next = match place {
        None if !walked_all && has_paged(ladder) => Next::Exhausted,
        None | Some(_) => Next::Uncovered { lap },
    };
    Walk { next, skipped }
}

/// Whether anybody was paged in this cycle.
pub(crate) fn has_paged(ladder: &Ladder) -> bool {
    ladder.place.level > 0 || !ladder.paged.is_empty()
}

/// The ladder's deadline.
pub(crate) fn fire(world: World<'_>, state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    let id = timer.incident_id();
    let known = state.ladders.get(&id).cloned();
    let due = known.as_ref().and_then(|ladder| ladder.due);
    let Some(ladder) = known.filter(|_| due.is_some_and(|due| due <= now)) else {
        // Fired early: armed again. Nothing to wait for: gone.
        let mut effects = Effects::stale();
        effects.move_timer(timer, due);
        return effects;
    };
    let mut climb = Climb::of(world, state, ladder, now);
    match climb.ladder.stage {
        Stage::Delayed => climb.climb(Some(first(climb.ladder.place.cycle))),
        Stage::Asking if is_missed(&climb, due) => climb.renew(),
        Stage::Asking => {
            // The processor kept its word to itself for too long: page anyway, marked.
            if let Some(mut asked) = climb.ladder.asked.take() {
                climb.enter(&asked, true);
                asked.paged = true;
                climb.ladder.asked = Some(asked);
            }
        }
        Stage::Climbing => {
            let from = from_here(&climb.ladder);
            climb.climb(from);
        }
        Stage::Exhausted | Stage::ByHand | Stage::Low | Stage::Quiet => {}
    }
    // Never equal to the deadline that fired, so the timer moves in any case.
    climb.done(None)
}

/// Whether nobody could have heard the processor's answer: this machine was not there when its patience ended.
fn is_missed(climb: &Climb<'_>, due: Option<Timestamp>) -> bool {
    let is_late = due.is_some_and(|due| climb.now.since(due) > climb.world.options.patience);
    is_late && climb.ladder.asked.as_ref().is_some_and(|asked| asked.attempt <= RENEWED_MAX)
}

/// Where the walk goes on. A policy of which nobody was on call is looked at again from the first level of its lap.
fn from_here(ladder: &Ladder) -> Option<Place> {
    let here = ladder.place;
    if has_paged(ladder) {
        return after(&ladder.policy, here);
    }
    Some(Place { level: 1, turn: 0, ..here })
}
