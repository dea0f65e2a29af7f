//! The hours in which a layer has somebody, each day or each week.
//!
//! A restriction is a stretch of wall-clock time: both its ends are read off the clock, as people read "22:00 to 06:00".
//! The night in which clocks go forward it has seven hours, the night in which they go back nine.
//!
//! The rejected alternative is a wall-clock start and an elapsed length. Two layers that share a day, 09:00 for 9 hours and
//! 18:00 for 15, would then leave nobody on call from 08:00 to 09:00 once every autumn, and a whole day would end an hour
//! early. With ends on the clock, what fits together on one day fits together on every day.

use campanile_model::{Span, Timestamp};
use jiff::SignedDuration;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use crate::calendar;
use crate::roster::Window;

/// `duration` is in wall-clock time and counts from `start`; it may reach over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// At most 24 hours, which are the whole day.
    Daily { start: Time, duration: Span },
    /// At most 7 days, which are the whole week.
    Weekly { day: Weekday, start: Time, duration: Span },
}

impl Restriction {
    /// Whether somebody may be on call at this instant.
    pub fn covers(&self, zone: &TimeZone, at: Timestamp) -> bool {
        let mut date = self.latest_on(calendar::tomorrow(calendar::wall(zone, at).date()));
        // Tomorrow's may have begun: a clock that goes back over midnight shows tomorrow, then today again.
        loop {
            let window = self.window(zone, date);
            if window.end <= at {
                return false;
            }
            if window.start <= at {
                return true;
            }
            date = calendar::plus_days(date, -self.period());
        }
    }

    /// Every window that touches `within`, whole, in order.
    fn windows(&self, zone: &TimeZone, within: Window) -> Vec<Window> {
        let mut date = self.latest_on(calendar::tomorrow(calendar::wall(zone, within.start).date()));
        while self.window(zone, date).end > within.start {
            date = calendar::plus_days(date, -self.period());
        }
        let mut windows = Vec::new();
        loop {
            let window = self.window(zone, date);
            if window.start >= within.end {
                return windows;
            }
            if window.start < window.end {
                windows.push(window);
            }
            date = calendar::plus_days(date, self.period());
        }
    }

    /// The window that begins on this date.
    fn window(&self, zone: &TimeZone, date: Date) -> Window {
        let (Self::Daily { start, duration } | Self::Weekly { start, duration, .. }) = *self;
        let start = date.to_datetime(start);
        let end = start.saturating_add(SignedDuration::from_millis(duration.0));
        Window { start: calendar::instant(zone, start), end: calendar::instant(zone, end) }
    }

    /// The last date up to this one on which a window begins.
    fn latest_on(&self, date: Date) -> Date {
        match *self {
            Self::Daily { .. } => date,
            Self::Weekly { day, .. } => calendar::plus_days(date, -i64::from(date.weekday().since(day))),
        }
    }

    /// Days from one window to the next.
    const fn period(&self) -> i64 {
        match self {
            Self::Daily { .. } => 1,
            Self::Weekly { .. } => 7,
        }
    }
}

/// Whether a layer with these restrictions may have somebody at this instant; one without any always may.
pub(crate) fn any_covers(restrictions: &[Restriction], zone: &TimeZone, at: Timestamp) -> bool {
    restrictions.is_empty() || restrictions.iter().any(|restriction| restriction.covers(zone, at))
}

/// The parts of `within` in which a layer with these restrictions may have somebody: in order, apart from each other.
pub(crate) fn open(restrictions: &[Restriction], zone: &TimeZone, within: Window) -> Vec<Window> {
    if within.is_empty() {
        return Vec::new();
    }
    if restrictions.is_empty() {
        return vec![within];
    }
    let mut windows: Vec<_> = restrictions.iter().flat_map(|restriction| restriction.windows(zone, within)).collect();
    windows.sort_unstable_by_key(|window| window.start);
    let mut open: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        let window = window.intersection(within);
        match open.last_mut() {
            Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
            _ if window.is_empty() => {}
            _ => open.push(window),
        }
    }
    open
}
