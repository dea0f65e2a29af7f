//! Every crate is named after its directory and stands on a floor; a pure one has clippy's list of what it may not call.

use super::Breach;
use super::tree::Tree;

/// Checks names and the presence of floors.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for member in &tree.crates {
        let expected = format!("campanile-{}", member.directory);
        if member.name != expected {
            let text = format!("package '{}' in crates/{}; name it '{expected}'", member.name, member.directory);
            breaches.push(Breach::new(&member.path, member.line_of("name"), "package-name", text));
        }
        if member.floor.is_none() {
            let text = "no floor; add `[package.metadata.campanile]` with `floor = N` from docs/ARCHITECTURE.md";
            breaches.push(Breach::new(&member.path, 1, "floor-missing", text));
        }
        let list = format!("crates/{}/clippy.toml", member.directory);
        if member.is_pure() && !tree.files.iter().any(|file| file.path == list) {
            let text = "pure, but without a clippy.toml of its own; copy crates/triage/clippy.toml";
            breaches.push(Breach::new(&member.path, 1, "clippy-list", text));
        }
    }
    breaches
}
