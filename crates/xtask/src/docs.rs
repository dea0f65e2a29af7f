//! The pages that are generated from code: one list, used both to write them and to check that they are fresh.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A page of the documentation and the function that makes its text.
#[derive(Clone, Copy)]
pub struct Page {
    /// Path from the root of the repository, with forward slashes.
    pub path: &'static str,
    /// Returns the whole text of the page.
    pub text: fn() -> String,
}

/// Every generated page. A page that is not listed here is written by hand.
pub const PAGES: &[Page] = &[
    Page { path: "docs/reference/keys.md", text: campanile_rows::keys::page },
    Page { path: "docs/reference/metrics.md", text: campanile_catalogue::docs::metrics_page },
];

/// Writes the pages that differ and returns their paths.
///
/// # Errors
/// When a directory or file cannot be written.
pub fn write(root: &Path, pages: &[Page]) -> Result<Vec<&'static str>> {
    let mut written = Vec::new();
    for page in pages {
        let path = root.join(page.path);
        let text = (page.text)();
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("{} cannot be written", page.path))?;
        written.push(page.path);
    }
    Ok(written)
}
