//! `payload.timestamp`, read with patience: it is for display only, so what cannot be read is no error, only unknown.
//!
//! Windows and timers run on the arrival of the record; nothing else in the product may use this.
//!
//! Written by hand: senders write forms that no one parser takes, from `2015-07-17T08:42:58.315+0000` (PagerDuty's own
//! sample) to `2024-05-01T10:00:00+00:00Z` (Python's `isoformat()` with a `Z` put behind it).

use campanile_model::Timestamp;

/// Most fractional digits that are looked at; finer than a nanosecond, nobody measures.
const FRACTION_DIGITS_MAX: usize = 18;

/// The instant, to the millisecond, rounded down. `None` if it is not a date and a time of day.
///
/// Without an offset it is UTC. A leap second is the first instant of the next minute.
pub fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text.trim().as_bytes());
    let days = date(&mut rest)?;
    if !(rest.take(b'T') || rest.take(b't') || rest.take(b' ')) {
        return None;
    }
    let of_day_ms = time_of_day(&mut rest)?;
    let offset_ms = offset(&mut rest)?;
    rest.0.is_empty().then(|| Timestamp(days * 86_400_000 + of_day_ms - offset_ms))
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Steps over the byte if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let Some(rest) = self.0.strip_prefix(&[byte]) else { return false };
        self.0 = rest;
        true
    }

    /// A number of exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (head, rest) = self.0.split_at_checked(digits)?;
        let value = head.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))?;
        self.0 = rest;
        Some(value)
    }
}

/// `YYYY-MM-DD`, as days since 1970-01-01.
fn date(rest: &mut Rest<'_>) -> Option<i64> {
    let year = rest.number(4)?;
    let month = rest.take(b'-').then(|| rest.number(2)).flatten()?;
    let day = rest.take(b'-').then(|| rest.number(2)).flatten()?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    (1..=month_days).contains(&day).then(|| days_from_civil(year, month, day))
}

/// Days from 1970-01-01. Source: H. Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…`, as milliseconds of the day.
fn time_of_day(rest: &mut Rest<'_>) -> Option<i64> {
    let hour = rest.number(2)?;
    let minute = rest.take(b':').then(|| rest.number(2)).flatten()?;
    let second = if rest.take(b':') { rest.number(2)? } else { 0 };
    let fraction_ms = if rest.take(b'.') || rest.take(b',') { fraction(rest)? } else { 0 };
    (hour < 24 && minute < 60 && second <= 60)
        .then_some(hour * 3_600_000 + minute * 60_000 + second * 1000 + fraction_ms)
}

/// The digits after the point, as whole milliseconds.
fn fraction(rest: &mut Rest<'_>) -> Option<i64> {
    let digits = rest.0.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > FRACTION_DIGITS_MAX {
        return None;
    }
    let (head, tail) = rest.0.split_at(digits);
    rest.0 = tail;
    let digit = |i: usize| head.get(i).map_or(0, |b| i64::from(b - b'0'));
    Some(digit(0) * 100 + digit(1) * 10 + digit(2))
}

/// Nothing, `Z`, `UTC`, `GMT`, `+HH`, `+HHMM` or `+HH:MM`, the numeric ones with a `Z` too many if need be; in milliseconds.
fn offset(rest: &mut Rest<'_>) -> Option<i64> {
    rest.take(b' ');
    if matches!(rest.0, b"" | b"Z" | b"z" | b"UTC" | b"GMT") {
        rest.0 = b"";
        return Some(0);
    }
    let sign = if rest.take(b'+') {
        1
    } else if rest.take(b'-') {
        -1
    } else {
        return None;
    };
    let hour = rest.number(2)?;
    let minute = if rest.take(b':') || rest.0.first().is_some_and(u8::is_ascii_digit) { rest.number(2)? } else { 0 };
    if !rest.take(b'Z') {
        rest.take(b'z');
    }
    (hour < 24 && minute < 60).then_some(sign * (hour * 3_600_000 + minute * 60_000))
}
