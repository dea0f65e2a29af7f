//! `model` and the floors 10 to 30 are functions of values: no clock, thread, I/O, randomness, async or logging.
//! Clippy's lists in those crates know types and so see through renames; this rule sees macros, keywords and `use`.

use super::Breach;
use super::scan::Scan;
use super::tree::Tree;

/// What may not appear in a pure source, with the remedy.
const IMPURE: &[(&str, &str)] = &[
    ("SystemTime", "take `now` as an argument"),
    ("Instant::now", "take `now` as an argument"),
    ("::now()", "take `now` as an argument"),
    ("thread::spawn", "let the engine own threads"),
    ("println!", "return it in an Outcome"),
    ("eprintln!", "return it in an Outcome"),
    ("print!", "return it in an Outcome"),
    ("eprint!", "return it in an Outcome"),
    ("async fn", "prefetch, then call a plain function"),
    ("async move", "prefetch, then call a plain function"),
    ("async {", "prefetch, then call a plain function"),
    (".await", "prefetch, then call a plain function"),
    ("rand::", "derive it from the position"),
    ("tracing::", "return it in an Outcome"),
    ("log::", "return it in an Outcome"),
    ("metrics::", "return it in an Outcome; telemetry counts it"),
    ("tokio::", "let a role wait for the world"),
];

/// Modules of the standard library that reach the world.
const WORLDLY: &[&str] = &["env", "fs", "io", "net", "process", "thread"];

/// Checks the sources of the pure crates.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        let Some((directory, scan)) = file.as_source() else { continue };
        if !tree.crate_in(directory).is_some_and(super::tree::Crate::is_pure) {
            continue;
        }
        for (needle, remedy) in IMPURE {
            for line in scan.code_lines_with(needle) {
                let text = format!("`{needle}` in {directory}, which is pure; {remedy}");
                breaches.push(Breach::new(&file.path, line, "purity", text));
            }
        }
        for (line, module) in worldly_paths(scan) {
            let text = format!("`std::{module}` in {directory}, which is pure; pass the value in");
            breaches.push(Breach::new(&file.path, line, "purity", text));
        }
    }
    breaches
}

/// Every `std::x`, or x in `std::{x, …}`, that reaches the world, with its line.
fn worldly_paths(scan: &Scan) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (at, start) in scan.code.match_indices("std::") {
        let line = scan.code[..at].matches('\n').count() + 1;
        let rest = &scan.code[at + start.len()..];
        for part in first_parts(rest) {
            if let Some(module) = WORLDLY.iter().find(|module| **module == part) {
                found.push((line, *module));
            }
        }
    }
    found
}

/// The first identifiers of a path's tail: of `fs::File` it is `fs`, of `{fs, io::Read}` they are `fs` and `io`.
fn first_parts(rest: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|character| !super::scan::is_identifier(character)).unwrap_or(text.len());
    let Some(group) = rest.strip_prefix('{') else { return vec![&rest[..word(rest)]] };
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                let part = group[start..at].trim();
                parts.push(&part[..word(part)]);
                start = at + 1;
                if character == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    parts
}
