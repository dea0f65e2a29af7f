//! The histogram keeps what it promises, and arrivals keep their rate.

use std::time::Duration;

use campanile_load::arrivals::{Arrivals, Spacing};
use campanile_load::latency::Histogram;
use campanile_load::report::{Table, grouped};
use proptest::prelude::*;

#[test]
fn quantiles_of_a_thousand_even_values_are_exact_to_one_percent() {
    let mut histogram = Histogram::new();
    (1..=1000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
    for (share, ms) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1000.0)] {
        let found = histogram.quantile(share).as_secs_f64() * 1e3;
        assert!((found - ms).abs() <= ms / 100.0, "{share}: {found}");
    }
    assert_eq!(histogram.max(), Duration::from_secs(1));
    assert_eq!(histogram.mean(), Duration::from_micros(500_500));
}

#[test]
fn an_empty_histogram_says_zero_everywhere() {
    let histogram = Histogram::new();
    assert_eq!((histogram.quantile(0.99), histogram.mean(), histogram.count()), (Duration::ZERO, Duration::ZERO, 0));
}

proptest! {
    #[test]
    fn one_value_is_told_back_within_one_part_in_128(ns in 0_u64..5_000_000_000_000) {
        let mut histogram = Histogram::new();
        histogram.record(Duration::from_nanos(ns));
        histogram.record(Duration::from_secs(8000));
        let found = histogram.quantile(0.5).as_nanos() as u64;
        prop_assert!(found >= ns && found - ns <= ns / 128 + 1, "{ns} became {found}");
    }

    #[test]
    fn merging_is_recording_in_one(a in prop::collection::vec(0_u64..1 << 40, 0..50), b in prop::collection::vec(0_u64..1 << 40, 0..50)) {
        let of = |values: &[u64]| {
            let mut histogram = Histogram::new();
            values.iter().for_each(|ns| histogram.record(Duration::from_nanos(*ns)));
            histogram
        };
        let mut merged = of(&a);
        merged.merge(&of(&b));
        let whole = of(&[a, b].concat());
        for share in [0.0, 0.5, 0.9, 1.0] {
            prop_assert_eq!(merged.quantile(share), whole.quantile(share));
        }
        prop_assert_eq!((merged.count(), merged.mean(), merged.max()), (whole.count(), whole.mean(), whole.max()));
    }
}

#[test]
fn steady_arrivals_are_even_and_poisson_ones_keep_the_rate() {
    let steady: Vec<_> = Arrivals::new(1000.0, Spacing::Steady, 1).take(4).collect();
    assert_eq!(steady, [0, 1, 2, 3].map(Duration::from_millis));
    let last = Arrivals::new(1000.0, Spacing::Poisson, 1).nth(100_000).expect("endless");
    assert!((last.as_secs_f64() - 100.0).abs() < 2.0, "{last:?}");
}

#[test]
fn rate_zero_is_all_at_once() {
    assert!(Arrivals::new(0.0, Spacing::Poisson, 1).take(100).all(|at| at == Duration::ZERO));
}

#[test]
fn a_table_aligns_its_columns() {
    let mut table = Table::new(["run", "events/s"]);
    table.row(["decode", &grouped(1_234_567)]);
    assert_eq!(table.render(), "run      events/s\ndecode  1 234 567\n");
    assert_eq!(["0", "999", "1 000"], [0, 999, 1000].map(grouped).each_ref().map(String::as_str));
}
