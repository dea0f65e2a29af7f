//! A schedule of layers (PagerDuty's v2 form): who is on call when.
//!
//! Who is on call at an instant is not computed here but in `oncall`; this is what was written down.

use campanile_model::{ScheduleId, Span, TeamId, Timestamp, UserId};
use compact_str::CompactString;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use crate::problem::Report;

/// Longest name, in characters. Source: PagerDuty REST, Schedule `name`.
pub const SCHEDULE_NAME_CHARS_MAX: usize = 255;
/// Longest description, in characters. Source: PagerDuty REST, Schedule `description`.
pub const SCHEDULE_DESCRIPTION_CHARS_MAX: usize = 1024;
/// Longest turn, in seconds: a year of 366 days. Source: ours; PagerDuty names none.
pub const TURN_SECONDS_MAX: i64 = 366 * 86_400;
/// Longest daily and weekly restriction, in seconds. Source: one period of each.
pub const RESTRICTION_SECONDS_MAX: (i64, i64) = (86_400, 604_800);

/// Later layers beat earlier ones; overrides beat every layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub id: ScheduleId,
    pub name: CompactString,
    pub description: String,
    pub zone: TimeZone,
    /// Lowest first, as a request has them.
    pub layers: Vec<Layer>,
    pub overrides: Vec<Override>,
    pub teams: Vec<TeamId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub id: Option<CompactString>,
    pub name: CompactString,
    pub start: Timestamp,
    /// `None`: for ever.
    pub end: Option<Timestamp>,
    /// The phase of the rotation: the first user's turn begins here, which may be before `start`.
    pub rotation_virtual_start: Timestamp,
    pub turn: Span,
    /// In turn.
    pub users: Vec<UserId>,
    /// None: at all hours.
    pub restrictions: Vec<Restriction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    Daily { start: Time, duration: Span },
    Weekly { day: Weekday, start: Time, duration: Span },
}

/// One person instead of whoever the layers name, in `[start, end)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub id: Option<CompactString>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub user: UserId,
}

impl Schedule {
    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, SCHEDULE_NAME_CHARS_MAX);
        report.check_text("/description", &self.description, SCHEDULE_DESCRIPTION_CHARS_MAX);
        for (i, layer) in self.layers.iter().enumerate() {
            layer.check(&format!("/schedule_layers/{i}"), report);
        }
        for (i, shift) in self.overrides.iter().enumerate() {
            if shift.end <= shift.start {
                report.add(
                    format!("/overrides/{i}/end"),
                    "Override must end after its start",
                    format!("its start is {}", shift.start.rfc3339_seconds()),
                );
            }
        }
    }
}

impl Layer {
    fn check(&self, path: &str, report: &mut Report) {
        if self.end.is_some_and(|end| end <= self.start) {
            report.add(
                format!("{path}/end"),
                "the layer ends before it starts",
                format!(
                    "its start is {}; leave end out, or null, for a layer without end",
                    self.start.rfc3339_seconds()
                ),
            );
        }
        report.check_range(
            format!("{path}/rotation_turn_length_seconds"),
            self.turn.whole_seconds(),
            1..=TURN_SECONDS_MAX,
            "seconds",
        );
        if self.users.is_empty() {
            report.add(format!("{path}/users"), "the layer has no users", "name at least one user, or drop the layer");
        }
        for (i, restriction) in self.restrictions.iter().enumerate() {
            let (duration, most) = match restriction {
                Restriction::Daily { duration, .. } => (duration, RESTRICTION_SECONDS_MAX.0),
                Restriction::Weekly { duration, .. } => (duration, RESTRICTION_SECONDS_MAX.1),
            };
            let path = format!("{path}/restrictions/{i}/duration_seconds");
            report.check_range(path, duration.whole_seconds(), 1..=most, "seconds");
        }
    }
}
