//! Every source file opens with `//!`: what this is and why it is apart.

use super::Breach;
use super::tree::Tree;

/// Checks the first line that is not blank.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let sources = tree.files.iter().filter(|file| file.as_source().is_some());
    let headless = sources.filter(|file| {
        let head = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        head.strip_prefix("//!").is_none_or(|sentence| sentence.trim().is_empty())
    });
    headless
        .map(|file| {
            let text = "does not open with `//!`; say in a sentence what this file decides and why it is apart";
            Breach::new(&file.path, 1, "module-head", text)
        })
        .collect()
}
