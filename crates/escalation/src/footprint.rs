//! Which rows an input must see. Asked again after each read, until it asks for nothing.

use campanile_directory::policy::Strategy;
use campanile_model::{IncidentId, OrderId, PolicyId, UserId};

use crate::answer;
use crate::input::{Input, News, Notice, Report};
use crate::key::{ErrandKey, PersonKey, RingKey};
use crate::oncall::World;
use crate::state::State;
use crate::timer::TimerKind;

/// A row to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Want {
    Ladder(IncidentId),
    Ring(RingKey),
    Person(PersonKey),
    Order(OrderId),
    Errand(ErrandKey),
}

/// Appends the rows that this input needs next and that are not known yet. Nothing appended: it can be applied.
pub fn footprint(world: World<'_>, state: &mut State, input: &Input<'_>, wants: &mut Vec<Want>) {
    let mut ask = Ask { state, wants };
    match input {
        Input::Notice(notice) => notice_rows(world, &mut ask, notice),
        Input::Page(page) => {
            ask.person(ask.state.keys.person(&page.user));
        }
        Input::Withdrawal(it) => withdrawal_rows(&mut ask, &it.user),
        Input::Report(report) => report_rows(&mut ask, report),
        Input::Timer(timer) => match timer.kind {
            TimerKind::Ladder => {
                let id = timer.incident_id();
                if ask.ladder(id) {
                    climb_rows(&mut ask, id);
                }
            }
            TimerKind::Person => {
                ask.person(PersonKey(timer.object));
            }
            TimerKind::Order => {
                let id = timer.order_id();
                if ask.order(id)
                    && let Some(user) = ask.state.orders.get(&id).map(|order| order.user.clone())
                {
                    ask.person(ask.state.keys.person(&user));
                }
            }
        },
    }
}

fn notice_rows(world: World<'_>, ask: &mut Ask<'_>, notice: &Notice) {
    let id = notice.incident;
    ask.errand(ask.state.keys.step(id));
    if ask.ladder(id) {
        climb_rows(ask, id);
    }
    if let News::Revision { standing, .. } = &notice.news
        && standing.status.is_open()
        && let Some(policy) = world.directory.policy(standing.policy.id.as_str())
    {
        let rings = policy.rules.iter().map(|rule| rule.strategy == Strategy::RoundRobin);
        policy_rows(ask, &policy.id, &rings.collect::<Vec<_>>());
    }
}

/// What a ladder that goes on may touch.
fn climb_rows(ask: &mut Ask<'_>, id: IncidentId) {
    ask.errand(ask.state.keys.step(id));
    let Some(ladder) = ask.state.ladders.get(&id) else { return };
    let rings = ladder.policy.rungs.iter().map(|rung| rung.strategy == Strategy::RoundRobin);
    let (policy, rings) = (ladder.policy.id.clone(), rings.collect::<Vec<_>>());
    policy_rows(ask, &policy, &rings);
}

fn policy_rows(ask: &mut Ask<'_>, policy: &PolicyId, rings: &[bool]) {
    ask.errand(ask.state.keys.gap(policy));
    for (level, is_ring) in (1..).zip(rings) {
        if *is_ring {
            ask.ring(ask.state.keys.ring(policy, level));
        }
    }
}

fn withdrawal_rows(ask: &mut Ask<'_>, user: &UserId) {
    let key = ask.state.keys.person(user);
    if !ask.person(key) {
        return;
    }
    for order in ask.state.persons.get(&key).map(|person| person.unsent.clone()).unwrap_or_default() {
        ask.order(order);
    }
}

fn report_rows(ask: &mut Ask<'_>, report: &Report) {
    match report {
        Report::Order { order, .. } => {
            if ask.order(*order)
                && let Some(user) = ask.state.orders.get(order).map(|order| order.user.clone())
            {
                ask.person(ask.state.keys.person(&user));
            }
        }
        Report::Person { id, order, incident, .. } => {
            if order.is_none_or(|order| ask.order(order)) {
                for (incident, _) in answer::about(ask.state, *order, *incident) {
                    ask.errand(ask.state.keys.reply(id, incident));
                }
            }
        }
        Report::Sent { key, .. } => {
            ask.errand(*key);
        }
        Report::Handoff(notice) => {
            ask.person(ask.state.keys.person(&notice.user));
        }
        Report::Audit(incident) => {
            ask.ladder(*incident);
        }
    }
}

struct Ask<'a> {
    state: &'a mut State,
    wants: &'a mut Vec<Want>,
}

impl Ask<'_> {
    fn ladder(&mut self, id: IncidentId) -> bool {
        let known = self.state.ladders.knows(&id);
        self.unless(known, Want::Ladder(id))
    }

    fn ring(&mut self, key: RingKey) -> bool {
        let known = self.state.rings.knows(&key);
        self.unless(known, Want::Ring(key))
    }

    fn person(&mut self, key: PersonKey) -> bool {
        let known = self.state.persons.knows(&key);
        self.unless(known, Want::Person(key))
    }

    fn order(&mut self, id: OrderId) -> bool {
        let known = self.state.orders.knows(&id);
        self.unless(known, Want::Order(id))
    }

    fn errand(&mut self, key: ErrandKey) -> bool {
        let known = self.state.errands.knows(&key);
        self.unless(known, Want::Errand(key))
    }

    fn unless(&mut self, known: bool, want: Want) -> bool {
        if !known {
            self.wants.push(want);
        }
        known
    }
}
