//! The whole drain, small: what the processor publishes is what the model counted.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_small_drain_ends_with_the_models_counters_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let result = folder.path().join("result.json");
    let ledgers = folder.path().join("ledgers");
    let status = Command::new(env!("CARGO_BIN_EXE_campanile-load"))
        // The limit is out of reach: how fast it is on a busy machine is no matter of a test.
        .args(["drain", "--events", "20000", "--shards", "4", "--services", "60", "--limit", "1000"])
        .arg("--data")
        .arg(&ledgers)
        .arg("--json")
        .arg(&result)
        .status()
        .expect("it starts");
    let result: Value = serde_json::from_slice(&std::fs::read(&result).expect("a result")).expect("JSON");
    assert!(status.success(), "{result:#}");
    assert_eq!(result["counters_equal"], true);
    assert_eq!(result["processor"]["events"], 20_000);
    let lines = result["counters"].as_array().expect("counters");
    let found = |what: &str| lines.iter().find(|line| line["what"] == what).and_then(|line| line["found"].as_u64());
    assert!(found("incident.triggered") > Some(100) && found("open alerts, hidden") > Some(1000), "{result:#}");
    assert_eq!(std::fs::read_dir(&ledgers).expect("the folder").count(), 0);
}

#[test]
fn shards_that_are_no_power_of_two_are_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_campanile-load"))
        .args(["drain", "--events", "1", "--shards", "3"])
        .output()
        .expect("it starts");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a power of two is needed"));
}
