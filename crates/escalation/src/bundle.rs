//! From pages that fell due to messages: one a contact method, as its caps allow, with everything that waits for it.

use campanile_directory::Channel;
use campanile_model::{OrderId, Paging, Timestamp, Urgency};
use compact_str::CompactString;

use crate::effects::{Effects, Publish, What};
use crate::key::Keys;
use crate::retry::OFFERED_AGAIN;
use crate::state::{Delivery, Order, Person, State, Waiting};
use crate::throttle::{COUNTED, allowed_at};
use crate::timer::Timer;

/// Most pages in one message; the rest goes with the next. Source: ours, more than a person reads.
pub(crate) const BUNDLE_MAX: usize = 100;

/// Makes an order of every contact method whose pages are due and allowed, and sets the person's next deadline.
pub(crate) fn release(state: &mut State, person: &mut Person, now: Timestamp, effects: &mut Effects) {
    person.sent.retain(|(_, _, at)| *at + COUNTED > now);
    let mut next: Option<Timestamp> = None;
    for (contact, channel) in contacts(person) {
        let of = |it: &&Waiting| it.contact == contact && it.channel == channel;
        let Some(first) = person.waiting.iter().filter(of).map(|it| it.due).min() else { continue };
        let sent: Vec<_> = person.sent.iter().filter(|(to, _, _)| *to == contact).map(|(_, _, at)| *at).collect();
        let at = allowed_at(channel, &sent, first.max(now));
        if at > now {
            if first <= now {
                effects.came_to(Paging::Held);
            }
            next = Some(next.map_or(at, |next| next.min(at)));
            continue;
        }
        make(state, person, contact.clone(), channel, now, effects);
        // What is not due yet of this contact method.
        if let Some(rest) = person.waiting.iter().filter(of).map(|it| it.due).min() {
            let rest = rest.max(now + campanile_model::Span::millis(1));
            next = Some(next.map_or(rest, |next| next.min(rest)));
        }
    }
    person.due = next;
}

fn contacts(person: &Person) -> Vec<(CompactString, Channel)> {
    let mut list: Vec<(CompactString, Channel)> = Vec::new();
    for it in &person.waiting {
        if !list.iter().any(|(contact, channel)| *contact == it.contact && *channel == it.channel) {
            list.push((it.contact.clone(), it.channel));
        }
    }
    list
}

fn make(
    state: &mut State,
    person: &mut Person,
    contact: CompactString,
    channel: Channel,
    now: Timestamp,
    effects: &mut Effects,
) {
    let mut items = Vec::new();
    person.waiting.retain(|it| {
        let goes = it.contact == contact && it.channel == channel && it.due <= now && items.len() < BUNDLE_MAX;
        if goes {
            items.push(it.clone());
        }
        !goes
    });
    // High urgency is read first; within an urgency the order of falling due.
    items.sort_by_key(|it| (it.urgency == Urgency::Low, it.due));
    let id = state.ids.order();
    let idempotency_key = idempotency_key(state.keys, person, &contact, &items);
    for it in &items {
        let (user, contact) = (person.user.clone(), contact.clone());
        let what = What::Ordered { order: id, user, channel, contact, idempotency_key };
        effects.tell(it.incident, it.place, what, now);
    }
    person.sent.push((contact.clone(), channel, now));
    person.unsent.push(id);
    let due = now + OFFERED_AGAIN;
    let user = person.user.clone();
    let delivery = Delivery::Waiting;
    let order = Order {
        id,
        user,
        contact,
        channel,
        items,
        handoff: None,
        idempotency_key,
        made_at: now,
        attempts: 0,
        delivery,
        due,
    };
    state.orders.put(id, order);
    effects.publish.push(Publish::Order(id));
    effects.move_timer(Timer::order(id), Some(due));
    effects.came_to(Paging::Ordered);
}

/// H(incident, step, target, channel, cycle) over everything in the message: the same after a crash, another for
/// another step.
fn idempotency_key(keys: Keys, person: &Person, contact: &str, items: &[Waiting]) -> u128 {
    let mut bytes = Vec::with_capacity(32 * items.len());
    for it in items {
        bytes.extend_from_slice(&it.incident.0.to_le_bytes());
        let place = it.place;
        for number in [place.cycle, place.lap, place.level, place.turn, u32::from(it.rule)] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    keys.hash(&[b"order", person.user.as_str().as_bytes(), contact.as_bytes(), &bytes])
}

/// Takes an order off the list of those that may still be taken back.
pub(crate) fn left(state: &mut State, person: crate::key::PersonKey, order: OrderId) {
    if let Some(person) = state.persons.get_mut(&person) {
        person.unsent.retain(|id| *id != order);
    }
}
