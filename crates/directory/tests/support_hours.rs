//! Support hours follow the wall clock of their zone, over both changes of 2026 in New York.

use campanile_directory::SupportHours;
use campanile_directory::urgency::{Constant, UrgencyRule};
use campanile_model::{Severity, Timestamp, Urgency};
use jiff::civil::time;
use jiff::tz::TimeZone;

/// An instant from its text, so that the cases can be read.
fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond())
}

/// The seed's: weekdays from nine to five.
fn office() -> SupportHours {
    SupportHours {
        zone: TimeZone::get("America/New_York").expect("in the database"),
        days: [true, true, true, true, true, false, false],
        start: time(9, 0, 0, 0),
        end: time(17, 0, 0, 0),
    }
}

/// Early hours of every day, where New York changes its clocks: at 02:00 on 2026-03-08 and on 2026-11-01.
fn night() -> SupportHours {
    SupportHours { days: [true; 7], start: time(1, 30, 0, 0), end: time(2, 30, 0, 0), ..office() }
}

#[test]
fn hours_are_half_open_and_only_on_their_days() {
    for (instant, covered) in [
        ("2026-11-20T08:59:59.999-05:00", false),
        ("2026-11-20T09:00:00-05:00", true),
        ("2026-11-20T16:59:59.999-05:00", true),
        ("2026-11-20T17:00:00-05:00", false),
        ("2026-11-21T12:00:00-05:00", false),
        ("2026-11-22T12:00:00-05:00", false),
        ("2026-11-23T12:00:00-05:00", true),
    ] {
        assert_eq!(office().cover(at(instant)), covered, "{instant}");
    }
}

#[test]
fn nine_o_clock_is_an_hour_earlier_in_utc_after_the_spring_change() {
    assert_eq!(office().next_start_after(at("2026-03-06T12:00:00-05:00")), at("2026-03-09T13:00:00Z"));
    assert!(!office().cover(at("2026-03-09T12:59:59Z")));
    assert!(office().cover(at("2026-03-09T13:00:00Z")));
    // The Friday before still opened at 14:00.
    assert_eq!(office().next_start_after(at("2026-03-06T00:00:00-05:00")), at("2026-03-06T14:00:00Z"));
}

#[test]
fn nine_o_clock_is_an_hour_later_in_utc_after_the_autumn_change() {
    assert_eq!(office().next_start_after(at("2026-10-30T12:00:00-04:00")), at("2026-11-02T14:00:00Z"));
    assert_eq!(office().next_end_after(at("2026-11-02T14:00:00Z")), at("2026-11-02T22:00:00Z"));
    assert_eq!(office().next_end_after(at("2026-10-30T12:00:00-04:00")), at("2026-10-30T21:00:00Z"));
}

#[test]
fn an_end_in_the_spring_gap_moves_to_the_end_of_the_gap() {
    // 02:30 does not happen on 2026-03-08: 01:59:59 is followed by 03:00:00.
    let start = at("2026-03-08T06:30:00Z");
    assert_eq!(night().next_start_after(at("2026-03-08T00:00:00-05:00")), start);
    assert_eq!(night().next_end_after(start), at("2026-03-08T07:00:00Z"));
    assert!(night().cover(at("2026-03-08T06:59:59Z")));
    assert!(!night().cover(at("2026-03-08T07:00:00Z")));
}

#[test]
fn the_first_of_two_equal_wall_times_starts_the_autumn_hours() {
    // 01:30 happens twice on 2026-11-01: at 05:30 and at 06:30 UTC.
    let first = at("2026-11-01T05:30:00Z");
    assert_eq!(night().next_start_after(at("2026-11-01T00:00:00-04:00")), first);
    assert_eq!(night().next_start_after(first), at("2026-11-02T06:30:00Z"));
    assert!(night().cover(first));
    // Wall clock only: 01:00 the second time lies before the hours again, 01:30 the second time inside.
    assert!(!night().cover(at("2026-11-01T06:00:00Z")));
    assert!(night().cover(at("2026-11-01T06:30:00Z")));
    assert!(!night().cover(at("2026-11-01T07:30:00Z")));
}

#[test]
fn a_boundary_is_strictly_after_the_instant_asked_for() {
    let start = at("2026-11-23T09:00:00-05:00");
    assert_eq!(office().next_start_after(start), at("2026-11-24T09:00:00-05:00"));
    assert_eq!(office().next_start_after(Timestamp(start.0 - 1)), start);
}

#[test]
fn the_seeds_rule_is_high_in_hours_and_low_outside() {
    let rule = UrgencyRule::UseSupportHours { during: Constant::High, outside: Constant::Low };
    let hours = office();
    assert_eq!(rule.urgency(Severity::Info, Some(&hours), at("2026-11-23T10:00:00-05:00")), Urgency::High);
    assert_eq!(rule.urgency(Severity::Critical, Some(&hours), at("2026-11-23T18:00:00-05:00")), Urgency::Low);
}
