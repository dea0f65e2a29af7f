//! Rows of the notifier survive their encoding, keys are a bijection, and the bytes of version 1 never change.

use campanile_directory::policy::{Strategy, Target};
use campanile_directory::{Channel, Turn};
use campanile_escalation::{
    Asked, Delivery, Errand, ErrandKey, Gap, Handoff, Ladder, Order, Person, PersonKey, Place, Policy, Reason, RingKey,
    Rung, Stage, Users, Waiting, Want,
};
use campanile_model::{
    Actor, Command, CommandId, Heir, IncidentId, Named, OrderId, PolicyId, RoutingKey, ScheduleId, ServiceId, Span,
    Step, Timestamp, Urgency, UserId, Verb,
};
use campanile_rows::{RowError, errand, keys, ladder, notifier_keys, order, person, ring};
use proptest::prelude::*;

const PLACE: Place = Place { cycle: 1, lap: 2, level: 3, turn: 1 };

fn a_ladder() -> Ladder {
    Ladder {
        incident: IncidentId(5),
        revision: 300,
        urgency: Urgency::Low,
        title: "disk fühl".to_owned(),
        service: Named { id: ServiceId::new("PSVC"), name: "web".into() },
        policy: Policy {
            id: PolicyId::new("PPOL"),
            name: "on-call".into(),
            loops: 2,
            rungs: vec![Rung {
                delay: Span::minutes(5),
                targets: vec![Target::User(UserId::new("PU")), Target::Schedule(ScheduleId::new("PS"))],
                strategy: Strategy::RoundRobin,
            }],
        },
        place: PLACE,
        stage: Stage::Asking,
        since: Timestamp(7),
        due: Some(Timestamp(15_007)),
        asked: Some(Asked {
            command: CommandId::new("step-1"),
            attempt: 2,
            place: PLACE,
            users: Users::from_iter([UserId::new("PU")]),
            reason: Reason::LastResort,
            paged: true,
        }),
        paged: Users::from_iter([UserId::new("PU"), UserId::new("PV")]),
        ring: 1,
    }
}

fn a_page() -> Waiting {
    Waiting {
        incident: IncidentId(5),
        revision: 3,
        place: PLACE,
        rule: u16::MAX,
        contact: "PC".into(),
        channel: Channel::Terminal,
        urgency: Urgency::High,
        reason: Reason::ByHand,
        unconfirmed: true,
        service: Named { id: ServiceId::new("PSVC"), name: "web".into() },
        title: "full".to_owned(),
        at: Timestamp(8),
        due: Timestamp(9),
    }
}

fn a_person() -> Person {
    Person {
        user: UserId::new("PU"),
        waiting: vec![a_page(), a_page()],
        sent: vec![("PC".into(), Channel::Sms, Timestamp(4))],
        unsent: vec![OrderId(8)],
        told: vec![(7, Timestamp(1_772_409_600_000))],
        due: Some(Timestamp(9)),
    }
}

fn an_order() -> Order {
    Order {
        id: OrderId(8),
        user: UserId::new("PU"),
        contact: "PC".into(),
        channel: Channel::Sms,
        items: vec![a_page()],
        handoff: Some(Handoff {
            schedule: Named { id: ScheduleId::new("PSCHED"), name: "Primary".into() },
            turn: Turn::Ends,
            at: Timestamp(1_772_409_600_000),
            told_at: Timestamp(1_772_406_000_000),
        }),
        idempotency_key: 0x0102_0304,
        made_at: Timestamp(1),
        attempts: 3,
        delivery: Delivery::Accepted,
        due: Timestamp(2),
    }
}

fn a_command(verb: Verb) -> Errand {
    let actor = Actor { kind: "user_reference".into(), id: "PU".into() };
    let (id, incident, revision) = (CommandId::new("c"), IncidentId(5), Some(4));
    Errand::Command(Box::new(Command { id, actor, incident, verb, revision }))
}

/// A ladder, a person, an order, an errand and a ring.
const FIXTURES: [&str; 5] = [
    "010500000000000000ac02010a6469736b2066c3bc686c0450535643037765620450504f4c076f6e2d63616c6c0201e0\
     930400000000000102000250550102505301020301010700000000000000019f3a0000000000000106737465702d3102\
     010203010102505501010202505502505601",
    "010250550205000000000000000301020301ffff03025043080002010450535643037765620466756c6c080000000000\
         0000090000000000000005000000000000000301020301ffff03025043080002010450535643037765620466756c6c08\
         000000000000000900000000000000010250430204000000000000000108000000000000000107000000000000000000\
         0000000000000038d8ab9c010000010900000000000000",
    "010800000000000000025055025043020105000000000000000301020301ffff03025043080002010450535643037765\
         620466756c6c080000000000000009000000000000000106505343484544075072696d617279010038d8ab9c01000080\
         49a1ab9c01000004030201000000000000000000000000010000000000000003010200000000000000",
    "010001630e757365725f7265666572656e63650250550500000000000000010400",
    "01ac02",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of<T>(row: &T, encode: impl Fn(&T, &mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(row, &mut bytes);
    bytes
}

#[test]
fn bytes_of_version_1_stay_as_they_are() {
    let found = [
        hex(&bytes_of(&a_ladder(), ladder::encode)),
        hex(&bytes_of(&a_person(), person::encode)),
        hex(&bytes_of(&an_order(), order::encode)),
        hex(&bytes_of(&a_command(Verb::Acknowledge), errand::encode)),
        hex(&bytes_of(&300, ring::encode)),
    ];
    assert_eq!(found, FIXTURES, "a changed fixture is a release note");
}

#[test]
fn rows_survive_their_encoding() {
    assert_eq!(ladder::decode(&bytes_of(&a_ladder(), ladder::encode)), Ok(a_ladder()));
    let quiet = Ladder { stage: Stage::Quiet, due: None, asked: None, paged: Users::new(), ..a_ladder() };
    assert_eq!(ladder::decode(&bytes_of(&quiet, ladder::encode)), Ok(quiet));
    assert_eq!(person::decode(&bytes_of(&a_person(), person::encode)), Ok(a_person()));
    assert_eq!(order::decode(&bytes_of(&an_order(), order::encode)), Ok(an_order()));
    let gap = Errand::Gap(Box::new(Gap {
        routing_key: RoutingKey::new("R"),
        dedup_key: "d".to_owned(),
        policy: PolicyId::new("PPOL"),
        policy_name: "on-call".into(),
        incident: IncidentId(5),
        at: Timestamp(3),
    }));
    assert_eq!(errand::decode(&bytes_of(&gap, errand::encode)), Ok(gap));
    let users = vec![UserId::new("PU"), UserId::new("PV")];
    for verb in [
        Verb::Acknowledge,
        Verb::Resolve,
        Verb::Escalate(Step { lap: 1, level: 2, users: users.clone() }),
        Verb::RequestEscalation(None),
        Verb::RequestEscalation(Some(3)),
        Verb::SetPriority(None),
        Verb::SetPriority(Some("P1".into())),
        Verb::SetUrgency(Urgency::Low),
        Verb::SetTitle("t".to_owned()),
        Verb::Reassign(Heir::Users(users)),
        Verb::Reassign(Heir::Policy(PolicyId::new("PPOL"))),
        Verb::Snooze(Span::seconds(9)),
        Verb::Merge(vec![IncidentId(1), IncidentId(2)]),
        Verb::Note("n".to_owned()),
    ] {
        let row = a_command(verb);
        assert_eq!(errand::decode(&bytes_of(&row, errand::encode)), Ok(row));
    }
}

#[test]
fn damage_is_noticed() {
    let bytes = bytes_of(&a_ladder(), ladder::encode);
    for cut in 1..bytes.len() {
        assert_eq!(ladder::decode(&bytes[..cut]), Err(RowError::Damaged { kind: "ladder", len: cut }), "cut at {cut}");
    }
    assert!(ladder::decode(&[&bytes[..], &[0]].concat()).is_err(), "a byte too many");
}

proptest! {
    #[test]
    fn keys_are_a_bijection(hash: u128, id: u64) {
        let wants = [
            Want::Ladder(IncidentId(id)),
            Want::Ring(RingKey(hash)),
            Want::Person(PersonKey(hash)),
            Want::Order(OrderId(id)),
            Want::Errand(ErrandKey(hash)),
        ];
        for want in wants {
            let key = notifier_keys::of(&want);
            prop_assert_eq!(notifier_keys::read(&key), Some(want));
            prop_assert_eq!(keys::read(&key), None);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (ladder::decode(&bytes), person::decode(&bytes), order::decode(&bytes));
        let _ = (errand::decode(&bytes), ring::decode(&bytes));
    }
}
