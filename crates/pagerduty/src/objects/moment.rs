//! Instants, times of day and zones, as clients write them.

use campanile_directory::suggest::did_you_mean;
use campanile_model::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::reader::{Fields, Reader};

impl Reader<'_> {
    pub(crate) fn instant(&mut self, fields: &Fields<'_>, key: &str) -> Option<Timestamp> {
        let text = self.text(fields, key)?;
        let instant = parse_instant(text);
        if instant.is_none() {
            let at = fields.get(key).map_or(fields.at, |value| value.at);
            self.fault(
                at,
                format!("\"{key}\" of \"{text}\" is not an instant"),
                "write date, time and offset, like 2024-01-01T09:00:00-05:00 or 2024-01-01T14:00:00Z",
            );
        }
        instant
    }

    pub(crate) fn need_instant(&mut self, fields: &Fields<'_>, key: &str) -> Timestamp {
        if fields.get(key).is_none() {
            self.missing(fields, key, "add it, like 2024-01-01T09:00:00-05:00");
        }
        self.instant(fields, key).unwrap_or_default()
    }

    pub(crate) fn need_time_of_day(&mut self, fields: &Fields<'_>, key: &str) -> Time {
        const HELP: &str = "a time of day is HH:MM:SS, from 00:00:00 to 23:59:59";
        if fields.get(key).is_none() {
            self.missing(fields, key, HELP);
        }
        let Some(text) = self.text(fields, key) else { return Time::midnight() };
        parse_time_of_day(text).unwrap_or_else(|| {
            let at = fields.get(key).map_or(fields.at, |value| value.at);
            self.fault(at, format!("\"{key}\" of \"{text}\" is not a time of day"), HELP);
            Time::midnight()
        })
    }

    pub(crate) fn zone(&mut self, fields: &Fields<'_>, key: &str) -> Option<TimeZone> {
        let name = self.text(fields, key)?;
        let zone = TimeZone::get(name).ok();
        if zone.is_none() {
            let names: Vec<_> = jiff::tz::db().available().map(|known| known.to_string()).collect();
            let offer = did_you_mean(name, names.iter().map(String::as_str));
            let at = fields.get(key).map_or(fields.at, |value| value.at);
            self.fault(
                at,
                format!("unknown time zone \"{name}\"{offer}"),
                "use a name of the IANA database, such as UTC, America/New_York or Europe/Berlin",
            );
        }
        zone
    }

    pub(crate) fn need_zone(&mut self, fields: &Fields<'_>, key: &str) -> TimeZone {
        if fields.get(key).is_none() {
            self.missing(fields, key, "add a name of the IANA database, such as America/New_York");
        }
        self.zone(fields, key).unwrap_or(TimeZone::UTC)
    }
}

/// RFC 3339, or what Go prints for a time (`2024-01-01 09:00:00 -0500 EST`), which its PagerDuty clients send too.
fn parse_instant(text: &str) -> Option<Timestamp> {
    let parsed = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let mut parts = text.split_whitespace();
        let (date, time, offset) = (parts.next()?, parts.next()?, parts.next()?);
        let (hours, minutes) = offset.split_at_checked(3)?;
        format!("{date}T{time}{hours}:{minutes}").parse().ok()
    });
    parsed.map(|instant| Timestamp(instant.as_millisecond()))
}

fn parse_time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| match part.len() {
        1 | 2 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<i8>().ok(),
        _ => None,
    });
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

/// `HH:MM:SS`, as PagerDuty writes it.
pub(crate) fn time_of_day(time: Time) -> String {
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

pub(crate) fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}
