//! Nothing unfinished is left behind, and nothing in a crate's sources unwraps.

use super::Breach;
use super::tree::Tree;

/// Macros that mark unfinished work, with the remedy.
const MACROS: &[(&str, &str)] = &[
    ("todo!", "finish it, or leave the room unbuilt"),
    ("unimplemented!", "finish it, or make the case impossible by its type"),
    ("dbg!", "remove it"),
];

/// The mark, in two halves so that this file does not carry it.
const MARK: &str = concat!("FIX", "ME");

/// Checks Rust everywhere for leftovers, and `src` for unwraps.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        let Some(scan) = &file.scan else { continue };
        for (name, remedy) in MACROS {
            for line in scan.code_lines_with(name) {
                breaches.push(Breach::new(&file.path, line, "leftovers", format!("{name} is left; {remedy}")));
            }
        }
        for line in scan.comment_lines_with(MARK) {
            let text = format!("{MARK} is left; mend it, or describe the limit where users read it");
            breaches.push(Breach::new(&file.path, line, "leftovers", text));
        }
        if file.as_source().is_some() {
            for line in scan.code_lines_with(".unwrap()") {
                let text = "unwrap; return the error, or `expect` with the sentence that makes it impossible";
                breaches.push(Breach::new(&file.path, line, "unwrap", text));
            }
        }
    }
    breaches
}
