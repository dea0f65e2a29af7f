//! What holds of every schedule, in zones with every kind of change.

mod notation;

use campanile_model::{Span, Timestamp, UserId};
use campanile_oncall::{Layer, Override, Restriction, Roster, Window};
use jiff::civil::{Time, Weekday};
use notation::zone;
use proptest::prelude::*;

/// Changes of an hour, of half an hour, of two hours, at midnight, over midnight, of a whole day, and none.
const ZONES: [&str; 8] = [
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "America/Havana",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kolkata",
];

/// Any second of 2009 to 2012: the years of Samoa's lost day and of St John's changes over midnight.
fn instant() -> impl Strategy<Value = Timestamp> {
    (1_230_768_000_i64..1_356_998_400).prop_map(|second| Timestamp(second * 1000))
}

fn time() -> impl Strategy<Value = Time> {
    prop_oneof![
        (0..48_i8).prop_map(|half| Time::constant(half / 2, half % 2 * 30, 0, 0)),
        (0..24_i8, 0..60_i8, 0..60_i8).prop_map(|(hour, minute, second)| Time::constant(hour, minute, second, 0)),
    ]
}

fn restriction() -> impl Strategy<Value = Restriction> {
    let day = (0..7_i8).prop_map(|day| Weekday::from_monday_zero_offset(day).expect("one of seven"));
    prop_oneof![
        (time(), 1..=86_400_i64)
            .prop_map(|(start, seconds)| Restriction::Daily { start, duration: Span::seconds(seconds) }),
        (day, time(), 1..=604_800_i64).prop_map(|(day, start, seconds)| Restriction::Weekly {
            day,
            start,
            duration: Span::seconds(seconds)
        }),
    ]
}

fn turn() -> impl Strategy<Value = Span> {
    let hours = prop::sample::select(vec![1, 7, 8, 12, 24, 36, 48, 168, 336]).prop_map(Span::hours);
    prop_oneof![4 => hours, 1 => (1800..1_000_000_i64).prop_map(Span::seconds)]
}

fn layer() -> impl Strategy<Value = Layer> {
    let users = prop::sample::subsequence(vec!["A", "B", "C", "D"], 1..=4);
    let end = prop::option::of(instant());
    let restrictions = prop::collection::vec(restriction(), 0..3);
    (instant(), end, instant(), turn(), users, restrictions).prop_map(
        |(start, end, rotation_virtual_start, turn, users, restrictions)| {
            let users = users.into_iter().map(UserId::new).collect();
            Layer { id: None, name: "".into(), start, end, rotation_virtual_start, turn, users, restrictions }
        },
    )
}

fn shift() -> impl Strategy<Value = Override> {
    (instant(), 1..5_000_000_i64, prop::sample::select(vec!["A", "E", "F"])).prop_map(|(start, seconds, user)| {
        Override { id: None, start, end: start + Span::seconds(seconds), user: UserId::new(user) }
    })
}

prop_compose! {
    fn roster()(
        name in prop::sample::select(ZONES.to_vec()),
        layers in prop::collection::vec(layer(), 0..4),
        overrides in prop::collection::vec(shift(), 0..6),
    ) -> Roster {
        Roster::new(zone(name), layers, overrides)
    }
}

prop_compose! {
    fn month()(start in instant(), seconds in 1..3_000_000_i64) -> Window {
        Window { start, end: start + Span::seconds(seconds) }
    }
}

/// Instants at which something might go wrong: about every bound that the roster tells, and between.
fn probes(roster: &Roster, window: Window) -> Vec<Timestamp> {
    let mut probes = vec![window.start, Timestamp(window.end.0 - 1)];
    for shift in roster.shifts(window) {
        let middle = Timestamp((shift.start.0 + shift.end.0) / 2);
        probes.extend([shift.start, middle, shift.end, Timestamp(shift.start.0 - 1), Timestamp(shift.end.0 - 1)]);
    }
    probes.extend((0..200).map(|i| window.start + Span(window.length().0 / 200 * i)));
    probes.retain(|at| window.start <= *at && *at < window.end);
    probes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_final_schedule_says_what_each_instant_says(roster in roster(), window in month()) {
        let entries = roster.final_schedule(window);
        for at in probes(&roster, window) {
            let found = entries.iter().find(|entry| entry.start <= at && at < entry.end).map(|entry| entry.user);
            prop_assert_eq!(roster.on_call(at), found, "at {}", at);
        }
    }

    #[test]
    fn entries_are_in_order_apart_and_as_long_as_can_be(roster in roster(), window in month()) {
        let entries = roster.final_schedule(window);
        for entry in &entries {
            prop_assert!(window.start <= entry.start && entry.start < entry.end && entry.end <= window.end);
        }
        for pair in entries.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
            prop_assert!(pair[0].end < pair[1].start || pair[0].user != pair[1].user);
        }
    }

    #[test]
    fn coverage_and_gaps_add_up_to_the_window(roster in roster(), window in month()) {
        let coverage = roster.coverage(window);
        let gaps: i64 = roster.gaps(window).iter().map(|gap| gap.length().0).sum();
        prop_assert_eq!(coverage.covered.0 + gaps, window.length().0);
        prop_assert_eq!(coverage.is_whole(), gaps == 0);
        prop_assert!((0.0..=100.0).contains(&coverage.percent()));
        for gap in roster.gaps(window) {
            prop_assert!(roster.on_call(gap.start).is_none() && roster.on_call(Timestamp(gap.end.0 - 1)).is_none());
        }
        // The whole covers at least what its best layer covers.
        for layer in 0..roster.layers().len() {
            prop_assert!(roster.layer_coverage(layer, window).covered <= coverage.covered);
        }
    }

    #[test]
    fn a_window_is_the_sum_of_its_parts(roster in roster(), window in month(), part in 1..1000_i64) {
        let middle = window.start + Span(window.length().0 / 1000 * part);
        let parts = [Window { end: middle, ..window }, Window { start: middle, ..window }];
        let covered: i64 = parts.iter().map(|part| roster.coverage(*part).covered.0).sum();
        prop_assert_eq!(covered, roster.coverage(window).covered.0);
    }

    #[test]
    fn the_next_hand_off_is_the_first_change(roster in roster(), window in month()) {
        let now = roster.on_call(window.start);
        let stay = |until: Timestamp| {
            let quiet = Window { end: until, ..window };
            probes(&roster, quiet).into_iter().all(|at| roster.on_call(at) == now)
        };
        match roster.next_handoff(window) {
            Some(handoff) => {
                prop_assert!(window.start < handoff.at && handoff.at < window.end);
                prop_assert_eq!((handoff.from, handoff.to), (now, roster.on_call(handoff.at)));
                prop_assert_ne!(handoff.from, handoff.to);
                prop_assert!(stay(handoff.at));
            }
            None => prop_assert!(stay(window.end)),
        }
        if let Some(next) = roster.next_on_call(window) {
            prop_assert_eq!(roster.on_call(next.start), Some(next.user));
            prop_assert_ne!(Some(next.user), now);
        }
    }

    #[test]
    fn wall_times_in_order_are_instants_in_order(name in prop::sample::select(ZONES.to_vec()), at in instant(), seconds in 0..200_000_i64) {
        let zone = zone(name);
        let wall = campanile_oncall::calendar::wall(&zone, at);
        let later = wall.saturating_add(jiff::SignedDuration::from_secs(seconds));
        let (first, second) = (campanile_oncall::calendar::instant(&zone, wall), campanile_oncall::calendar::instant(&zone, later));
        prop_assert!(first <= second);
        // The first time that the clock shows what it shows at `at` is not after `at`, and shows the same.
        prop_assert!(first <= at);
        prop_assert_eq!(campanile_oncall::calendar::wall(&zone, first), wall);
    }
}
