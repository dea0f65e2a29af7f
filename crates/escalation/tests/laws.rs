//! The laws, on orders of events that nobody thought of. The harness checks them after every input.

mod harness;

use campanile_escalation::{Delivery, Hop, Reply, Report, Stage, Timer, has_a_future};
use campanile_model::{Actor, Command, CommandId, Heir, IncidentStatus, Severity, Span, Urgency, UserId, Verb};
use campanile_triage::Action;
use harness::organisation::MIDNIGHT;
use harness::{House, Seen};
use proptest::prelude::*;

fn ask(house: &mut House, nth: u32, verb: Verb) {
    let Some(incident) = house.incident_ids.first().copied() else { return };
    let actor = Actor { kind: "user_reference".into(), id: "ANN".into() };
    let id = CommandId::new(format!("c{nth}"));
    house.commands.push_back(Command { id, actor, incident, verb, revision: None });
}

/// The ways that a record can move, in the order that each log keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Command,
    Incident,
    Hop,
    /// The next timer of either machine.
    Timer,
    /// A person's acknowledgement reaches the commands topic.
    Acknowledge,
    /// Monitoring says that it is over.
    Resolve,
}

/// So many turns come in every order; what is left after them comes in the order of its queue.
const TURNS_MAX: usize = 9;
const TURNS: [Turn; 6] = [Turn::Command, Turn::Incident, Turn::Hop, Turn::Timer, Turn::Acknowledge, Turn::Resolve];

/// A house just before the second level falls due: the first one is paged.
fn before_the_deadline() -> House {
    let mut house = House::new();
    house.now = MIDNIGHT + Span::hours(10);
    house.send("short", "a", Action::Trigger, Severity::Critical);
    while house.deliver_incident() || house.deliver_hop() || house.deliver_command() {}
    house.seen.clear();
    house
}

fn play(turns: &[Turn]) -> Option<House> {
    let mut house = before_the_deadline();
    let (mut timers, mut acknowledged, mut resolved) = (0, false, false);
    for turn in turns {
        let moved = match turn {
            Turn::Command => house.deliver_command(),
            Turn::Incident => house.deliver_incident(),
            Turn::Hop => house.deliver_hop(),
            // The level's deadline, and the processor's patience after it.
            Turn::Timer if timers < 2 => {
                let until = MIDNIGHT + Span::hours(10) + Span::seconds([300, 315][timers]);
                timers += 1;
                while let Some(due) = house.due(until) {
                    house.fire(due);
                }
                true
            }
            Turn::Acknowledge if !acknowledged => {
                acknowledged = true;
                ask(&mut house, 1, Verb::Acknowledge);
                true
            }
            Turn::Resolve if !resolved => {
                resolved = true;
                house.send("short", "a", Action::Resolve, Severity::Critical);
                true
            }
            Turn::Timer | Turn::Acknowledge | Turn::Resolve => false,
        };
        if !moved {
            // The same as a shorter order of turns, which is played too.
            return None;
        }
    }
    while house.deliver_command() || house.deliver_incident() || house.deliver_hop() {}
    Some(house)
}

/// Every order of an acknowledgement, an escalation deadline and a resolve, with all the records between them.
#[test]
fn an_acknowledgement_and_a_deadline_come_in_one_order_everywhere() {
    let (mut played, mut first, mut second) = (0, 0, 0);
    let mut stack: Vec<Vec<Turn>> = vec![Vec::new()];
    while let Some(turns) = stack.pop() {
        let Some(house) = play(&turns) else { continue };
        played += 1;
        judge(&house, &turns, &mut first, &mut second);
        if turns.len() < TURNS_MAX {
            stack.extend(TURNS.iter().map(|turn| [turns.as_slice(), &[*turn]].concat()));
        }
    }
    assert!(played > 10_000 && first > 400 && second > 400, "{played} orders, {first} and {second} of each kind");
}

fn judge(house: &House, turns: &[Turn], first: &mut u32, second: &mut u32) {
    let id = house.incident_ids[0];
    if turns.contains(&Turn::Resolve) {
        return judge_resolved(house, turns);
    }
    let incident = house.processor.incidents.get(&id).expect("the incident is open");
    let ladder = house.notifier.ladders.get(&id).expect("the ladder is open");
    let escalated = incident.level == 2;
    let acknowledged = incident.status == IncidentStatus::Acknowledged;
    assert_eq!(ladder.revision, incident.revision, "{turns:?}: both saw every revision");
    if !turns.contains(&Turn::Acknowledge) {
        return;
    }
    assert!(acknowledged, "{turns:?}: the acknowledgement has no revision and is never refused");
    assert_eq!(ladder.stage, Stage::Quiet, "{turns:?}");
    assert!(ladder.paged.is_empty() && ladder.asked.is_none(), "{turns:?}");
    let unsaid = house.seen.iter().filter(|seen| paged_ben(seen)).count();
    assert!(unsaid <= 1, "{turns:?}: paged {unsaid} times");
    assert!(!a_page_waits(house), "{turns:?}: a page waits for an acknowledged incident");
    if escalated {
        *first += 1;
    } else {
        *second += 1;
    }
}

/// However the three met: it is resolved for both, nobody is paged any more, and nobody was paged twice at a level.
fn judge_resolved(house: &House, turns: &[Turn]) {
    let id = house.incident_ids[0];
    let incident = house.processor.incidents.get(&id).expect("its row stays");
    assert_eq!(incident.status, IncidentStatus::Resolved, "{turns:?}");
    assert!(house.notifier.ladders.get(&id).is_none(), "{turns:?}: the ladder stays");
    assert!(house.armed(Timer::ladder(id)).is_none(), "{turns:?}: its timer stays");
    assert!(house.seen.iter().filter(|seen| paged_ben(seen)).count() <= 1, "{turns:?}");
    assert!(!a_page_waits(house), "{turns:?}: a page waits for a resolved incident");
}

fn a_page_waits(house: &House) -> bool {
    house.notifier.persons.iter().any(|(_, person)| !person.waiting.is_empty() || !person.unsent.is_empty())
}

fn paged_ben(seen: &Seen) -> bool {
    matches!(seen, Seen::Hop(Hop::Page(page)) if page.user == UserId::new("BEN"))
}

#[derive(Clone, Debug)]
enum Move {
    Event {
        service: usize,
        resolve: bool,
        severity: usize,
    },
    Ask(u8),
    Later(i64),
    /// Delivers so many records of each queue, and leaves the rest.
    Deliver(u8, u8, u8),
}

const SERVICES: [&str; 7] = ["prod", "prio", "short", "ring", "empty", "low", "slow"];

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let event = (0..SERVICES.len(), 0..4u8, 0..4usize).prop_map(|(service, resolve, severity)| Move::Event {
        service,
        resolve: resolve == 0,
        severity,
    });
    let deliver = (0..4u8, 0..4u8, 0..4u8).prop_map(|(a, b, c)| Move::Deliver(a, b, c));
    let one = prop_oneof![
        2 => event,
        2 => (0..10u8).prop_map(Move::Ask),
        3 => (1..2000i64).prop_map(Move::Later),
        4 => deliver,
    ];
    proptest::collection::vec(one, 1..60)
}

fn verb(nth: u8) -> Verb {
    match nth {
        0 | 1 => Verb::Acknowledge,
        2 => Verb::Resolve,
        3 => Verb::SetPriority(Some("P2".into())),
        4 => Verb::SetUrgency(Urgency::Low),
        5 => Verb::SetUrgency(Urgency::High),
        6 => Verb::RequestEscalation(None),
        7 => Verb::Reassign(Heir::Users(vec![UserId::new("BEN")])),
        8 => Verb::Snooze(Span::minutes(7)),
        _ => Verb::Reassign(Heir::Policy(campanile_model::PolicyId::new("PRING"))),
    }
}

fn story(moves: &[Move]) -> House {
    let mut house = House::new();
    house.now = MIDNIGHT + Span::hours(9);
    let mut at = house.now;
    for (nth, step) in (0..).zip(moves) {
        match step {
            Move::Event { service, resolve, severity } => {
                let action = if *resolve { Action::Resolve } else { Action::Trigger };
                house.send(SERVICES[*service], "key", action, Severity::ALL[*severity]);
            }
            Move::Ask(which) => ask(&mut house, nth, verb(*which)),
            Move::Later(seconds) => {
                at = at + Span::seconds(*seconds);
                while let Some(due) = house.due(at) {
                    house.fire(due);
                }
                house.now = house.now.max(at);
            }
            Move::Deliver(commands, incidents, hops) => {
                for _ in 0..*commands {
                    house.deliver_command();
                }
                for _ in 0..*incidents {
                    house.deliver_incident();
                }
                for _ in 0..*hops {
                    house.deliver_hop();
                }
            }
        }
    }
    house
}

/// A provider takes one order, if one waits.
fn accept(house: &mut House) -> bool {
    let waiting = house.notifier.orders.iter().find(|(_, order)| order.delivery == Delivery::Waiting);
    let Some((order, _)) = waiting.map(|(id, order)| (*id, order)) else { return false };
    house.report(&Report::Order { order, reply: Reply::Accepted { provider: "test".into(), reference: "".into() } });
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// ES-1 to ES-4 hold after every input: `House::notify` checks them. In the end every ladder has its timer.
    #[test]
    fn laws_hold_after_every_input(moves in moves()) {
        let house = story(&moves);
        for (id, ladder) in house.notifier.ladders.iter() {
            prop_assert!(has_a_future(ladder, house.armed(Timer::ladder(*id))), "{:?}", ladder);
        }
    }

    /// ES-2: left alone, every ladder ends; what nobody is on call for waits for somebody.
    #[test]
    fn every_ladder_ends(moves in moves()) {
        let mut house = story(&moves);
        let until = house.now + Span::hours(30);
        loop {
            let moved = house.deliver_command() || house.deliver_incident() || house.deliver_hop();
            if !moved && !accept(&mut house) {
                let Some(due) = house.due(until) else { break };
                house.fire(due);
            }
        }
        for (id, ladder) in house.notifier.ladders.iter() {
            prop_assert!(ladder.due.is_none(), "{id} still climbs after a day: {ladder:?}");
        }
    }

    /// The same inputs give the same doings.
    #[test]
    fn same_story_same_doings(moves in moves()) {
        let (one, two) = (story(&moves), story(&moves));
        prop_assert_eq!(format!("{:?}", one.seen), format!("{:?}", two.seen));
    }
}
