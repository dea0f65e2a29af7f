//! The demonstration, whole.

use campanile_directory::Snapshot;
use campanile_model::{Epoch, Span};
use campanile_pagerduty::objects::{Known, load};
use campanile_server::demo::funnel::{differences, sentence};
use campanile_server::demo::organisation;
use campanile_server::demo::story::{self, EXPECTED};
use serde_json::Value;

use crate::harness::{campanile, directory, err, out};

fn snapshot() -> Snapshot {
    let files = organisation::files().expect("the seed is in the binary");
    load(&files, Known::NOTHING, &mut || [0; 16], Epoch(1), 4).expect("the seed is right").snapshot
}

#[test]
fn the_hour_has_the_seeds_numbers() {
    let lanes = story::lanes(&snapshot(), Span::minutes(57));
    let events: Vec<Value> =
        lanes.iter().flatten().map(|event| serde_json::from_slice(&event.body).expect("it is JSON")).collect();
    let triggers = events.iter().filter(|event| event["event_action"] == "trigger").count();
    let keys: std::collections::BTreeSet<_> = events.iter().filter_map(|event| event["dedup_key"].as_str()).collect();
    assert_eq!((triggers, keys.len(), events.len() - triggers), (1000, 400, 400));
    for lane in &lanes {
        assert!(lane.is_sorted_by_key(|event| event.after));
        assert!(lane.iter().all(|event| event.after <= Span::minutes(57)));
    }
}

#[test]
fn a_difference_is_told_by_name() {
    let mut found = EXPECTED;
    assert_eq!(differences(&found), Vec::<String>::new());
    found.raw = 998;
    found.priorities[1] = 14;
    assert_eq!(differences(&found), ["raw alerts: expected 1000, found 998", "P2: expected 15, found 14"]);
}

#[test]
fn the_demonstration_prints_the_funnel_and_leaves_nothing_behind() {
    let home = directory();
    let output = campanile().args(["demo", "--once"]).env("TMPDIR", home.path()).output().expect("the binary starts");
    let text = out(&output);
    assert!(output.status.success(), "{text}\n{}", err(&output));
    assert!(text.contains("The clock runs 360 times as fast"), "{text}");
    assert!(text.contains("1000 raw → 400 alerts → 300 not suppressed → 50 incidents (P1 5, P2 15, P3 30)"), "{text}");
    assert!(text.contains(&sentence(&EXPECTED)));
    assert_eq!(std::fs::read_dir(home.path()).expect("it is there").count(), 0);
}
