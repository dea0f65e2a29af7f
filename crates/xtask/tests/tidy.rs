//! Each rule of tidy: a small tree passes, the same tree with one breach planted fails and names the rule.

use std::fs;
use std::path::Path;
use std::process::Command;

use campanile_xtask::docs::{self, Page};
use campanile_xtask::tidy;
use tempfile::TempDir;

/// A tree that breaks no rule: a pure crate, a role that uses it, a page.
const TREE: &[(&str, &str)] = &[
    ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
    ("README.md", "# A tree\n\nPaths like docs/work/here and $HOME/root/ are fine; so is commons.\n"),
    (
        "crates/triage/Cargo.toml",
        "[package]\nname = \"campanile-triage\"\n\n[package.metadata.campanile]\nfloor = 30\n\n[dependencies]\nahash = \"0.8\"\n",
    ),
    (
        "crates/triage/src/lib.rs",
        "//! Judges.\n\n/// Says \"println!\" and .unwrap() in a comment, and std::fs too.\npub fn judge(now: u64) -> (u64, &'static str) {\n    let _brace = ('{', '\\'', '\"', b'}');\n    (now, \"todo! std::fs::read tracing:: .unwrap() r#\\\"\")\n}\n",
    ),
    ("crates/triage/clippy.toml", "disallowed-methods = []\n"),
    (
        "crates/gateway/Cargo.toml",
        "[package]\nname = \"campanile-gateway\"\n\n[package.metadata.campanile]\nfloor = 70\n\n[dependencies]\ncampanile-triage.workspace = true\naxum = \"0.8\"\nserde.workspace = true\n",
    ),
    ("crates/gateway/src/lib.rs", "//! A door.\n\npub mod enqueue;\n"),
    ("crates/gateway/src/enqueue.rs", "//! The first door.\n\npub async fn enqueue() {}\n"),
    ("docs/reference/metrics.md", "fresh\n"),
];

const PAGES: &[Page] = &[Page { path: "docs/reference/metrics.md", text: || "fresh\n".to_owned() }];

fn plant(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a path below the root has a parent")).expect("the tree is writable");
    fs::write(path, text).expect("the tree is writable");
}

fn fresh_tree() -> TempDir {
    let tree = tempfile::tempdir().expect("a temporary directory can be made");
    for (path, text) in TREE {
        plant(tree.path(), path, text);
    }
    tree
}

fn breaches(root: &Path) -> Vec<String> {
    let report = tidy::check_with_pages(root, PAGES).expect("the tree can be read");
    report.breaches.iter().map(ToString::to_string).collect()
}

/// Replaces one file of a clean tree and expects exactly one breach, which starts so.
#[track_caller]
fn check(path: &str, text: &str, expected: &str) {
    let tree = fresh_tree();
    assert_eq!(breaches(tree.path()), Vec::<String>::new(), "the clean tree");
    plant(tree.path(), path, text);
    let found = breaches(tree.path());
    assert!(found.len() == 1 && found[0].starts_with(expected), "expected one breach '{expected}…', found {found:#?}");
}

/// As [`check`], with the planted text added to the end of the file that is there.
#[track_caller]
fn check_added(path: &str, added: &str, expected: &str) {
    let (_, text) = TREE.iter().find(|(present, _)| *present == path).expect("the clean tree has the file");
    check(path, &format!("{text}{added}"), expected);
}

const TRIAGE: &str = "crates/triage/src/lib.rs";
const ENQUEUE: &str = "crates/gateway/src/enqueue.rs";

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let report = tidy::check(&root).expect("the repository can be read");
    let lines: Vec<String> = report.breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} breaches:\n{}", lines.len(), lines.join("\n"));
    assert!(report.crates > 10, "only {} crates were found", report.crates);
}

#[test]
fn crate_on_a_higher_floor_is_refused() {
    let manifest = "crates/triage/Cargo.toml";
    check_added(
        manifest,
        "campanile-gateway.workspace = true\n",
        "crates/triage/Cargo.toml:9: floors: triage (floor 30)",
    );
    check_added(
        manifest,
        "\n[dev-dependencies]\ncampanile-gateway.workspace = true\n",
        "crates/triage/Cargo.toml:11: floors: ",
    );
    check_added(
        manifest,
        "\n[target.'cfg(unix)'.dependencies.campanile-gateway]\nworkspace = true\n",
        "crates/triage/Cargo.toml:10: floors: ",
    );
}

#[test]
fn neighbour_on_the_same_floor_is_for_tests_only() {
    let api = |kind: &str| {
        format!(
            "[package]\nname = \"campanile-api\"\n\n[package.metadata.campanile]\nfloor = 70\n\n[{kind}]\ncampanile-gateway.workspace = true\n"
        )
    };
    check("crates/api/Cargo.toml", &api("dependencies"), "crates/api/Cargo.toml:8: floors: api (floor 70)");
    let tree = fresh_tree();
    plant(tree.path(), "crates/api/Cargo.toml", &api("dev-dependencies"));
    assert_eq!(breaches(tree.path()), Vec::<String>::new());
}

#[test]
fn crate_without_a_floor_is_refused() {
    check(
        "crates/loft/Cargo.toml",
        "[package]\nname = \"campanile-loft\"\n",
        "crates/loft/Cargo.toml:1: floor-missing: ",
    );
}

#[test]
fn crate_not_named_after_its_directory_is_refused() {
    let manifest = "[package]\nname = \"loft\"\n\n[package.metadata.campanile]\nfloor = 90\n";
    check("crates/loft/Cargo.toml", manifest, "crates/loft/Cargo.toml:2: package-name: ");
}

#[test]
fn pure_crate_without_a_clippy_list_is_refused() {
    let manifest = "[package]\nname = \"campanile-oncall\"\n\n[package.metadata.campanile]\nfloor = 10\n";
    check("crates/oncall/Cargo.toml", manifest, "crates/oncall/Cargo.toml:1: clippy-list: ");
}

#[test]
fn only_the_home_of_a_package_may_name_it() {
    let gateway = "crates/gateway/Cargo.toml";
    for package in ["rdkafka", "rocksdb", "simd-json", "metrics", "metrics-exporter-prometheus"] {
        let expected = format!("{gateway}:11: only-x-knows-y: gateway depends on {package}; ");
        check_added(gateway, &format!("{package}.workspace = true\n"), &expected);
        check_added(gateway, &format!("other = {{ version = \"1\", package = \"{package}\" }}\n"), &expected);
    }
    for package in ["axum", "hyper", "hyper-util"] {
        let expected = format!("crates/triage/Cargo.toml:9: only-x-knows-y: triage depends on {package}; ");
        check_added("crates/triage/Cargo.toml", &format!("{package}.workspace = true\n"), &expected);
    }
}

#[test]
fn pure_crate_may_not_depend_on_the_world() {
    for package in ["serde", "serde_json", "tokio", "tracing", "rand"] {
        let expected =
            format!("crates/triage/Cargo.toml:9: pure-dependencies: triage is pure and depends on {package}; ");
        check_added("crates/triage/Cargo.toml", &format!("{package}.workspace = true\n"), &expected);
    }
    let model = "[package]\nname = \"campanile-model\"\n\n[package.metadata.campanile]\nfloor = 0\n\n[dependencies]\nserde = \"1\"\n";
    let tree = fresh_tree();
    plant(tree.path(), "crates/model/clippy.toml", "");
    plant(tree.path(), "crates/model/Cargo.toml", model);
    let found = breaches(tree.path());
    assert!(found.len() == 1 && found[0].starts_with("crates/model/Cargo.toml:8: pure-dependencies: "), "{found:?}");
}

#[test]
fn file_without_a_head_is_refused() {
    check(ENQUEUE, "pub fn enqueue() {}\n", "crates/gateway/src/enqueue.rs:1: module-head: ");
    check(ENQUEUE, "//!\npub fn enqueue() {}\n", "crates/gateway/src/enqueue.rs:1: module-head: ");
}

#[test]
fn junk_drawers_are_refused() {
    for name in ["utils", "common", "helpers", "misc", "time_util", "helper_time"] {
        let path = format!("crates/gateway/src/{name}.rs");
        check(&path, "//! A drawer.\n", &format!("{path}:1: names: "));
    }
    check("tests/common/mod.rs", "", "tests/common/mod.rs:1: names: ");
    check_added(ENQUEUE, "mod string_utils {}\n", "crates/gateway/src/enqueue.rs:4: names: module 'string_utils'");
}

#[test]
fn leftovers_are_refused() {
    for left in ["todo!()", "unimplemented!()", "dbg!(1)"] {
        check_added(ENQUEUE, &format!("fn later() {{ {left} }}\n"), "crates/gateway/src/enqueue.rs:4: leftovers: ");
    }
    check_added(ENQUEUE, concat!("// FIX", "ME: later\n"), "crates/gateway/src/enqueue.rs:4: leftovers: ");
    check("crates/gateway/tests/door.rs", "fn later() { todo!() }\n", "crates/gateway/tests/door.rs:1: leftovers: ");
}

#[test]
fn unwrap_in_sources_is_refused() {
    check_added(ENQUEUE, "fn now() { Some(1)\n    .unwrap(); }\n", "crates/gateway/src/enqueue.rs:5: unwrap: ");
}

#[test]
fn pure_source_that_reaches_the_world_is_refused() {
    let lines = [
        "use std::time::SystemTime;",
        "fn f() { Instant::now; }",
        "fn f() { jiff::Timestamp::now(); }",
        "fn f() { thread::spawn(g); }",
        "use std::fs;",
        "use std::{collections::HashMap, io::{self, Read}};",
        "use std::{\n    collections::{BTreeMap, BTreeSet},\n    thread,\n};",
        "fn f() { std::env::var(X); }",
        "fn f() { println!(); }",
        "fn f() { eprint!(); }",
        "async fn f() {}",
        "fn f() { g.await }",
        "fn f() { rand::random(); }",
        "use tracing::warn;",
        "fn f() { tokio::spawn(g); }",
    ];
    for line in lines {
        check_added(TRIAGE, &format!("{line}\n"), "crates/triage/src/lib.rs:8: purity: ");
        let tree = fresh_tree();
        plant(tree.path(), "crates/gateway/src/other.rs", &format!("//! A role may.\n{line}\n"));
        assert_eq!(breaches(tree.path()), Vec::<String>::new(), "{line} above the pure floors");
    }
}

fn lines(count: usize) -> String {
    "    g();\n".repeat(count)
}

#[test]
fn long_function_is_refused() {
    let tree = fresh_tree();
    plant(tree.path(), ENQUEUE, &format!("//! A door.\nfn f() {{\n{}}}\n", lines(68)));
    assert_eq!(breaches(tree.path()), Vec::<String>::new(), "70 lines are the limit");
    let longer = format!("//! A door.\nfn f() {{\n{}}}\n", lines(69));
    check(ENQUEUE, &longer, "crates/gateway/src/enqueue.rs:2: function-size: function 'f' has 71 lines");
}

#[test]
fn long_file_of_logic_is_refused_and_a_long_table_is_not() {
    let tree = fresh_tree();
    plant(tree.path(), ENQUEUE, &format!("//! A table.\nconst T: [u8; 600] = [\n{}];\n", "    1,\n".repeat(600)));
    assert_eq!(breaches(tree.path()), Vec::<String>::new());
    let longer = format!("//! A door.\nfn f() {{}}\n{}", "// g\n".repeat(499));
    check(ENQUEUE, &longer, "crates/gateway/src/enqueue.rs:1: file-size: file has 501 lines");
}

#[test]
fn ratchet_lets_old_ones_stay_but_not_grow() {
    let tree = fresh_tree();
    let ratchet = "crates/xtask/ratchet.txt";
    let sized = |count: usize| format!("//! A door.\nfn f() {{\n{}}}\n", lines(count - 2));
    plant(tree.path(), ENQUEUE, &sized(80));
    plant(tree.path(), ratchet, &format!("function {ENQUEUE} f 80\nfile {ENQUEUE} 600\n"));
    assert_eq!(breaches(tree.path()), Vec::<String>::new());

    plant(tree.path(), ENQUEUE, &sized(81));
    let grown = breaches(tree.path());
    assert!(
        grown.len() == 1 && grown[0].contains("function-size: function 'f' grew to 81 lines from the 80"),
        "{grown:?}"
    );
    let changes = tidy::update_ratchet(tree.path()).expect("the ratchet can be written");
    assert_eq!(changes, [format!("removed the exception for file in {ENQUEUE}")], "it never raises");
    assert_eq!(breaches(tree.path()), grown);

    plant(tree.path(), ENQUEUE, &sized(75));
    let changes = tidy::update_ratchet(tree.path()).expect("the ratchet can be written");
    assert_eq!(changes, [format!("lowered the exception for function 'f' in {ENQUEUE} from 80 to 75 lines")]);
    plant(tree.path(), ENQUEUE, &sized(76));
    assert_eq!(breaches(tree.path()).len(), 1);
    plant(tree.path(), ENQUEUE, &sized(70));
    tidy::update_ratchet(tree.path()).expect("the ratchet can be written");
    let text = fs::read_to_string(tree.path().join(ratchet)).expect("the ratchet is there");
    assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
}

#[test]
fn stale_page_is_refused_until_it_is_written() {
    check(
        "docs/reference/metrics.md",
        "stale\n",
        "docs/reference/metrics.md:1: generated: this generated page is stale",
    );
    let tree = fresh_tree();
    fs::remove_dir_all(tree.path().join("docs")).expect("the page was there");
    assert_eq!(breaches(tree.path()).len(), 1);
    assert_eq!(docs::write(tree.path(), PAGES).expect("the page can be written"), ["docs/reference/metrics.md"]);
    assert_eq!(breaches(tree.path()), Vec::<String>::new());
    assert!(docs::write(tree.path(), PAGES).expect("the page can be read").is_empty(), "nothing is left to write");
}

#[test]
fn paths_of_one_machine_are_refused() {
    for path in [concat!("/wo", "rk/main"), concat!("/ro", "ot/.cargo"), concat!("/tmp/bash", "_jobs.0/1")] {
        check("docs/page.md", &format!("# A page\n\nSee `{path}`.\n"), "docs/page.md:3: machine-path: ");
    }
}

#[test]
fn hosts_of_registries_are_refused() {
    check("docs/page.md", concat!("https://crates", ".io/x\n"), "docs/page.md:1: registry-host: ");
    let tree = fresh_tree();
    plant(tree.path(), "Cargo.lock", concat!("source = \"index.crates", ".io\"\n"));
    assert_eq!(breaches(tree.path()), Vec::<String>::new(), "the lock file is cargo's");
}

#[test]
fn binary_prints_breaches_with_a_count_and_exits_1() {
    let tree = fresh_tree();
    let run = || {
        let binary = env!("CARGO_BIN_EXE_campanile-xtask");
        let output = Command::new(binary).args(["tidy", "--root"]).arg(tree.path()).output().expect("it starts");
        (output.status.code(), String::from_utf8(output.stdout).expect("it prints UTF-8"))
    };
    docs::write(tree.path(), docs::PAGES).expect("the pages can be written");
    assert_eq!(run(), (Some(0), "tidy: 10 files in 2 crates, no breach\n".to_owned()));
    plant(tree.path(), ENQUEUE, "//! A door.\nfn f() { dbg!(todo!()) }\n");
    let (code, text) = run();
    assert_eq!(code, Some(1));
    assert!(text.ends_with("tidy: 2 breaches in 10 files of 2 crates\n"), "{text}");
}
