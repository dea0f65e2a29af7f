//! The laws of escalation, as functions that scenario tables and property tests call after every input. Those that one
//! input's effects can break are also asserted in [`crate::apply`] where debug assertions are on.

use ahash::{AHashMap, AHashSet};
use campanile_model::{IncidentId, UserId};

use crate::effects::{Effects, Hop, Publish, What};
use crate::input::Place;
use crate::state::{Stage, State};

/// A law that does not hold, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach(pub String);

/// What a watcher of one world remembers between inputs.
#[derive(Debug, Default)]
pub struct Seen {
    entered: AHashMap<IncidentId, Place>,
    pages: AHashSet<(IncidentId, Place, UserId)>,
    ordered: AHashSet<(IncidentId, Place, UserId, u16)>,
    uncovered: AHashSet<(IncidentId, u32)>,
}

/// ES-1, on one input: a quiet ladder, or none, sends no page.
pub fn es1_quiet_incident_pages_nobody(state: &State, effects: &Effects) -> Result<(), Breach> {
    for page in pages(effects) {
        let stage = state.ladders.get(&page.incident).map(|ladder| ladder.stage);
        if matches!(stage, None | Some(Stage::Quiet)) {
            return Err(Breach(format!("ES-1: incident {} is {stage:?} and pages {}", page.incident, page.user)));
        }
    }
    Ok(())
}

/// ES-2, on one ladder: cycles, laps, levels and turns only rise, and no lap is beyond the last. Level 0 is both the
/// beginning of a cycle and the last resort at the end of a lap, so it is compared by its lap alone.
pub fn es2_steps_are_climbed_in_order(seen: &mut Seen, state: &State) -> Result<(), Breach> {
    for (id, ladder) in state.ladders.iter() {
        let here = ladder.place;
        let before = seen.entered.insert(*id, here).unwrap_or_default();
        let went_back = (here.cycle, here.lap) < (before.cycle, before.lap)
            || (here < before && here.level > 0 && before.level > 0);
        if went_back {
            return Err(Breach(format!("ES-2: incident {id} went back from {before:?} to {here:?}")));
        }
        if here.lap > ladder.policy.loops {
            return Err(Breach(format!("ES-2: incident {id} is in lap {} of {}", here.lap, ladder.policy.loops)));
        }
    }
    Ok(())
}

/// ES-3: a person is paged once at a place, and each of the person's rules is used once for it.
pub fn es3_one_page_per_place(seen: &mut Seen, effects: &Effects) -> Result<(), Breach> {
    for page in pages(effects) {
        if !seen.pages.insert((page.incident, page.place, page.user.clone())) {
            return Err(Breach(format!(
                "ES-3: {} is paged twice about {} at {:?}",
                page.user, page.incident, page.place
            )));
        }
    }
    Ok(())
}

/// ES-3 at the person's end: orders use each rule once for each place.
pub fn es3_one_order_per_rule(seen: &mut Seen, state: &State, effects: &Effects) -> Result<(), Breach> {
    for publish in &effects.publish {
        let Publish::Order(id) = publish else { continue };
        let Some(order) = state.orders.get(id).filter(|order| order.attempts == 0 && was_told(effects, *id)) else {
            continue;
        };
        for it in &order.items {
            if !seen.ordered.insert((it.incident, it.place, order.user.clone(), it.rule)) {
                let (user, incident, place) = (&order.user, it.incident, it.place);
                return Err(Breach(format!(
                    "ES-3: rule {} of {user} is used twice for {incident} at {place:?}",
                    it.rule
                )));
            }
        }
    }
    Ok(())
}

/// Whether the order was made by this very input.
fn was_told(effects: &Effects, id: campanile_model::OrderId) -> bool {
    effects.publish.iter().any(|publish| match publish {
        Publish::Notification(it) => matches!(it.what, What::Ordered { order, .. } if order == id),
        Publish::Hop(..) | Publish::Errand(..) | Publish::Order(_) => false,
    })
}

/// ES-4: a ladder that climbs with nobody paged and nothing asked was reported as uncovered.
pub fn es4_nobody_on_call_is_told(seen: &mut Seen, state: &State, effects: &Effects) -> Result<(), Breach> {
    for publish in &effects.publish {
        if let Publish::Notification(it) = publish
            && matches!(it.what, What::Uncovered { .. })
        {
            seen.uncovered.insert((it.incident, it.place.cycle));
        }
    }
    for (id, ladder) in state.ladders.iter() {
        let alone = ladder.stage == Stage::Climbing && ladder.paged.is_empty() && ladder.asked.is_none();
        if alone && !seen.uncovered.contains(&(*id, ladder.place.cycle)) {
            return Err(Breach(format!("ES-4: nobody is on call for {id} at {:?}, and nobody is told", ladder.place)));
        }
    }
    Ok(())
}

/// A stage that waits has a deadline, and no other has.
pub fn every_ladder_has_a_future(state: &State) -> Result<(), Breach> {
    for (id, ladder) in state.ladders.iter() {
        if ladder.due.is_some() != ladder.stage.waits() {
            return Err(Breach(format!("incident {id} is {:?} with deadline {:?}", ladder.stage, ladder.due)));
        }
        if ladder.stage == Stage::Asking && ladder.asked.is_none() {
            return Err(Breach(format!("incident {id} waits for an answer and has asked nothing")));
        }
        if matches!(ladder.stage, Stage::Quiet) && !ladder.paged.is_empty() {
            return Err(Breach(format!("ES-1: incident {id} is quiet and {:?} are still paged", ladder.paged)));
        }
    }
    Ok(())
}

fn pages(effects: &Effects) -> impl Iterator<Item = &crate::input::Page> {
    effects.publish.iter().filter_map(|publish| match publish {
        Publish::Hop(_, hop) => match &**hop {
            Hop::Page(page) => Some(page),
            Hop::Withdrawal(_) => None,
        },
        Publish::Notification(_) | Publish::Errand(..) | Publish::Order(_) => None,
    })
}

/// What one input's effects show: cheap enough for each of them.
pub fn effects(state: &State, effects: &Effects) -> Result<(), Breach> {
    es1_quiet_incident_pages_nobody(state, effects)
}

/// All laws, for watchers of a whole world.
pub fn all(seen: &mut Seen, state: &State, effects: &Effects) -> Result<(), Breach> {
    es1_quiet_incident_pages_nobody(state, effects)?;
    es2_steps_are_climbed_in_order(seen, state)?;
    es3_one_page_per_place(seen, effects)?;
    es3_one_order_per_rule(seen, state, effects)?;
    es4_nobody_on_call_is_told(seen, state, effects)?;
    every_ladder_has_a_future(state)
}
