//! What is stored is what was loaded: servers rebuild the snapshot from records, and must not see another organisation.

use campanile_directory::policy::{Handoff, Rule, Strategy as Assignment, Target};
use campanile_directory::schedule::{Layer, Override, Restriction};
use campanile_directory::service::RaiseAt;
use campanile_directory::urgency::Constant;
use campanile_directory::{
    Aggregate, BusinessDraft, DependencyDraft, FieldPath, Grouping, GroupingSetting, IntegrationDraft, Kind,
    MaintenanceWindow, Object, Policy, Priority, Schedule, ServiceDraft, SupportHours, Team, UrgencyRule, User,
};
use campanile_model::*;
use campanile_pagerduty::objects::{File, Known, load, read, snapshot_from_records, write};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Of every kind that others refer to, as many.
const EACH: usize = 3;

fn id(kind: &str, i: usize) -> String {
    format!("P{kind}{i}")
}

fn ids<T: std::fmt::Debug>(kind: &'static str, make: fn(String) -> T) -> impl Strategy<Value = Vec<T>> {
    subsequence((0..EACH).collect::<Vec<_>>(), 1..=EACH)
        .prop_map(move |some| some.into_iter().map(|i| make(id(kind, i))).collect())
}

fn one<T: std::fmt::Debug>(kind: &'static str, make: fn(String) -> T) -> impl Strategy<Value = T> {
    (0..EACH).prop_map(move |i| make(id(kind, i)))
}

/// Whatever JSON can hold, control characters and quotes among it.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(|characters| characters.into_iter().collect())
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000).prop_map(Timestamp)
}

fn span(seconds: std::ops::RangeInclusive<i64>) -> impl Strategy<Value = Span> {
    seconds.prop_map(Span::seconds)
}

fn time_of_day(hours: std::ops::Range<i8>) -> impl Strategy<Value = Time> {
    (hours, 0_i8..60, 0_i8..60).prop_map(|(h, m, s)| Time::new(h, m, s, 0).expect("in range"))
}

fn zone() -> impl Strategy<Value = TimeZone> {
    select(vec!["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
        .prop_map(|name| TimeZone::get(name).expect("in the database"))
}

fn field() -> impl Strategy<Value = FieldPath> {
    let named =
        FieldPath::NAMED.map(|(_, field)| field).into_iter().chain([FieldPath::Details(vec!["a".into(), "b".into()])]);
    select(named.collect::<Vec<_>>())
}

fn fields() -> impl Strategy<Value = Vec<FieldPath>> {
    vec(field(), 1..4).prop_map(|mut fields| {
        fields.sort_by_key(ToString::to_string);
        fields.dedup();
        fields
    })
}

/// Empty, or more than the summary alone, which is read as no field.
fn similar() -> impl Strategy<Value = Vec<FieldPath>> {
    prop_oneof![Just(vec![]), fields().prop_filter("no field", |fields| *fields != [FieldPath::Summary])]
}

fn grouping() -> impl Strategy<Value = Grouping> {
    let aggregate = || select(vec![Aggregate::All, Aggregate::Any]);
    prop_oneof![
        option::of((1_i64..=1440).prop_map(Span::minutes)).prop_map(|window| Grouping::Time { window }),
        (aggregate(), fields(), prop_oneof![span(300..=3600), span(86_400..=86_400)])
            .prop_map(|(aggregate, fields, window)| Grouping::Content { aggregate, fields, window }),
        (similar(), span(300..=3600)).prop_map(|(fields, window)| Grouping::Intelligent { fields, window }),
    ]
}

fn constant() -> impl Strategy<Value = Constant> {
    select(vec![Constant::High, Constant::Low, Constant::SeverityBased])
}

fn hours() -> impl Strategy<Value = SupportHours> {
    let days = any::<[bool; 7]>().prop_map(|mut days| {
        days[0] |= !days.contains(&true);
        days
    });
    (zone(), days, time_of_day(0..12), time_of_day(12..24)).prop_map(|(zone, days, start, end)| SupportHours {
        zone,
        days,
        start,
        end,
    })
}

prop_compose! {
    fn service(i: usize)(
        description in text(), disabled in any::<bool>(), policy in one("E", PolicyId::new),
        teams in option::of(ids("T", TeamId::new)), names in vec("[a-z]{8}", 0..3), pinned in any::<[u64; 2]>(),
        grouping in option::of(grouping()), during in constant(), outside in constant(), hours in option::of(hours()),
        raised in option::of(select(vec![RaiseAt::SupportHoursStart, RaiseAt::SupportHoursEnd])),
        timeouts in any::<[Option<u16>; 2]>(), priorities in any::<[Option<bool>; 4]>(),
    ) -> Object {
        let integrations = names.iter().enumerate().map(|(j, name)| IntegrationDraft {
            id: IntegrationId::new(format!("PI{i}{j}")),
            name: name.into(),
            type_name: "events_api_v2_inbound_integration".into(),
            // One pinned, the rest to be minted.
            key: (j == 0).then(|| RoutingKey::new(format!("{:015x}{i}{:016x}", pinned[0] >> 4, pinned[1]))),
        });
        let rule = UrgencyRule::UseSupportHours { during, outside };
        let timeout = |n: Option<u16>| n.map(|n| Span::seconds(i64::from(n) + 1));
        Object::Service(Box::new(ServiceDraft {
            id: ServiceId::new(id("S", i)),
            name: format!("service {i}").into(),
            description,
            disabled,
            policy,
            teams: teams.unwrap_or_default(),
            integrations: integrations.collect(),
            grouping,
            urgency_rule: if hours.is_some() { rule } else { UrgencyRule::Constant(during) },
            urgency_raised_at: raised.filter(|_| hours.is_some()),
            support_hours: hours,
            auto_resolve: timeout(timeouts[0]),
            acknowledgement_timeout: timeout(timeouts[1]),
            priority_by_severity: priorities.map(|by| by.map(|by_id| if by_id { "PP1".into() } else { "prio 0".into() })),
        }))
    }
}

prop_compose! {
    fn layer()(
        id in option::of("[A-Z]{7}"), name in text(), start in instant(), lasts in option::of(1_i64..1_000_000_000),
        virtual_start in instant(), turn in span(1..=604_800), users in ids("U", UserId::new), weekly in any::<bool>(),
        day in 1_i8..=7, at in time_of_day(0..24), duration in span(1..=86_400),
    ) -> Layer {
        let day = Weekday::from_monday_one_offset(day).expect("in range");
        Layer {
            id: id.map(Into::into),
            name: name.into(),
            start,
            end: lasts.map(|millis| start + Span::millis(millis)),
            rotation_virtual_start: virtual_start,
            turn,
            users,
            restrictions: vec![if weekly {
                Restriction::Weekly { day, start: at, duration }
            } else {
                Restriction::Daily { start: at, duration }
            }],
        }
    }
}

prop_compose! {
    fn schedule(i: usize)(
        description in text(), zone in zone(), layers in vec(layer(), 0..3), teams in ids("T", TeamId::new),
        from in instant(), user in one("U", UserId::new),
    ) -> Object {
        let shift = Override { id: None, start: from, end: from + Span::hours(1), user };
        let (id, name) = (ScheduleId::new(id("C", i)), "rotation".into());
        Object::Schedule(Schedule { id, name, description, zone, layers, overrides: vec![shift], teams })
    }
}

prop_compose! {
    fn policy(i: usize)(
        loops in 0_u32..10, always in any::<bool>(), ring in any::<bool>(), users in ids("U", UserId::new),
        schedule in one("C", ScheduleId::new), minutes in 5_i64..100, team in option::of(one("T", TeamId::new)),
    ) -> Object {
        let targets = users.into_iter().map(Target::User).chain([Target::Schedule(schedule)]).collect();
        let strategy = if ring { Assignment::RoundRobin } else { Assignment::AssignToEveryone };
        Object::Policy(Policy {
            id: PolicyId::new(id("E", i)),
            name: format!("policy {i}").into(),
            description: String::new(),
            loops,
            handoff: if always { Handoff::Always } else { Handoff::IfHasServices },
            rules: vec![Rule { id: Some("PRULE01".into()), delay: Span::minutes(minutes), targets, strategy }],
            teams: team.into_iter().collect(),
        })
    }
}

prop_compose! {
    fn rest()(
        words in vec(text(), EACH), zones in vec(option::of(zone()), EACH), services in ids("S", ServiceId::new),
        grouping in grouping(), start in instant(), millis in 1_i64..1_000_000_000,
    ) -> Vec<Object> {
        let mut objects = Vec::new();
        for (i, (word, zone)) in words.iter().zip(&zones).enumerate() {
            let (description, name) = (word.clone(), format!("name {i}"));
            objects.push(Object::Team(Team {
                id: TeamId::new(id("T", i)),
                name: name.as_str().into(),
                description: description.clone(),
                parent: (i > 0).then(|| TeamId::new(id("T", i - 1))),
            }));
            objects.push(Object::User(User {
                id: UserId::new(id("U", i)),
                name: name.as_str().into(),
                email: "someone@example.com".into(),
                zone: zone.clone(),
                role: Default::default(),
                job_title: Default::default(),
                description: description.clone(),
                teams: vec![TeamId::new(id("T", 0))],
        contact_methods: Vec::new(),
        notification_rules: Vec::new(),
        handoff_rules: Vec::new(),
            }));
            let (id, color) = (PriorityId::new(id("P", i)), "a8171c".into());
            objects.push(Object::Priority(Priority { id, name: format!("prio {i}").into(), description, color, order: 9 - i as u32 }));
        }
        let (end, description) = (start + Span::millis(millis), words[0].clone());
        let window = MaintenanceWindow { id: MaintenanceId::new("PM"), start, end, description, services: services.clone() };
        objects.push(Object::Maintenance(window));
        let (id, name, description) = (GroupingId::new("PG"), "".into(), words[1].clone());
        objects.push(Object::Grouping(GroupingSetting { id, name, description, grouping, services }));
        objects.push(Object::Business(BusinessDraft {
            id: BusinessServiceId::new("PB"),
            name: "Portal".into(),
            description: words[2].clone(),
            point_of_contact: words[0].clone(),
            team: Some(TeamId::new("PT1")),
            depends_on: vec![
                DependencyDraft { kind: None, id_or_name: "service 1".into() },
                DependencyDraft { kind: Some(Kind::Service), id_or_name: "PS0".into() },
            ],
        }));
        objects
    }
}

prop_compose! {
    fn organisation()(
        mut objects in rest(), services in (service(0), service(1), service(2)),
        schedules in (schedule(0), schedule(1), schedule(2)), policies in (policy(0), policy(1), policy(2)),
    ) -> Vec<Object> {
        objects.extend([services.0, services.1, services.2, schedules.0, schedules.1, schedules.2]);
        objects.extend([policies.0, policies.1, policies.2]);
        objects
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(objects in organisation()) {
        for object in objects {
            let read = read(object.kind(), object.id(), &write(&object)).map(|(object, _)| object);
            prop_assert_eq!(read, Ok(object));
        }
    }

    #[test]
    fn stored_records_give_the_snapshot_that_was_loaded(objects in organisation(), mut seed in any::<u64>()) {
        let files: Vec<_> = objects
            .iter()
            .map(|it| File { kind: it.kind(), id: it.id().into(), name: it.id().into(), bytes: write(it) })
            .collect();
        let mut entropy = || {
            seed = seed.wrapping_add(1);
            (u128::from(seed) << 64 | u128::from(seed.rotate_left(17))).to_be_bytes()
        };
        let loaded = load(&files, Known::NOTHING, &mut entropy, Epoch(7), 64);
        let loaded = loaded.map_err(|refusals| TestCaseError::fail(format!("{refusals:#?}")))?;
        let rebuilt = snapshot_from_records(loaded.objects.clone(), Epoch(7), 64);
        prop_assert_eq!(rebuilt, Ok(loaded.snapshot));
        // What was stored is loaded and stored again byte by byte, and nothing is left to mint.
        let records = loaded.objects.iter().map(|(kind, id, bytes)| File {
            kind: *kind, id: id.clone(), name: id.clone(), bytes: bytes.clone(),
        });
        let again = load(&records.collect::<Vec<_>>(), Known::NOTHING, &mut entropy, Epoch(7), 64).expect("sound");
        prop_assert_eq!(again.objects, loaded.objects);
        prop_assert_eq!(again.minted, []);
    }
}
