//! A schedule in the shape of PagerDuty's answer to `GET /schedules/{id}`, rendered.

use campanile_directory::{Schedule, Snapshot};
use campanile_oncall::{Coverage, Entry, Roster, Window};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::commands::oncall::reference;
use crate::commands::organisation::user_name;
use crate::print::wall;

/// Layers are listed highest first, as PagerDuty answers; `gaps` is ours.
pub(super) fn render(
    snapshot: &Snapshot,
    schedule: &Schedule,
    roster: &Roster,
    zone: &TimeZone,
    window: Window,
) -> Value {
    let user = |id: &str| reference("user", id, &user_name(snapshot, id));
    let entries = |entries: Vec<Entry<'_>>| -> Value {
        let entry = |it: &Entry<'_>| {
            json!({
                "start": wall::rfc3339(zone, it.start),
                "end": wall::rfc3339(zone, it.end),
                "user": user(it.user.as_str()),
            })
        };
        entries.iter().map(entry).collect()
    };
    let percent = |coverage: Coverage| coverage.percent();
    let layers = schedule.layers.iter().enumerate().rev().map(|(place, layer)| {
        json!({
            "id": layer.id.as_deref(),
            "name": layer.name.as_str(),
            "start": wall::rfc3339(zone, layer.start),
            "end": layer.end.map(|end| wall::rfc3339(zone, end)),
            "rotation_virtual_start": wall::rfc3339(zone, layer.rotation_virtual_start),
            "rotation_turn_length_seconds": layer.turn.whole_seconds(),
            "users": layer.users.iter().map(|it| json!({ "user": user(it.as_str()) })).collect::<Value>(),
            "rendered_schedule_entries": entries(roster.layer_schedule(place, window)),
            "rendered_coverage_percentage": percent(roster.layer_coverage(place, window)),
        })
    });
    let layers: Value = layers.collect();
    let gaps = roster
        .gaps(window)
        .into_iter()
        .map(|gap| json!({ "start": wall::rfc3339(zone, gap.start), "end": wall::rfc3339(zone, gap.end) }));
    let gaps: Value = gaps.collect();
    json!({ "schedule": {
        "id": schedule.id.as_str(),
        "type": "schedule",
        "name": schedule.name.as_str(),
        "description": schedule.description,
        "time_zone": schedule.zone.iana_name(),
        "schedule_layers": layers,
        "overrides_subschedule": {
            "name": "Overrides",
            "rendered_schedule_entries": entries(roster.override_schedule(window)),
        },
        "final_schedule": {
            "name": "Final Schedule",
            "rendered_schedule_entries": entries(roster.final_schedule(window)),
            "rendered_coverage_percentage": percent(roster.coverage(window)),
        },
        "gaps": gaps,
    }})
}
