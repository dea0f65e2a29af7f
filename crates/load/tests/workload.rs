//! The noise has the mix, the sizes and the skew it is described with, and is the same every time.

use std::collections::{BTreeMap, BTreeSet};

use campanile_directory::mint::has_affinity;
use campanile_load::organisation::{maintained, routing_keys, service_id};
use campanile_load::workload::{Action, BEGINS, Fact, Options, Workload};
use campanile_pagerduty::events_v2::{Decoder, timestamp, validate_request};

const FULL: Options = Options { seed: 42, services: 500 };

fn facts(options: Options, count: usize) -> (Workload, Vec<Fact>) {
    let mut workload = Workload::new(options);
    let mut json = Vec::new();
    let facts = (0..count).map(|_| workload.write_next(&mut json)).collect();
    (workload, facts)
}

#[test]
fn same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let bytes = |seed| {
        let mut workload = Workload::new(Options { seed, ..FULL });
        let mut json = Vec::new();
        (0..1000)
            .flat_map(|_| {
                workload.write_next(&mut json);
                json.clone()
            })
            .collect::<Vec<u8>>()
    };
    assert!(bytes(42) == bytes(42));
    assert!(bytes(42) != bytes(43));
}

#[test]
fn mean_size_is_617_bytes_within_three_percent_and_nearly_all_lie_near_it() {
    let mut workload = Workload::new(FULL);
    let mut json = Vec::new();
    let count = 100_000;
    let (mut sum, mut inside) = (0, 0);
    for _ in 0..count {
        workload.write_next(&mut json);
        sum += json.len();
        inside += usize::from((500..=750).contains(&json.len()));
    }
    let mean = sum as f64 / f64::from(count);
    assert!((mean - 617.0).abs() < 617.0 * 0.03, "mean {mean}");
    assert!(inside * 100 >= count as usize * 99, "{inside} of {count} inside 500 to 750");
}

#[test]
fn mix_is_that_of_the_description() {
    let (_, facts) = facts(FULL, 200_000);
    let share = |count: usize| count as f64 / facts.len() as f64;
    let quiet = maintained(500);
    let hidden = facts.iter().filter(|fact| quiet.contains(&fact.service)).count();
    let made: BTreeSet<u32> = facts.iter().map(|fact| fact.alert).collect();
    let resolves = facts.iter().filter(|fact| fact.action == Action::Resolve).count();
    let acknowledges = facts.iter().filter(|fact| fact.action == Action::Acknowledge).count();
    assert!((share(hidden) - 0.10).abs() < 0.005, "hidden {}", share(hidden));
    assert!((share(resolves) - 0.05).abs() < 0.005, "resolves {}", share(resolves));
    assert!((share(acknowledges) - 0.02).abs() < 0.002, "acknowledges {}", share(acknowledges));
    assert!((share(made.len()) - 0.33).abs() < 0.01, "alerts {}", share(made.len()));
}

#[test]
fn fifty_five_services_are_in_maintenance_and_every_eighth_of_them() {
    let quiet = maintained(500);
    assert_eq!(quiet.len(), 55);
    assert_eq!((quiet[0], quiet[1], quiet[54]), (4, 12, 436));
}

#[test]
fn every_event_is_valid_at_the_door_and_carries_its_time_and_key() {
    let mut workload = Workload::new(FULL);
    let mut decoder = Decoder::new();
    let mut json = Vec::new();
    for _ in 0..20_000 {
        let fact = workload.write_next(&mut json);
        let text = String::from_utf8(json.clone()).expect("UTF-8");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
        let event = decoder.decode(&mut json).expect("decodes");
        let at = timestamp::parse(event.timestamp.filled().expect("time"));
        let request = validate_request(&event).unwrap_or_else(|problems| panic!("{problems:?}: {text}"));
        assert_eq!(at, Some(fact.at));
        assert_eq!(request.routing_key, workload.routing_key(fact.service));
        assert_eq!(request.dedup_key, Some(workload.dedup_key(&fact).as_str()));
        assert_eq!(request.action.as_str(), fact.action.as_str());
        assert!(text.contains(&format!("\"event\":{}}}", fact.index)));
    }
}

#[test]
fn event_time_advances_700_events_a_second() {
    let (_, facts) = facts(FULL, 1401);
    assert_eq!(facts[0].at, BEGINS);
    assert_eq!(facts[700].at.since(BEGINS).0, 1000);
    assert_eq!(facts[1400].at.since(BEGINS).0, 2000);
}

#[test]
fn a_dedup_key_names_one_alert_of_one_class() {
    let (workload, facts) = facts(FULL, 50_000);
    let mut seen = BTreeMap::new();
    for fact in &facts {
        let key = workload.dedup_key(fact);
        let known = seen.entry(key).or_insert((fact.service, fact.alert, fact.class));
        assert_eq!(*known, (fact.service, fact.alert, fact.class));
    }
    let alerts: BTreeSet<u32> = facts.iter().map(|fact| fact.alert).collect();
    assert_eq!(seen.len(), alerts.len());
    assert_eq!(facts.iter().map(|fact| fact.class).collect::<BTreeSet<_>>().len(), 48);
}

#[test]
fn repeats_resolves_and_acknowledges_name_open_alerts_only() {
    let (_, facts) = facts(Options { seed: 7, services: 20 }, 50_000);
    let mut open = BTreeSet::new();
    let mut made = BTreeSet::new();
    for fact in &facts {
        match fact.action {
            Action::Trigger => {
                assert!(made.insert(fact.alert) || open.contains(&fact.alert), "{fact:?} repeats a closed alert");
                open.insert(fact.alert);
            }
            Action::Acknowledge => assert!(open.contains(&fact.alert)),
            Action::Resolve => assert!(open.remove(&fact.alert)),
        }
    }
}

#[test]
fn routing_keys_are_lower_hex_unique_and_at_home() {
    let keys = routing_keys(42, 500);
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 500);
    for (rank, key) in (0..).zip(&keys) {
        assert!(key.len() == 32 && key.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{key}");
        assert!(has_affinity(key, &service_id(rank)));
    }
}

#[test]
fn one_service_alone_still_makes_noise() {
    let (_, facts) = facts(Options { seed: 1, services: 1 }, 1000);
    assert!(facts.iter().all(|fact| fact.service == 0));
}
