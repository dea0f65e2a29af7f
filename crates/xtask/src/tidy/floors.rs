//! Floors: a crate uses only crates of a smaller floor, so the direction of every edge is plain from two numbers.
//! A crate's tests may also use neighbours on their own floor.

use super::Breach;
use super::tree::Tree;

/// Checks every edge between two crates of ours.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for user in &tree.crates {
        let Some(floor) = user.floor else { continue };
        for dependency in &user.dependencies {
            let Some(used) = tree.crates.iter().find(|used| used.name == dependency.package) else { continue };
            let Some(used_floor) = used.floor else { continue };
            if used_floor < floor || (dependency.is_dev && used_floor == floor) {
                continue;
            }
            let text = format!(
                "{} (floor {floor}) uses {} (floor {used_floor}); move what it needs to a lower floor or pass it in",
                user.directory, used.directory
            );
            breaches.push(Breach::new(&user.path, dependency.line, "floors", text));
        }
    }
    breaches
}
