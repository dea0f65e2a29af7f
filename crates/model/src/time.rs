//! Instants and durations, in whole milliseconds. The only arithmetic on time.

use std::fmt;
use std::ops::{Add, Sub};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds; may be negative only as the difference of two instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span(pub i64);

impl Span {
    pub const ZERO: Self = Self(0);

    pub const fn millis(n: i64) -> Self {
        Self(n)
    }

    pub const fn seconds(n: i64) -> Self {
        Self(n * 1000)
    }

    pub const fn minutes(n: i64) -> Self {
        Self(n * 60_000)
    }

    pub const fn hours(n: i64) -> Self {
        Self(n * 3_600_000)
    }

    /// Whole seconds, rounded down.
    pub const fn whole_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Timestamp {
    pub const EPOCH: Self = Self(0);
    /// Later than every instant that a log can carry.
    pub const MAX: Self = Self(i64::MAX);

    /// Time from `earlier` to this instant; negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with milliseconds, as webhooks write `occurred_at`.
    pub fn rfc3339(self) -> Rfc3339 {
        Rfc3339 { at: self, millis: true }
    }

    /// Appends what [`Timestamp::rfc3339`] shows.
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        match digits(self) {
            Some(text) => out.extend_from_slice(&text),
            None => out.extend_from_slice(self.rfc3339().to_string().as_bytes()),
        }
    }

    /// RFC 3339 in UTC with whole seconds, as REST objects write `created_at`.
    pub fn rfc3339_seconds(self) -> Rfc3339 {
        Rfc3339 { at: self, millis: false }
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rfc3339().fmt(f)
    }
}

/// An instant on its way to text.
pub struct Rfc3339 {
    at: Timestamp,
    millis: bool,
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(mut text) = digits(self.at) else {
            let (year, month, day) = civil(self.at.0.div_euclid(86_400_000));
            let in_day = self.at.0.rem_euclid(86_400_000);
            let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
            return write!(f, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        };
        if !self.millis {
            text[19] = b'Z';
        }
        let shown = if self.millis { &text[..] } else { &text[..20] };
        f.write_str(std::str::from_utf8(shown).map_err(|_| fmt::Error)?)
    }
}

/// RFC 3339 with milliseconds; `None` for years that do not have four digits, which no log can carry.
fn digits(at: Timestamp) -> Option<[u8; 24]> {
    let (days, in_day) = (at.0.div_euclid(86_400_000), at.0.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
    if !(0..=9999).contains(&year) {
        return None;
    }
    // Every alert record has three of these: digits are placed by hand, ten times as fast as a format string.
    let mut text = *b"0000-00-00T00:00:00.000Z";
    for (at, width, value) in [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, hour),
        (14, 2, minute),
        (17, 2, second),
        (20, 3, in_day % 1000),
    ] {
        let mut rest = value as u32;
        for slot in text[at..at + width].iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }
    Some(text)
}

/// Year, month and day of a day count from 1970-01-01. Source: H. Hinnant, "chrono-compatible low-level date algorithms".
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
