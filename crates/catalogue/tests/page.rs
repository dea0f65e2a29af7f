//! The reference page is the one that the table renders.

use std::path::Path;

use campanile_catalogue::docs::metrics_page;
use campanile_catalogue::metrics::all;

#[test]
fn the_page_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/metrics.md");
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(present == metrics_page(), "docs/reference/metrics.md is stale; run `cargo xtask docs` and commit it");
}

#[test]
fn the_page_names_every_metric_once_as_a_heading() {
    let page = metrics_page();
    for metric in all() {
        assert_eq!(page.matches(&format!("### `{}`\n", metric.name)).count(), 1, "{}", metric.name);
    }
}
