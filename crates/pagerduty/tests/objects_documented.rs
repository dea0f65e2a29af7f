//! The operator's page shows only objects that load, and the messages it shows are those that are given.

use std::fs;
use std::path::Path;

use campanile_directory::Kind;
use campanile_model::Epoch;
use campanile_pagerduty::objects::{File, Known, load};

const PAGE: &str = include_str!("../../../docs/operating/directory.md");

/// Each block of JSON, with the path that stands on the line before it.
fn documented() -> Vec<File> {
    let mut files = Vec::new();
    for (before, rest) in PAGE.match_indices("```json\n").map(|(at, fence)| (&PAGE[..at], &PAGE[at + fence.len()..])) {
        let path = before.trim_end().lines().last().expect("a path").trim_matches('`');
        let text = rest.split("```").next().expect("an end");
        files.extend(File::new(path, text.as_bytes().to_vec()).expect("a sound path"));
    }
    files
}

#[test]
fn every_kind_is_shown_once_and_the_page_loads_as_a_directory() {
    let mut files = documented();
    let mut kinds: Vec<_> = files.iter().map(|file| file.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, Kind::ALL);
    // What the page's service and setting refer to and the page does not show.
    let more = [
        ("services/PCDNED1.json", "{\"name\": \"cdn-edge\", \"escalation_policy\": {\"id\": \"PEPLAT1\"}}"),
        ("priorities/PRIOR02.json", "{\"name\": \"P2\", \"order\": 2}"),
        ("priorities/PRIOR03.json", "{\"name\": \"P3\", \"order\": 3}"),
        ("priorities/PRIOR05.json", "{\"name\": \"P5\", \"order\": 5}"),
    ];
    for (path, text) in more {
        files.extend(File::new(path, text.as_bytes().to_vec()).expect("a sound path"));
    }
    let loaded = match load(&files, Known::NOTHING, &mut || [1; 16], Epoch(1), 4) {
        Ok(loaded) => loaded,
        Err(refusals) => panic!("{}", refusals.iter().map(|it| format!("{it}\n")).collect::<String>()),
    };
    assert_eq!(loaded.minted.len(), 1);
    let warned: Vec<_> = loaded.warnings.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(warned, ["these parameters take the service out of grouping setting PGEDGE1"]);
}

#[test]
fn the_messages_on_the_page_are_those_that_are_given() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/seed-organisation");
    let mut files = Vec::new();
    for kind in Kind::ALL {
        for entry in fs::read_dir(root.join(kind.folder())).into_iter().flatten() {
            let path = entry.expect("readable").path();
            let name = format!("{}/{}", kind.folder(), path.file_name().expect("a name").to_str().expect("UTF-8"));
            let mut text = fs::read_to_string(&path).expect("readable");
            match name.as_str() {
                "services/PAPIGW1.json" => text = text.replace("PEPLAT1", "PEPLAT7"),
                "services/PCDNED1.json" => text = text.replace("auto_resolve_timeout", "auto_resolve_timout"),
                _ => {}
            }
            files.extend(File::new(&name, text.into_bytes()).expect("a sound path"));
        }
    }
    let refusals = load(&files, Known::NOTHING, &mut || [1; 16], Epoch(1), 4).expect_err("two mistakes");
    assert_eq!(refusals.len(), 2);
    for refusal in refusals {
        let shown = refusal.to_string();
        // The page cuts the long list of keys.
        let shown = shown.split("escalation_policy, teams").next().expect("the beginning").trim_end_matches([' ', ',']);
        assert!(PAGE.contains(shown), "{shown}");
    }
}
