//! The table keeps its own rules, and its closed sets are those of the code that fills them.

use std::collections::BTreeSet;

use campanile_catalogue::metrics::{self, Kind, Metric, Unit, Values, all, named};
use campanile_model::outcome::{DeadReason, RefusedReason};
use campanile_model::{Hidden, Outcome};

/// Most series that one metric may have, labels of bounded values counted as 16. Ours: what a small Prometheus bears.
const SERIES_MAX: usize = 16 * 512;

fn words(metric: &Metric, label: &str) -> BTreeSet<&'static str> {
    let label = metric.labels.iter().find(|l| l.name == label).expect("the metric has the label");
    match label.values {
        Values::Closed(words) => words.iter().copied().collect(),
        Values::Bounded(_) => panic!("{} is not closed", label.name),
    }
}

fn outcomes() -> Vec<Outcome> {
    use Outcome as O;
    let mut outcomes = vec![
        O::Triggered,
        O::Grouped,
        O::Deduplicated,
        O::Promoted,
        O::Acknowledged,
        O::AlreadyAcknowledged,
        O::Resolved,
        O::NothingOpen,
        O::Overtaken,
        O::Forwarded,
        O::Applied,
        O::Unchanged,
        O::Repeated,
        O::Fired,
        O::Stale,
    ];
    outcomes.extend(Hidden::ALL.map(O::Suppressed));
    outcomes.extend(RefusedReason::ALL.map(O::Refused));
    outcomes.extend(DeadReason::ALL.map(O::DeadLettered));
    outcomes
}

#[test]
fn names_are_unique_and_say_their_unit() {
    let mut seen = BTreeSet::new();
    for metric in all() {
        let name = metric.name;
        assert!(seen.insert(name), "{name} is listed twice");
        // The names that dashboards for PagerDuty know stay as they are.
        assert!(name.starts_with("campanile_") || name.starts_with("pagerduty_"), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
        assert_eq!(metric.kind == Kind::Counter, name.ends_with("_total"), "{name}");
        match metric.unit {
            Unit::Seconds | Unit::UnixSeconds => assert!(name.ends_with("_seconds"), "{name}"),
            Unit::Bytes => assert!(name.ends_with("_bytes") || name.ends_with("_bytes_total"), "{name}"),
            Unit::BytesPerSecond => assert!(name.ends_with("_rate"), "{name}"),
            Unit::Count | Unit::Flag => {}
        }
    }
}

#[test]
fn every_metric_says_what_it_means_and_what_to_do() {
    for metric in all() {
        assert!(metric.meaning.ends_with('.') && metric.remedy.ends_with('.'), "{}", metric.name);
        assert!(!metric.meaning.contains("  ") && !metric.remedy.contains("  "), "{}", metric.name);
    }
}

#[test]
fn remedies_name_only_metrics_that_exist() {
    for metric in all() {
        let words = [metric.meaning, metric.remedy].join(" ");
        for name in words.split('`').filter(|word| word.starts_with("campanile_")) {
            assert!(named(name).is_some(), "{} speaks of {name}", metric.name);
        }
    }
}

#[test]
fn only_histograms_have_buckets_and_those_rise() {
    for metric in all() {
        assert_eq!(metric.kind == Kind::Histogram, !metric.buckets.is_empty(), "{}", metric.name);
        assert!(metric.buckets.windows(2).all(|pair| pair[0] < pair[1]), "{}", metric.name);
    }
}

#[test]
fn no_metric_has_many_series() {
    for metric in all() {
        let series: usize = metric
            .labels
            .iter()
            .map(|label| match label.values {
                Values::Closed(words) => words.len(),
                Values::Bounded(_) => 16,
            })
            .product();
        assert!(series <= SERIES_MAX, "{} may have {series} series", metric.name);
    }
}

#[test]
fn the_funnel_has_a_series_for_every_outcome_and_no_other() {
    let pairs: Vec<_> = outcomes().into_iter().map(Outcome::labels).collect();
    let metric = &metrics::EVENTS_PROCESSED_TOTAL;
    assert_eq!(words(metric, "outcome"), pairs.iter().map(|(outcome, _)| *outcome).collect());
    assert_eq!(words(metric, "reason"), pairs.iter().map(|(_, reason)| *reason).collect());
}

#[test]
fn dead_letters_have_a_series_for_every_reason() {
    let reasons = DeadReason::ALL.map(DeadReason::as_str).into_iter().collect();
    assert_eq!(words(&metrics::DEAD_LETTERS_TOTAL, "reason"), reasons);
}
