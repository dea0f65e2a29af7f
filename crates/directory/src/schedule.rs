//! A schedule of layers (PagerDuty's v2 form): who is on call when, as it was written down.
//!
//! Layers, restrictions and overrides are `oncall`'s, which also answers who is on call; their bounds are checked here.

use campanile_model::{ScheduleId, TeamId};
use campanile_oncall::Roster;
pub use campanile_oncall::{Layer, Override, Restriction};
use compact_str::CompactString;
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
    /// Oldest first: where two hold, the later counts.
    pub overrides: Vec<Override>,
    pub teams: Vec<TeamId>,
}

impl Schedule {
    /// The schedule ready to be asked who is on call. A snapshot keeps one of each.
    pub fn roster(&self) -> Roster {
        Roster::new(self.zone.clone(), self.layers.clone(), self.overrides.clone())
    }

    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, SCHEDULE_NAME_CHARS_MAX);
        report.check_text("/description", &self.description, SCHEDULE_DESCRIPTION_CHARS_MAX);
        for (i, layer) in self.layers.iter().enumerate() {
            check_layer(layer, &format!("/schedule_layers/{i}"), report);
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

fn check_layer(layer: &Layer, path: &str, report: &mut Report) {
    if layer.end.is_some_and(|end| end <= layer.start) {
        report.add(
            format!("{path}/end"),
            "the layer ends before it starts",
            format!("its start is {}; leave end out, or null, for a layer without end", layer.start.rfc3339_seconds()),
        );
    }
    report.check_range(
        format!("{path}/rotation_turn_length_seconds"),
        layer.turn.whole_seconds(),
        1..=TURN_SECONDS_MAX,
        "seconds",
    );
    if layer.users.is_empty() {
        report.add(format!("{path}/users"), "the layer has no users", "name at least one user, or drop the layer");
    }
    for (i, restriction) in layer.restrictions.iter().enumerate() {
        let (duration, most) = match restriction {
            Restriction::Daily { duration, .. } => (duration, RESTRICTION_SECONDS_MAX.0),
            Restriction::Weekly { duration, .. } => (duration, RESTRICTION_SECONDS_MAX.1),
        };
        let path = format!("{path}/restrictions/{i}/duration_seconds");
        report.check_range(path, duration.whole_seconds(), 1..=most, "seconds");
    }
}
