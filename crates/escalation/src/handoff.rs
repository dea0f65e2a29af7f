//! A person is told that a shift begins or ends: once for each rule, however often it is found.

use campanile_directory::HandoffNotice;
use campanile_model::{Paging, Timestamp};

use crate::effects::{Effects, Publish};
use crate::key::Keys;
use crate::plan::nobody_yet;
use crate::retry::{KEPT, OFFERED_AGAIN};
use crate::state::{Delivery, Handoff, Order, State};
use crate::timer::Timer;

/// It waits for no cap and counts as a message for those that come after it.
pub(crate) fn tell(state: &mut State, notice: &HandoffNotice, now: Timestamp) -> Effects {
    let mut effects = Effects::of(Paging::Noted);
    let key = state.keys.person(&notice.user);
    let mut person = state.persons.get(&key).cloned().unwrap_or_else(|| nobody_yet(&notice.user));
    let idempotency_key = idempotency_key(state.keys, notice);
    person.told.retain(|(_, until)| *until > now);
    if person.told.iter().any(|(told, _)| *told == idempotency_key) {
        return effects;
    }
    person.told.push((idempotency_key, notice.due.max(now) + KEPT));
    let id = state.ids.order();
    let due = now + OFFERED_AGAIN;
    let order = Order {
        id,
        user: notice.user.clone(),
        contact: notice.contact.clone(),
        channel: notice.channel,
        items: Vec::new(),
        handoff: Some(Handoff { schedule: notice.schedule.clone(), turn: notice.turn, at: notice.at, told_at: now }),
        idempotency_key,
        made_at: now,
        attempts: 0,
        delivery: Delivery::Waiting,
        due,
    };
    person.sent.push((notice.contact.clone(), notice.channel, now));
    person.unsent.push(id);
    state.persons.put(key, person);
    state.orders.put(id, order);
    effects.publish.push(Publish::Order(id));
    effects.move_timer(Timer::order(id), Some(due));
    effects.came_to(Paging::Ordered);
    effects
}

fn idempotency_key(keys: Keys, it: &HandoffNotice) -> u128 {
    let (at, due) = (it.at.0.to_le_bytes(), it.due.0.to_le_bytes());
    keys.hash(&[
        b"handoff",
        it.user.as_str().as_bytes(),
        it.schedule.id.as_str().as_bytes(),
        it.turn.as_str().as_bytes(),
        &at,
        &due,
        it.contact.as_bytes(),
    ])
}
