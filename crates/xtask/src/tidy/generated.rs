//! Generated pages are as fresh as the code they come from.

use std::fs;
use std::path::Path;

use super::Breach;
use crate::docs::Page;

/// Compares each page with what its generator says now.
pub(super) fn check(root: &Path, pages: &[Page]) -> Vec<Breach> {
    pages.iter().filter_map(|page| page_breach(root, page)).collect()
}

fn page_breach(root: &Path, page: &Page) -> Option<Breach> {
    let fresh = (page.text)();
    let Ok(present) = fs::read_to_string(root.join(page.path)) else {
        let text = "this generated page is missing; run `cargo xtask docs` and commit it";
        return Some(Breach::new(page.path, 1, "generated", text));
    };
    if present == fresh {
        return None;
    }
    let same = present.lines().zip(fresh.lines()).take_while(|(old, new)| old == new).count();
    let text = "this generated page is stale; run `cargo xtask docs` and commit it";
    Some(Breach::new(page.path, same + 1, "generated", text))
}
