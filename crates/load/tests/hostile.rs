//! The hostile organisation is one that Campanile takes, and its traffic is as hostile as it says.

use std::collections::BTreeSet;

use campanile_load::hostile::{self, Door, Hostile};
use campanile_load::organisation::{self, Object};
use campanile_model::{Epoch, murmur2::partition_of};
use campanile_pagerduty::events_v2::{Decoder, validate_logged, validate_request};
use campanile_pagerduty::objects::{File, Known, Loaded, load};

fn loaded(objects: Vec<Object>) -> Loaded {
    let files: Vec<File> = objects
        .into_iter()
        .map(|(kind, id, bytes)| File { kind, name: format!("{}/{id}.json", kind.folder()), id, bytes })
        .collect();
    let mut entropy = || panic!("every key is pinned");
    load(&files, Known::NOTHING, &mut entropy, Epoch(1), 8).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn the_noisy_organisation_loads_without_a_warning_and_every_key_is_at_home() {
    let loaded = loaded(organisation::objects(42, 500));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    for service in loaded.snapshot.services() {
        assert_eq!(service.home.0, partition_of(service.integrations[0].key.as_str().as_bytes(), 8));
    }
    let quiet = loaded.snapshot.services().filter(|it| it.maintenance_at(campanile_load::workload::BEGINS).is_some());
    assert_eq!(quiet.count(), 55);
}

#[test]
fn the_hostile_organisation_loads_for_any_number_of_services() {
    for services in [1, 7, 8, 24, 100] {
        loaded(hostile::objects(42, services));
    }
}

#[test]
fn some_hostile_events_have_their_home_on_another_shard() {
    let loaded = loaded(hostile::objects(42, 24));
    let away = loaded.snapshot.services().filter(|service| {
        let here = partition_of(service.integrations[0].key.as_str().as_bytes(), 8);
        service.home.0 != here
    });
    assert!(away.count() > 0);
}

#[test]
fn over_http_every_event_is_valid_and_routed() {
    let loaded = loaded(hostile::objects(42, 24));
    let mut hostile = Hostile::new(42, 24, Door::Http);
    let (mut decoder, mut json) = (Decoder::new(), Vec::new());
    for index in 0..20_000 {
        let sent = hostile.write_next(&mut json);
        let text = String::from_utf8_lossy(&json).into_owned();
        assert!(text.contains(&format!("\"event\":{index}")), "{text}");
        let event = decoder.decode(&mut json).expect("JSON");
        let request = validate_request(&event).unwrap_or_else(|problems| panic!("{problems:?}: {text}"));
        assert!(loaded.snapshot.route(request.routing_key).is_some());
        assert_eq!((request.dedup_key, sent.index), (Some(sent.dedup_key.as_str()), index));
        assert_eq!(sent.record_key, request.routing_key);
    }
}

#[test]
fn by_append_come_bad_bytes_unknown_keys_missing_keys_long_summaries_and_foreign_record_keys() {
    let loaded = loaded(hostile::objects(42, 24));
    let mut hostile = Hostile::new(42, 24, Door::Append);
    let (mut decoder, mut json) = (Decoder::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for index in 0..20_000 {
        let sent = hostile.write_next(&mut json);
        assert!(String::from_utf8_lossy(&json).contains(&format!("\"event\":{index}")));
        let Ok(event) = decoder.decode(&mut json) else {
            seen.insert("unparseable");
            continue;
        };
        let Ok(request) = validate_logged(&event) else {
            seen.insert("invalid");
            continue;
        };
        assert_eq!(request.dedup_key.unwrap_or_default(), sent.dedup_key);
        if request.dedup_key.is_none() {
            seen.insert("no dedup key");
        }
        if request.payload.as_ref().is_some_and(|payload| payload.summary_cut) {
            seen.insert("cut");
        }
        if loaded.snapshot.route(request.routing_key).is_none() {
            seen.insert("unknown key");
        } else if sent.record_key.is_empty() {
            seen.insert("no record key");
        } else if sent.record_key != request.routing_key {
            seen.insert("foreign record key");
        }
    }
    let expected =
        ["cut", "foreign record key", "invalid", "no dedup key", "no record key", "unknown key", "unparseable"];
    assert_eq!(seen, BTreeSet::from(expected));
}

#[test]
fn bursts_stay_on_one_key() {
    let mut hostile = Hostile::new(42, 24, Door::Http);
    let mut json = Vec::new();
    let keys: Vec<_> = (0..20_000)
        .map(|_| {
            let sent = hostile.write_next(&mut json);
            (sent.record_key, sent.dedup_key)
        })
        .collect();
    let longest = keys.chunk_by(|a, b| a == b).map(<[_]>::len).max();
    assert!(longest >= Some(30), "{longest:?}");
}

#[test]
fn two_streams_share_one_organisation_and_are_told_apart_by_index() {
    let loaded = loaded(hostile::objects(42, 24));
    let mut hostile = Hostile::new(43, 24, Door::Http).keyed_by(42).starting_at(1_000_000);
    let (mut decoder, mut json) = (Decoder::new(), Vec::new());
    for index in 1_000_000..1_001_000 {
        assert_eq!(hostile.write_next(&mut json).index, index);
        let event = decoder.decode(&mut json).expect("JSON");
        assert!(event.routing_key.filled().is_some_and(|key| loaded.snapshot.route(key).is_some()));
    }
}
