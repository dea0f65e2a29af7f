//! Schedules and what becomes of them, as text that can be read.
//!
//! ```text
//! layer 2026-03-01T09:00 every 24h: A B C        wall times of the schedule's zone; `to 2026-04-01T09:00` may follow
//!   daily 09:00 for 9h
//!   weekly Fri 18:00 for 62h
//! override 2026-03-08T12:00 to 2026-03-08T16:00: E
//! ```
#![allow(dead_code, reason = "every test file uses its part")]

use campanile_model::{Span, Timestamp, UserId};
use campanile_oncall::{Layer, Override, Restriction, Roster, Window};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("in the database")
}

/// An instant with its offset, or a wall time of the zone, the first of two.
pub(crate) fn at(zone: &TimeZone, text: &str) -> Timestamp {
    let instant = text.parse().unwrap_or_else(|_| {
        let wall: jiff::civil::DateTime = text.parse().unwrap_or_else(|_| panic!("{text} is no time"));
        zone.to_timestamp(wall).expect("in range")
    });
    Timestamp(instant.as_millisecond())
}

pub(crate) fn window(zone: &TimeZone, since: &str, until: &str) -> Window {
    Window { start: at(zone, since), end: at(zone, until) }
}

pub(crate) fn roster(zone_name: &str, text: &str) -> Roster {
    let zone = zone(zone_name);
    let (mut layers, mut overrides) = (Vec::<Layer>::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (head, users) = line.split_once(": ").unwrap_or((line, ""));
        let mut users = users.split_whitespace().map(UserId::new);
        match head.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["layer", start, rest @ ..] => {
                let after = |word: &str| rest.iter().skip_while(|it| **it != word).nth(1);
                let start = at(&zone, start);
                layers.push(Layer {
                    id: None,
                    name: "".into(),
                    start,
                    end: after("to").map(|end| at(&zone, end)),
                    rotation_virtual_start: after("phase").map_or(start, |phase| at(&zone, phase)),
                    turn: span(after("every").expect("a turn")),
                    users: users.collect(),
                    restrictions: Vec::new(),
                });
            }
            ["daily", start, "for", duration] => {
                let restriction = Restriction::Daily { start: time(start), duration: span(duration) };
                layers.last_mut().expect("a layer above").restrictions.push(restriction);
            }
            ["weekly", day, start, "for", duration] => {
                let restriction =
                    Restriction::Weekly { day: weekday(day), start: time(start), duration: span(duration) };
                layers.last_mut().expect("a layer above").restrictions.push(restriction);
            }
            ["override", start, "to", end] => overrides.push(Override {
                id: None,
                start: at(&zone, start),
                end: at(&zone, end),
                user: users.next().expect("a user"),
            }),
            other => panic!("{other:?} is not understood"),
        }
    }
    Roster::new(zone, layers, overrides)
}

/// `9h`, `90m`.
fn span(text: &str) -> Span {
    let (number, unit) = text.split_at(text.len() - 1);
    let number = number.parse().expect("a number");
    match unit {
        "h" => Span::hours(number),
        "m" => Span::minutes(number),
        other => panic!("unit {other}"),
    }
}

fn time(text: &str) -> Time {
    text.parse().expect("a time of day")
}

fn weekday(text: &str) -> Weekday {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let place = days.iter().position(|day| *day == text).expect("a weekday");
    Weekday::from_monday_zero_offset(place as i8).expect("one of seven")
}

/// One line for each stretch of the final schedule, gaps too: when it begins, who, how long.
///
/// ```text
/// Sun 03-08 09:00 -04  B        24h
/// ```
pub(crate) fn table(roster: &Roster, since: &str, until: &str) -> String {
    let window = window(roster.zone(), since, until);
    let mut text = String::new();
    let mut from = window.start;
    let mut stretch = |start: Timestamp, end: Timestamp, user: &str| {
        let instant = jiff::Timestamp::from_millisecond(start.0).expect("in range");
        let wall = roster.zone().to_datetime(instant);
        let offset = roster.zone().to_offset(instant);
        let minutes = end.since(start).whole_seconds() / 60;
        let length = if minutes % 60 == 0 {
            format!("{}h", minutes / 60)
        } else {
            format!("{}h{:02}", minutes / 60, minutes % 60)
        };
        text.push_str(&format!("{} {offset}  {user:6} {length:>6}\n", wall.strftime("%a %m-%d %H:%M")));
    };
    for entry in roster.final_schedule(window) {
        if from < entry.start {
            stretch(from, entry.start, "nobody");
        }
        stretch(entry.start, entry.end, entry.user.as_str());
        from = entry.end;
    }
    if from < window.end {
        stretch(from, window.end, "nobody");
    }
    text
}

/// Checks the table line by line; `expected` may be indented.
pub(crate) fn check(roster: &Roster, since: &str, until: &str, expected: &str) {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let (found, expected) = (lines(&table(roster, since, until)), lines(expected));
    assert_eq!(found, expected, "\nfound:\n{}\n", found.join("\n"));
}
