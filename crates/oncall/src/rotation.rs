//! Turns that follow each other for ever, in both directions from the virtual start.
//!
//! A turn is counted in *wall days* from the virtual start, and inside a day in *elapsed time*:
//!
//! - Turns of whole days hand off at the same time on the clock all year. A week over a change of clocks has 167 or 169
//!   hours; one of exactly 168 would drift by an hour, every spring, for everybody.
//! - Turns of 8 hours hand off 0, 8 and 16 hours after the day's start, and anew at the next day's start. On a day of 23
//!   hours the last turn has 7 hours, on one of 25 it has 9, and the day after everything stands as before.
//! - A turn that begins only after such a short day has ended is skipped: of hourly turns one, in spring.
//!
//! The day's start is the time of day of the virtual start; in a gap or a fold it is what [`crate::calendar`] says.

use campanile_model::{Span, Timestamp};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::calendar;

/// A wall day, in milliseconds.
const DAY: i64 = 86_400_000;

/// When turns begin and end. Who has them is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// What the clock shows when turn 0 begins.
    first: DateTime,
    /// In milliseconds, at least 1.
    turn: i64,
}

/// One turn, in `[start, end)`; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// From the virtual start, which begins turn 0; negative before it.
    pub number: i64,
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Rotation {
    /// The rotation whose phase is set by `virtual_start`, an instant that need not lie in the layer's life.
    /// A `turn` below one millisecond counts as one; the directory refuses what is below a second.
    pub fn new(zone: &TimeZone, virtual_start: Timestamp, turn: Span) -> Self {
        Self { first: calendar::wall(zone, virtual_start), turn: turn.0.max(1) }
    }

    /// The turn that has this instant, by arithmetic: its distance from the virtual start costs nothing.
    pub fn turn_at(&self, zone: &TimeZone, at: Timestamp) -> Turn {
        let at = calendar::clamp(at);
        let day = self.day_at(zone, at);
        // The 25th hour of a long day belongs to the turn that the 24th ended with.
        let inside = at.since(self.start_of(zone, day)).0.min(DAY - 1);
        let number = (day * DAY + inside).div_euclid(self.turn);
        Turn { number, start: self.boundary(zone, number), end: self.boundary(zone, number + 1) }
    }

    /// Where turn `number` begins.
    fn boundary(&self, zone: &TimeZone, number: i64) -> Timestamp {
        let nominal = number * self.turn;
        let (day, inside) = (nominal.div_euclid(DAY), nominal.rem_euclid(DAY));
        let start = self.start_of(zone, day);
        if inside == 0 { start } else { (start + Span(inside)).min(self.start_of(zone, day + 1)) }
    }

    /// The wall day, counted from the virtual start, in which the instant lies.
    fn day_at(&self, zone: &TimeZone, at: Timestamp) -> i64 {
        let mut day = calendar::days_between(self.first.date(), calendar::wall(zone, at).date());
        // The time of day, a gap or a fold make it one off, and a day that a zone left out one more.
        while self.start_of(zone, day) > at {
            day -= 1;
        }
        while self.start_of(zone, day + 1) <= at {
            day += 1;
        }
        day
    }

    fn start_of(&self, zone: &TimeZone, day: i64) -> Timestamp {
        let date = calendar::plus_days(self.first.date(), day);
        calendar::instant(zone, date.to_datetime(self.first.time()))
    }
}
