//! The reference page of the metrics, rendered from the table.

use std::fmt::Write as _;

use crate::metrics::{GROUPS, Label, Metric, Values};

const HEAD: &str = "\
# Metrics

<!-- Generated from crates/catalogue by `cargo xtask docs`. Do not edit. -->

Campanile serves these at `GET /metrics`, in Prometheus' text format. Every name begins with `campanile_`; units are
base units; counters begin at 0 when the process starts. No label has an unbounded set of values.

A histogram appears as three series: `_bucket` with the label `le`, `_sum` and `_count`.
";

/// The whole text of `docs/reference/metrics.md`.
pub fn metrics_page() -> String {
    let mut page = HEAD.to_owned();
    for (title, metrics) in GROUPS {
        let _ = writeln!(page, "\n## {title}");
        for metric in *metrics {
            push_metric(&mut page, metric);
        }
    }
    page
}

fn push_metric(page: &mut String, metric: &Metric) {
    // Writing to a String cannot fail, so the results say nothing.
    let _ = writeln!(page, "\n### `{}`\n", metric.name);
    let _ = writeln!(page, "{}, {}. {}\n", capitalised(metric.kind.as_str()), metric.unit.as_str(), metric.meaning);
    for label in metric.labels {
        let _ = writeln!(page, "- `{}`: {}", label.name, values(label));
    }
    if !metric.buckets.is_empty() {
        let bounds: Vec<String> = metric.buckets.iter().map(f64::to_string).collect();
        let _ = writeln!(page, "- buckets: {}", bounds.join(", "));
    }
    if !metric.labels.is_empty() || !metric.buckets.is_empty() {
        page.push('\n');
    }
    let _ = writeln!(page, "**When it rises:** {}", metric.remedy);
}

fn values(label: &Label) -> String {
    match label.values {
        Values::Bounded(bound) => bound.to_owned(),
        Values::Closed(words) => {
            let words: Vec<String> = words
                .iter()
                .map(|word| if word.is_empty() { "empty".to_owned() } else { format!("`{word}`") })
                .collect();
            words.join(", ")
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
