//! Instants and zones as people type them.

use anyhow::{Result, anyhow};
use campanile_model::Timestamp;
use campanile_oncall::calendar;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::config::did_you_mean;
use crate::print::time;

/// An instant from its text: one with an offset, a wall time of the zone, a date, which is its first instant, or `now`.
///
/// # Errors
/// It is none of them.
pub(super) fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp> {
    if text == "now" {
        return Ok(time::now());
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(instant.as_millisecond()));
    }
    let wall = text.parse::<Date>().map(|date| date.at(0, 0, 0, 0));
    // A date alone parses as a time of that day, too: both mean its start.
    let wall = text.parse::<DateTime>().or(wall);
    let wall = wall.map_err(|_| {
        anyhow!("\"{text}\" is no time; write 2026-11-24, 2026-11-24T09:00, 2026-11-24T09:00:00-05:00 or now")
    })?;
    Ok(calendar::instant(zone, wall))
}

/// A zone of the IANA database.
///
/// # Errors
/// There is none of this name.
pub(super) fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        let names: Vec<_> = jiff::tz::db().available().map(|known| known.to_string()).collect();
        let offer = did_you_mean(name, names.iter().map(String::as_str));
        anyhow!("unknown time zone \"{name}\"{offer}; use a name such as UTC, America/New_York or Europe/Berlin")
    })
}
