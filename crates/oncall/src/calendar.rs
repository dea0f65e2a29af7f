//! Between wall clocks and instants, in gaps and folds too.
//!
//! One rule: **a wall time means the first instant at which the clock of the zone shows it, or a later time.**
//!
//! ```text
//!  gap, spring    wall  01:30 ─ 01:59│03:00 ─ 03:30      02:30 is never shown: it means the end of the gap, 03:00
//!  fold, autumn   wall  01:30 ─ 01:59│01:00 ─ 01:30      01:30 is shown twice: it means the first time
//! ```
//!
//! So wall times in order are instants in order, whatever the clock does between them. Nothing that is built from them
//! can overlap or leave a hole, only become short: a turn or a restriction that lies in a gap is empty.

use campanile_model::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, ToSpan};

/// First and last instant that are told apart: the years 1 to 9998. What lies outside counts as the bound.
/// Source: jiff knows the years -9999 to 9999, and one year is left for the turn that reaches over the bound.
pub const INSTANTS: (Timestamp, Timestamp) = (Timestamp(-62_135_596_800_000), Timestamp(253_370_764_800_000));

/// The instant, moved into [`INSTANTS`].
pub(crate) fn clamp(at: Timestamp) -> Timestamp {
    at.clamp(INSTANTS.0, INSTANTS.1)
}

/// What the clock of the zone shows at this instant.
pub fn wall(zone: &TimeZone, at: Timestamp) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(clamp(at).0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone.to_datetime(instant)
}

/// The first instant at which the clock of the zone shows this time, or a later one.
/// A time that no instant of jiff's years has is before or after all of them.
pub fn instant(zone: &TimeZone, wall: DateTime) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let Ok(first) = ambiguous.earlier() else {
        return if wall.year() > 0 { Timestamp::MAX } else { Timestamp(i64::MIN) };
    };
    // Of a gap, jiff's earlier instant lies before the change: the change that follows it is the gap's end.
    let end_of_gap = if is_gap { zone.following(first).next().map(|change| change.timestamp()) } else { None };
    Timestamp(end_of_gap.unwrap_or(first).as_millisecond())
}

/// Whole days from one date to another; negative if `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// So many days later, at most the last day of jiff's years.
pub(crate) fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(SignedDuration::from_hours(days.saturating_mul(24)))
}

/// The date before, or the first of jiff's years.
pub(crate) fn tomorrow(date: Date) -> Date {
    date.saturating_add(1.day())
}
