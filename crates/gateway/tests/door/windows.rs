//! The sliding minute, by itself and with time as an argument. The module is private, so it is compiled in here.

use std::num::NonZeroU32;
use std::time::Duration;

#[path = "../../src/limiter.rs"]
mod limiter;

use limiter::{Limiter, Window};

/// At each (seconds, amount): is it let in?
#[track_caller]
fn check(limit: u64, takes: &[(u64, u64, bool)]) {
    let mut window = Window::default();
    for (seconds, amount, expected) in takes {
        let taken = window.take(*amount, limit, Duration::from_secs(*seconds)).is_ok();
        assert_eq!(taken, *expected, "{amount} at {seconds} s of {takes:?}");
    }
}

#[test]
fn the_limit_is_let_in_and_one_more_is_not() {
    check(3, &[(0, 1, true), (0, 1, true), (59, 1, true), (59, 1, false)]);
    check(3, &[(0, 3, true), (1, 1, false)]);
    check(3, &[(0, 4, false), (0, 3, true)]);
    check(0, &[(0, 1, false), (600, 1, false)]);
}

#[test]
fn the_minute_before_slides_out_bit_by_bit() {
    // 6 in the first minute; 30 s into the next, half of them still count.
    check(
        6,
        &[(10, 6, true), (60, 1, false), (69, 1, false), (70, 1, true), (70, 1, false), (90, 2, true), (90, 1, false)],
    );
}

#[test]
fn after_two_minutes_of_rest_all_is_forgotten() {
    check(2, &[(0, 2, true), (119, 2, false), (120, 2, true), (121, 1, false)]);
    check(2, &[(0, 2, true), (6_000, 2, true)]);
}

#[test]
fn whoever_waits_as_long_as_told_is_let_in_again() {
    for start in [0, 1, 17_500, 59_999] {
        let mut window = Window::default();
        let mut now = Duration::from_millis(start);
        while window.take(1, 7, now).is_ok() {}
        let mut waits = 0;
        // A wait ends where the earliest could be let in; if that was a new minute, another wait may follow.
        while let Err(wait) = window.take(1, 7, now) {
            assert!(wait <= Duration::from_secs(60));
            now += wait;
            waits += 1;
            assert!(waits <= 3, "from {start} ms");
        }
    }
}

/// Most that any sixty seconds hold, and all that is let in, when a sender presses ten times a second from `start` to
/// the end of the fifth minute.
fn press(limit: u64, start_seconds: u64) -> (usize, usize) {
    let (mut window, mut taken) = (Window::default(), Vec::new());
    for tick in start_seconds * 10..3_000 {
        let now = Duration::from_millis(tick * 100);
        if window.take(1, limit, now).is_ok() {
            taken.push(now);
        }
    }
    let held = |i: usize| taken[i..].iter().take_while(|at| **at - taken[i] < Duration::from_secs(60)).count();
    ((0..taken.len()).map(held).max().unwrap_or(0), taken.len())
}

#[test]
fn a_sender_that_presses_all_the_time_is_held_close_to_the_limit() {
    let (most, all) = press(50, 0);
    assert!(most <= 55, "{most} in sixty seconds");
    assert!((225..=250).contains(&all), "{all} in five minutes");
}

#[test]
fn a_sender_that_crowds_at_the_end_of_a_minute_never_doubles_the_limit() {
    let (most, _) = press(50, 55);
    assert!(most < 100, "{most} in sixty seconds");
}

#[test]
fn keys_do_not_share_their_windows() {
    let limiter = Limiter::new(NonZeroU32::MIN);
    let now = Duration::from_secs(5);
    assert!(limiter.admit("a", now).is_ok());
    assert!(limiter.admit("b", now).is_ok());
    assert!(limiter.admit("a", now).is_err());
}
