//! What came back: a provider's word on an order, a person's answer, an errand that arrived.

use campanile_model::{Actor, Command, CommandId, IncidentId, OrderId, Paging, Timestamp, UserId, Verb};
use compact_str::CompactString;

use crate::bundle;
use crate::effects::{Effects, Errand, Publish, What};
use crate::input::{Place, Reply};
use crate::key::ErrandKey;
use crate::plan;
use crate::retry::{KEPT, OFFERED_AGAIN, next_attempt};
use crate::state::{Delivery, Order, State};
use crate::step::send;
use crate::timer::Timer;

/// What a person said, and about what.
pub(crate) struct Answer<'a> {
    pub(crate) id: &'a CompactString,
    pub(crate) user: &'a UserId,
    pub(crate) order: Option<OrderId>,
    pub(crate) incident: Option<IncidentId>,
    pub(crate) verb: &'a Verb,
}

pub(crate) fn order(state: &mut State, id: OrderId, reply: &Reply, now: Timestamp) -> Effects {
    let mut effects = Effects::of(Paging::Noted);
    let Some(mut order) = state.orders.get(&id).cloned() else { return effects };
    let armed = order.due;
    match reply {
        Reply::Accepted { provider, reference }
            if matches!(order.delivery, Delivery::Waiting | Delivery::Withdrawn) =>
        {
            leave(state, &mut order, Delivery::Accepted, now);
            tell(&order, now, &mut effects, |user, channel| What::Accepted {
                order: id,
                user,
                channel,
                provider: provider.clone(),
                reference: reference.clone(),
            });
            effects.came_to(Paging::Delivered);
        }
        Reply::Arrived { provider } if order.delivery != Delivery::Arrived => {
            leave(state, &mut order, Delivery::Arrived, now);
            tell(&order, now, &mut effects, |user, channel| What::Arrived {
                order: id,
                user,
                channel,
                provider: provider.clone(),
            });
            effects.came_to(Paging::Delivered);
        }
        // After its acceptance it is the word of a receipt: nobody has the page, and it is sent again.
        Reply::Refused { provider, permanent, detail }
            if matches!(order.delivery, Delivery::Waiting | Delivery::Accepted) =>
        {
            order.attempts += 1;
            let next =
                if *permanent { None } else { next_attempt(order.attempts, order.urgency(), order.made_at, now) };
            match next {
                Some(next) => reopen(state, &mut order, next),
                None => leave(state, &mut order, Delivery::Failed, now),
            }
            tell(&order, now, &mut effects, |user, channel| What::Refused {
                order: id,
                user,
                channel,
                provider: provider.clone(),
                detail: detail.clone(),
                next,
            });
            effects.came_to(if next.is_some() { Paging::Retrying } else { Paging::Failed });
        }
        // A second word on what is settled.
        Reply::Accepted { .. } | Reply::Arrived { .. } | Reply::Refused { .. } => return effects,
    }
    if order.due != armed {
        effects.move_timer(Timer::order(id), Some(order.due));
    }
    state.orders.put(id, order);
    effects
}

/// To be sent once more at `next`.
fn reopen(state: &mut State, order: &mut Order, next: Timestamp) {
    (order.delivery, order.due) = (Delivery::Waiting, next);
    let key = state.keys.person(&order.user);
    let mut person = state.persons.get(&key).cloned().unwrap_or_else(|| plan::nobody_yet(&order.user));
    if !person.unsent.contains(&order.id) {
        person.unsent.push(order.id);
        state.persons.put(key, person);
    }
}

fn leave(state: &mut State, order: &mut Order, delivery: Delivery, now: Timestamp) {
    order.delivery = delivery;
    order.due = now + KEPT;
    bundle::left(state, state.keys.person(&order.user), order.id);
}

fn tell(
    order: &Order,
    now: Timestamp,
    effects: &mut Effects,
    what: impl Fn(UserId, campanile_directory::Channel) -> What,
) {
    for it in &order.items {
        effects.tell(it.incident, it.place, what(order.user.clone(), order.channel), now);
    }
}

/// Asks the processor for what the person wants, of every incident that the answer is about. The processor knows the
/// id of a command for a day, so an answer that comes twice does one thing.
pub(crate) fn person(state: &mut State, answer: &Answer<'_>, now: Timestamp) -> Effects {
    // An order that is not known any more: counted as stale, and whoever runs this reads of it in the log.
    let mut effects = Effects::stale();
    for (incident, place) in about(state, answer.order, answer.incident) {
        let command = Command {
            id: CommandId::new(format!("{}-{incident}", answer.id)),
            actor: Actor {
                kind: CompactString::const_new("user_reference"),
                id: CompactString::new(answer.user.as_str()),
            },
            incident,
            verb: answer.verb.clone(),
            // A person answers what the page said, whatever happened to the incident since.
            revision: None,
        };
        let key = state.keys.reply(answer.id, incident);
        send(state, key, Errand::Command(Box::new(command)), &mut effects);
        let what = What::Answered { user: answer.user.clone(), verb: answer.verb.as_str() };
        effects.tell(incident, place, what, now);
        effects.came_to(Paging::Answered);
    }
    effects
}

/// The incidents of an answer, each once.
pub(crate) fn about(state: &State, order: Option<OrderId>, incident: Option<IncidentId>) -> Vec<(IncidentId, Place)> {
    let mut list: Vec<(IncidentId, Place)> = incident.map(|id| (id, Place::default())).into_iter().collect();
    if let Some(order) = order.and_then(|id| state.orders.get(&id))
        && incident.is_none()
    {
        for it in &order.items {
            if !list.iter().any(|(id, _)| *id == it.incident) {
                list.push((it.incident, it.place));
            }
        }
    }
    list
}

pub(crate) fn sent(state: &mut State, key: ErrandKey, id: &str) -> Effects {
    if state.errands.get(&key).is_some_and(|errand| errand.id() == id) {
        state.errands.remove(&key);
    }
    Effects::of(Paging::Noted)
}

/// It waited too long, most likely through an outage. Its ladder has gone on.
fn give_up(state: &mut State, mut order: Order, now: Timestamp) -> Effects {
    let mut effects = Effects::of(Paging::Failed);
    let id = order.id;
    leave(state, &mut order, Delivery::Failed, now);
    tell(&order, now, &mut effects, |user, channel| What::Refused {
        order: id,
        user,
        channel,
        provider: CompactString::const_new("campanile"),
        detail: "it is too old to be of use and is given up".to_owned(),
        next: None,
    });
    effects.move_timer(Timer::order(id), Some(order.due));
    state.orders.put(id, order);
    effects
}

/// An attempt is due, or an order may be forgotten.
pub(crate) fn fire(state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    let id = timer.order_id();
    let due = state.orders.get(&id).map(|order| order.due);
    let Some(order) = state.orders.get(&id).filter(|order| order.due <= now).cloned() else {
        let mut effects = Effects::stale();
        effects.move_timer(timer, due);
        return effects;
    };
    match order.delivery {
        Delivery::Waiting if order.is_too_old(now) => give_up(state, order, now),
        Delivery::Waiting => {
            let mut effects = Effects::of(Paging::Ordered);
            let due = now + OFFERED_AGAIN;
            if let Some(order) = state.orders.get_mut(&id) {
                order.due = due;
            }
            effects.publish.push(Publish::Order(id));
            effects.move_timer(timer, Some(due));
            effects
        }
        Delivery::Accepted | Delivery::Arrived | Delivery::Failed | Delivery::Withdrawn => {
            state.orders.remove(&id);
            let mut effects = Effects::of(Paging::Noted);
            effects.move_timer(timer, None);
            effects
        }
    }
}
