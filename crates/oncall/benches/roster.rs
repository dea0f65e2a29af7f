//! What it costs to ask who is on call, and to render a schedule: a small team's, and one of many layers.
//!
//! `cargo bench -p campanile-oncall --bench roster`

use std::hint::black_box;

use campanile_model::{Span, Timestamp, UserId};
use campanile_oncall::{Layer, Override, Restriction, Roster, Window};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;

const YEAR: Span = Span::hours(365 * 24);

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond())
}

fn layer(turn: Span, users: &[&str], restrictions: Vec<Restriction>) -> Layer {
    let start = at("2020-01-06T09:00:00-05:00");
    let users = users.iter().map(UserId::new).collect();
    Layer { id: None, name: "".into(), start, end: None, rotation_virtual_start: start, turn, users, restrictions }
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").expect("in the database")
}

/// A week each, by day only.
fn small() -> Roster {
    let hours = Restriction::Daily { start: time(9, 0, 0, 0), duration: Span::hours(9) };
    Roster::new(zone(), vec![layer(Span::hours(168), &["A", "B", "C", "D"], vec![hours])], vec![])
}

/// Five layers from hourly to weekly, nights and weekends apart, a thousand overrides.
fn large() -> Roster {
    let night = Restriction::Daily { start: time(22, 0, 0, 0), duration: Span::hours(8) };
    let weekend = Restriction::Weekly { day: Weekday::Friday, start: time(18, 0, 0, 0), duration: Span::hours(62) };
    let layers = vec![
        layer(Span::hours(1), &["A", "B", "C"], vec![]),
        layer(Span::hours(8), &["D", "E", "F"], vec![]),
        layer(Span::hours(24), &["G", "H"], vec![night]),
        layer(Span::hours(168), &["I", "J", "K"], vec![weekend]),
        layer(Span::hours(168), &["L", "M"], vec![night, weekend]),
    ];
    let overrides = (0..1000).map(|i| {
        let start = at("2024-01-01T00:00:00Z") + Span::hours(31 * i);
        Override { id: None, start, end: start + Span::hours(12), user: UserId::new("Z") }
    });
    Roster::new(zone(), layers, overrides.collect())
}

fn ask(c: &mut Criterion) {
    let year = at("2026-01-01T00:00:00-05:00");
    let far = at("2126-07-01T12:00:00-04:00");
    for (name, roster) in [("small", small()), ("large", large())] {
        let mut group = c.benchmark_group(name);
        group.bench_function("at, near", |b| b.iter(|| roster.on_call(black_box(year))));
        group.bench_function("at, a century on", |b| b.iter(|| roster.on_call(black_box(far))));
        let window = Window { start: year, end: year + YEAR };
        group.bench_function("next hand-off", |b| b.iter(|| roster.next_handoff(black_box(window)).is_some()));
        group.bench_function("final schedule of a year", |b| b.iter(|| roster.final_schedule(black_box(window)).len()));
        group.finish();
    }
}

criterion_group!(benches, ask);
criterion_main!(benches);
