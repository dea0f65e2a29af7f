//! A person's pages: laid out by the person's rules when a page comes, taken back when it is no longer needed.

use campanile_directory::{Channel, User};
use campanile_model::{Paging, Span, Timestamp, Urgency, UserId};
use compact_str::CompactString;

use crate::bundle;
use crate::effects::{Effects, What, Why};
use crate::input::{Page, Withdrawal};
use crate::key::PersonKey;
use crate::oncall::World;
use crate::retry::KEPT;
use crate::state::{Delivery, Order, Person, State, Waiting};
use crate::timer::Timer;

/// Most pages that wait for one person. Source: ours, far more than a person works off.
pub(crate) const WAITING_MAX: usize = 1000;
/// Their most bytes, about. Source: ours; a row must fit into a record of any ledger, some of which take 1 MB.
pub(crate) const WAITING_BYTES_MAX: usize = 512_000;
/// Longest title in a page, in characters; an incident's may have 1024. Source: ours, more than a phone shows.
pub(crate) const TITLE_CHARS_MAX: usize = 200;
/// A page that comes this late is left out and told: nobody waits for it, and most likely old logs are read again.
pub(crate) const PAGE_AGE_MAX: Span = Span::hours(24);
/// The rule's number in the page of a person who has none.
pub(crate) const NO_RULE: u16 = u16::MAX;

/// One way and time that a person wants to be reached.
pub(crate) struct Planned {
    pub(crate) rule: u16,
    pub(crate) contact: CompactString,
    pub(crate) channel: Channel,
    pub(crate) delay: Span,
}

/// A person's rules for an urgency. Without any rule that leads somewhere: a mail at once, for nobody is unreachable.
pub(crate) fn rules(user: &User, urgency: Urgency) -> Vec<Planned> {
    let mut planned = Vec::new();
    for (nth, rule) in user.notification_rules.iter().enumerate().filter(|(_, rule)| rule.urgency == urgency) {
        let contact = user.contact_methods.iter().find(|contact| contact.id == rule.contact && contact.enabled);
        if let Some(contact) = contact {
            let (rule, delay) = (u16::try_from(nth).unwrap_or(NO_RULE), rule.delay);
            planned.push(Planned { rule, contact: contact.id.clone(), channel: contact.channel, delay });
        }
    }
    if planned.is_empty() {
        let (contact, channel) = (CompactString::default(), Channel::Email);
        planned.push(Planned { rule: NO_RULE, contact, channel, delay: Span::ZERO });
    }
    planned
}

pub(crate) fn page(world: World<'_>, state: &mut State, page: &Page, now: Timestamp) -> Effects {
    let mut effects = Effects::of(Paging::Planned);
    let Some(user) = world.directory.user(page.user.as_str()) else {
        let what = What::Dropped { user: page.user.clone(), why: Why::UnknownUser };
        effects.tell(page.incident, page.place, what, now);
        effects.came_to(Paging::Noted);
        return effects;
    };
    if now.since(page.at) > PAGE_AGE_MAX {
        let what = What::Dropped { user: page.user.clone(), why: Why::TooOld };
        effects.tell(page.incident, page.place, what, now);
        effects.came_to(Paging::Noted);
        return effects;
    }
    let key = state.keys.person(&page.user);
    let mut person = state.persons.get(&key).cloned().unwrap_or_else(|| nobody_yet(&page.user));
    // A page of a later place replaces what still waits: its rules begin anew.
    person.waiting.retain(|it| it.incident != page.incident || it.place > page.place);
    let title = cut(&page.title);
    for (nth, planned) in rules(user, page.urgency).into_iter().enumerate() {
        let waiting = Waiting {
            incident: page.incident,
            revision: page.revision,
            place: page.place,
            rule: planned.rule,
            contact: planned.contact,
            channel: planned.channel,
            urgency: page.urgency,
            reason: page.reason,
            unconfirmed: page.unconfirmed,
            service: page.service.clone(),
            title: title.clone(),
            at: page.at,
            due: now + planned.delay,
        };
        if !make_room(&mut person, &waiting, nth == 0, now, &mut effects) {
            effects.tell(page.incident, page.place, What::Crowded { user: page.user.clone() }, now);
            break;
        }
        person.waiting.push(waiting);
    }
    settle(state, key, person, now, effects)
}

/// Whether one more may wait. A page of high urgency takes the place of the latest of low urgency, and its first rule,
/// if need be, the place of the latest of all: somebody must hear of it. What goes is told.
fn make_room(person: &mut Person, new: &Waiting, is_first: bool, now: Timestamp, effects: &mut Effects) -> bool {
    let mut bytes: usize = person.waiting.iter().map(size).sum();
    while person.waiting.len() >= WAITING_MAX || bytes + size(new) > WAITING_BYTES_MAX {
        let goes = |it: &Waiting| new.urgency == Urgency::High && (is_first || it.urgency == Urgency::Low);
        let latest = person.waiting.iter().enumerate().filter(|(_, it)| goes(it) && it.incident != new.incident);
        let Some((nth, _)) = latest.max_by_key(|(_, it)| (it.urgency == Urgency::Low, it.due)) else { return false };
        let gone = person.waiting.remove(nth);
        bytes -= size(&gone);
        effects.tell(gone.incident, gone.place, What::Crowded { user: person.user.clone() }, now);
    }
    true
}

/// Bytes of a page in its person's row, at most.
fn size(it: &Waiting) -> usize {
    // Numbers and times of fixed width, and the lengths of five texts.
    80 + it.contact.len() + it.service.id.as_str().len() + it.service.name.len() + it.title.len()
}

fn cut(title: &str) -> String {
    match title.char_indices().nth(TITLE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &title[..at]),
        None => title.to_owned(),
    }
}

/// Of a person who has nothing to remember yet.
pub(crate) fn nobody_yet(user: &UserId) -> Person {
    Person {
        user: user.clone(),
        waiting: Vec::new(),
        sent: Vec::new(),
        unsent: Vec::new(),
        told: Vec::new(),
        due: None,
    }
}

/// Releases what may leave, and puts the person back. A person with nothing to remember has no row.
fn settle(state: &mut State, key: PersonKey, mut person: Person, now: Timestamp, mut effects: Effects) -> Effects {
    let armed = person.due;
    bundle::release(state, &mut person, now, &mut effects);
    if person.due != armed {
        effects.move_timer(Timer::person(key), person.due);
    }
    if person.waiting.is_empty() && person.sent.is_empty() && person.unsent.is_empty() && person.told.is_empty() {
        state.persons.remove(&key);
    } else {
        state.persons.put(key, person);
    }
    effects
}

/// Acknowledged, resolved, or gone on to others: what has not left need not leave.
pub(crate) fn withdrawal(state: &mut State, it: &Withdrawal, now: Timestamp) -> Effects {
    let mut effects = Effects::of(Paging::Noted);
    let key = state.keys.person(&it.user);
    let Some(mut person) = state.persons.get(&key).cloned() else { return effects };
    let meant = |waiting: &Waiting| waiting.incident == it.incident && waiting.place <= it.place;
    let before = person.waiting.len();
    person.waiting.retain(|waiting| !meant(waiting));
    let mut withdrawn = before > person.waiting.len();
    for id in std::mem::take(&mut person.unsent) {
        let Some(order) = state.orders.get(&id) else { continue };
        if !order.items.iter().any(meant) {
            person.unsent.push(id);
            continue;
        }
        withdrawn = true;
        let left = order.items.iter().filter(|item| !meant(item)).cloned().collect::<Vec<_>>();
        if left.is_empty() {
            let mut order = order.clone();
            order.delivery = Delivery::Withdrawn;
            order.due = now + KEPT;
            uncount(&mut person, &order);
            effects.move_timer(Timer::order(id), Some(order.due));
            state.orders.put(id, order);
        } else if let Some(order) = state.orders.get_mut(&id) {
            // The key stays: a provider that has the message already must not get a second one.
            order.items = left;
            person.unsent.push(id);
        }
    }
    if withdrawn {
        effects.tell(it.incident, it.place, What::Withdrawn { user: it.user.clone() }, now);
        effects.came_to(Paging::Withdrawn);
    }
    let armed = person.due;
    person.due = person.waiting.iter().map(|waiting| waiting.due).min().map(|due| due.max(armed.unwrap_or(due)));
    if person.due != armed {
        effects.move_timer(Timer::person(key), person.due);
    }
    state.persons.put(key, person);
    effects
}

/// What never left counts for no cap.
pub(crate) fn uncount(person: &mut Person, order: &Order) {
    let counted =
        |(contact, _, at): &(CompactString, Channel, Timestamp)| *contact == order.contact && *at == order.made_at;
    if order.attempts == 0
        && let Some(nth) = person.sent.iter().position(counted)
    {
        person.sent.remove(nth);
    }
}

/// A rule's delay ended, or a cap allows again.
pub(crate) fn fire(state: &mut State, timer: Timer, now: Timestamp) -> Effects {
    let key = PersonKey(timer.object);
    let known = state.persons.get(&key).cloned();
    let due = known.as_ref().and_then(|person| person.due);
    let Some(mut person) = known.filter(|_| due.is_some_and(|due| due <= now)) else {
        let mut effects = Effects::stale();
        effects.move_timer(timer, due);
        return effects;
    };
    person.due = None;
    let mut effects = settle(state, key, person, now, Effects::of(Paging::Noted));
    if !effects.timers.iter().any(|change| change.timer == timer) {
        effects.move_timer(timer, None);
    }
    effects
}
