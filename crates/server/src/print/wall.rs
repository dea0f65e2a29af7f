//! Times on the clock of a zone: what people on call live by.

use campanile_model::{Span, Timestamp};
use campanile_oncall::calendar;
use jiff::tz::TimeZone;

/// `Mon 30 Nov 09:00 EST`; with the year where it is not `now`'s.
pub fn moment(zone: &TimeZone, at: Timestamp, now: Timestamp) -> String {
    let (wall, today) = (calendar::wall(zone, at), calendar::wall(zone, now));
    let format = if wall.year() == today.year() { "%a %-d %b %H:%M" } else { "%a %-d %b %Y %H:%M" };
    format!("{} {}", wall.strftime(format), abbreviation(zone, at))
}

/// `2026-11-30T09:00:00-05:00`, as PagerDuty's API writes times.
pub fn rfc3339(zone: &TimeZone, at: Timestamp) -> String {
    let wall = calendar::wall(zone, at);
    let offset = zone.to_offset(instant(at)).seconds();
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
    format!("{}{sign}{:02}:{:02}", wall.strftime("%Y-%m-%dT%H:%M:%S"), minutes / 60, minutes % 60)
}

/// What people of the zone call its time: `EST`, or the offset where they have no word for it.
fn abbreviation(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_offset_info(instant(at)).abbreviation().to_owned()
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default()
}

/// `45m`, `9h`, `37h 30m`, `14d`: exact to the minute below a fortnight, else to the day.
pub fn length(span: Span) -> String {
    let minutes = span.whole_seconds() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) if hours < 72 => format!("{hours}h"),
        (hours, minutes) if hours < 72 => format!("{hours}h {minutes}m"),
        (hours, _) if hours % 24 == 0 || hours >= 336 => format!("{}d", hours / 24),
        (hours, _) => format!("{}d {}h", hours / 24, hours % 24),
    }
}
