//! The laws, on stories that nobody thought of. The harness checks them after every input.

mod harness;

use campanile_model::{
    Actor, Command, CommandId, Heir, IncidentId, PolicyId, Severity, Source, Span, Step, Urgency, UserId, Verb,
};
use campanile_triage::{Action, Effects, Publish};
use harness::{Details, Sent, World, organisation};
use proptest::prelude::*;

const SERVICES: [&str; 9] = ["web", "plain", "fixed", "open", "any", "both", "quiet", "hours", "left"];

#[derive(Clone, Debug)]
enum Move {
    Event { service: usize, key: u8, action: u8, severity: usize, class: u8, partition: u16, hops: u8, late: i64 },
    Command { nth: usize, verb: u8, id: u8 },
    Later(i64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let event = (0..SERVICES.len(), 0..6u8, 0..5u8, 0..4usize, 0..3u8, 0..3u16, 0..2u8, 0..20i64).prop_map(
        |(service, key, action, severity, class, partition, hops, late)| Move::Event {
            service,
            key,
            action,
            severity,
            class,
            partition: partition * u16::from(hops),
            hops,
            late: late * i64::from(hops),
        },
    );
    let command = (0..20usize, 0..11u8, 0..40u8).prop_map(|(nth, verb, id)| Move::Command { nth, verb, id });
    let later = prop_oneof![1..400i64, 400..20_000i64].prop_map(Move::Later);
    proptest::collection::vec(prop_oneof![6 => event, 1 => command, 2 => later], 1..120)
}

/// Plays the moves and gives every effect, in order.
fn play(moves: &[Move]) -> (World, Vec<Effects>) {
    let mut world = World::new(organisation::directory());
    let mut at = organisation::MIDNIGHT + Span::hours(8);
    let (mut effects, mut incidents) = (Vec::new(), Vec::<IncidentId>::new());
    for step in moves {
        while let Some((due, timer)) = world.due(at) {
            effects.push(world.fire(due, timer));
        }
        let done = match step {
            Move::Later(seconds) => {
                at = at + Span::seconds(*seconds);
                continue;
            }
            Move::Event { .. } => {
                let sent = sent(step, &mut world, at);
                world.send(&sent)
            }
            Move::Command { nth, verb, id } => {
                let incident = incidents.get(*nth).copied().unwrap_or(IncidentId(1));
                let others: Vec<_> = incidents.iter().skip(nth + 1).take(2).copied().collect();
                world.ask(&command(incident, &others, *verb, *id), at)
            }
        };
        for publish in &done.publish {
            if let Publish::Revision(revision) = publish
                && !incidents.contains(&revision.incident.id)
            {
                incidents.push(revision.incident.id);
            }
        }
        effects.push(done);
    }
    (world, effects)
}

fn sent(step: &Move, world: &mut World, at: campanile_model::Timestamp) -> Sent {
    let Move::Event { service, key, action, severity, class, partition, hops, late } = step else {
        unreachable!("only events are sent")
    };
    world.offset += 1;
    let source = Source { partition: *partition, offset: world.offset, at: at - Span::seconds(*late), hops: *hops };
    Sent {
        routing_key: organisation::key_of(SERVICES[*service]),
        action: match action {
            0..=2 => Action::Trigger,
            3 => Action::Resolve,
            _ => Action::Acknowledge,
        },
        dedup_key: format!("k{key}"),
        severity: Severity::ALL[*severity],
        summary: format!("summary {key}"),
        component: (*class > 0).then(|| format!("component{class}")),
        class: (*class < 2).then(|| format!("class{class}")),
        details: Details::default(),
        source,
    }
}

fn command(incident: IncidentId, others: &[IncidentId], verb: u8, id: u8) -> Command {
    let verb = match verb {
        0 => Verb::Acknowledge,
        1 => Verb::Resolve,
        2 => Verb::SetPriority(Some("P2".into())),
        3 => Verb::SetUrgency(Urgency::Low),
        4 => Verb::Escalate(Step { lap: 0, level: 1, users: vec![UserId::new("PUSER")] }),
        5 => Verb::RequestEscalation(Some(1)),
        6 => Verb::Reassign(Heir::Users(vec![UserId::new("PBEN")])),
        7 => Verb::Snooze(Span::minutes(i64::from(id))),
        8 => Verb::Merge(others.to_vec()),
        9 => Verb::Reassign(Heir::Policy(PolicyId::new("PPOLICY"))),
        _ => Verb::SetTitle("other".to_owned()),
    };
    let actor = Actor { kind: "user_reference".into(), id: "PUSER".into() };
    Command { id: CommandId::new(format!("c{id}")), actor, incident, verb, revision: None }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// TR-1, TR-3, TR-4, TR-5, TR-7 hold after every input: `World::settle` checks them.
    #[test]
    fn laws_hold_after_every_input(moves in moves()) {
        let (world, effects) = play(&moves);
        let revisions: usize = effects.iter().map(|e| e.publish.len()).sum();
        prop_assert!(revisions <= effects.len() * 3, "an input makes one revision and at most one answer; a merge ends two incidents");
        prop_assert!(world.state.ids.serial as usize <= effects.len() * 2);
    }

    /// TR-6: the same rows and the same inputs give the same effects.
    #[test]
    fn the_same_inputs_give_the_same_effects(moves in moves()) {
        let (_, first) = play(&moves);
        let (_, again) = play(&moves);
        prop_assert_eq!(first, again);
    }
}
