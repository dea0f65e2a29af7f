//! A schedule of layers, PagerDuty's v2 form.

use campanile_directory::schedule::{Layer, Override, Restriction};
use campanile_directory::{Kind, Schedule};
use campanile_model::{ScheduleId, Span, TeamId, UserId};
use jiff::civil::Weekday;

use super::json::Value;
use super::moment::{time_of_day, zone_name};
use super::reader::{Fields, Keys, Reader};
use super::{reference, references};

const KEYS: Keys = Keys {
    of: "schedule",
    known: &["name", "description", "time_zone", "schedule_layers", "overrides", "teams"],
    ignored: &[
        "escalation_policies",
        "users",
        "http_cal_url",
        "web_cal_url",
        "final_schedule",
        "overrides_subschedule",
        "override_subschedule",
        "next_oncall_for_user",
        "personal_http_cal_url",
        "personal_web_cal_url",
        "privilege",
    ],
    idle: &[],
};
const LAYER_KEYS: Keys = Keys {
    of: "schedule layer",
    known: &["name", "start", "end", "rotation_virtual_start", "rotation_turn_length_seconds", "users", "restrictions"],
    ignored: &["rendered_schedule_entries", "rendered_coverage_percentage"],
    idle: &[],
};
const RESTRICTION_KEYS: Keys = Keys {
    of: "restriction",
    known: &["type", "start_day_of_week", "start_time_of_day", "duration_seconds"],
    ignored: &[],
    idle: &[],
};
const OVERRIDE_KEYS: Keys =
    Keys { of: "schedule override", known: &["start", "end", "user"], ignored: &["time_zone"], idle: &[] };

const RESTRICTION_TYPES: [(&str, bool); 2] = [("daily_restriction", false), ("weekly_restriction", true)];

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<Schedule> {
    let fields = reader.object(value, "", &KEYS)?;
    if fields.get("schedule_layers").is_none() {
        reader.missing(&fields, "schedule_layers", "add a list of layers, the lowest first");
    }
    let items = reader.list(&fields, "schedule_layers");
    if items.len() > 1 && items.iter().any(|item| item.member("rendered_schedule_entries").is_some()) {
        reader.warn(
            fields.path_to("schedule_layers"),
            "these layers look like an answer of PagerDuty's, which lists the highest layer first",
            "here the lowest layer comes first: turn the list around",
        );
    }
    let layers: Vec<_> = items.iter().enumerate().filter_map(|(i, item)| layer(reader, item, i)).collect();
    let items = reader.list(&fields, "overrides").iter().enumerate();
    let overrides: Vec<_> = items.filter_map(|(i, item)| shift(reader, item, i)).collect();
    Some(Schedule {
        id: ScheduleId::new(reader.id()),
        name: reader.need_text(&fields, "name", "add the schedule's name").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        zone: reader.need_zone(&fields, "time_zone"),
        layers,
        overrides,
        teams: reader.references(&fields, "teams", Kind::Team).into_iter().map(TeamId::new).collect(),
    })
}

fn layer(reader: &mut Reader<'_>, value: &Value, place: usize) -> Option<Layer> {
    let fields = reader.object(value, &format!("/schedule_layers/{place}"), &LAYER_KEYS)?;
    let start = reader.need_instant(&fields, "start");
    let virtual_start = reader.instant(&fields, "rotation_virtual_start");
    let turn = reader.need_whole(&fields, "rotation_turn_length_seconds", "add the length of a turn; a week is 604800");
    let users = reader.list(&fields, "users").iter().filter_map(|item| {
        // `{"user": {…}}` in requests and answers; a bare reference is what people write.
        let (_, id) = reader.reference_in(item.member("user").unwrap_or(item), &[Kind::User])?;
        Some(UserId::new(id))
    });
    let users = users.collect();
    let items = reader.list(&fields, "restrictions").iter().enumerate();
    let restrictions = items.filter_map(|(i, item)| restriction(reader, item, &fields, i)).collect();
    Some(Layer {
        id: reader.text(&fields, "id").map(Into::into),
        name: reader.text_or_empty(&fields, "name").into(),
        start,
        end: reader.instant(&fields, "end"),
        rotation_virtual_start: virtual_start.unwrap_or(start),
        turn: Span::seconds(turn),
        users,
        restrictions,
    })
}

fn restriction(reader: &mut Reader<'_>, value: &Value, layer: &Fields<'_>, place: usize) -> Option<Restriction> {
    const DAY: &str = "start_day_of_week";
    let fields = reader.object(value, &layer.path_to(&format!("restrictions/{place}")), &RESTRICTION_KEYS)?;
    let weekly = reader.need_choice(&fields, "type", &RESTRICTION_TYPES);
    let start = reader.need_time_of_day(&fields, "start_time_of_day");
    let seconds = reader.need_whole(&fields, "duration_seconds", "add how long it lasts, in seconds");
    let duration = Span::seconds(seconds);
    let day = reader.whole(&fields, DAY);
    if !weekly? {
        if day.is_some() {
            reader.warn(
                fields.path_to(DAY),
                "a daily restriction has no day of the week: it holds every day",
                "remove start_day_of_week, or use weekly_restriction",
            );
        }
        return Some(Restriction::Daily { start, duration });
    }
    let weekday = day.and_then(|day| Weekday::from_monday_one_offset(i8::try_from(day).ok()?).ok());
    if weekday.is_none() {
        reader.missing_or_wrong(&fields, DAY, "a weekly restriction needs its day, from 1 (Monday) to 7 (Sunday)");
    }
    Some(Restriction::Weekly { day: weekday?, start, duration })
}

fn shift(reader: &mut Reader<'_>, value: &Value, place: usize) -> Option<Override> {
    let fields = reader.object(value, &format!("/overrides/{place}"), &OVERRIDE_KEYS)?;
    if fields.get("user").is_none() {
        reader.missing(&fields, "user", "name who takes over");
    }
    Some(Override {
        id: reader.text(&fields, "id").map(Into::into),
        start: reader.need_instant(&fields, "start"),
        end: reader.need_instant(&fields, "end"),
        user: UserId::new(reader.reference(&fields, "user", Kind::User)?),
    })
}

pub(super) fn write(it: &Schedule) -> serde_json::Value {
    serde_json::json!({
        "name": it.name.as_str(),
        "description": it.description,
        "time_zone": zone_name(&it.zone),
        "schedule_layers": it.layers.iter().map(write_layer).collect::<serde_json::Value>(),
        "overrides": it.overrides.iter().map(write_override).collect::<serde_json::Value>(),
        "teams": references(Kind::Team, it.teams.iter().map(|team| team.as_str())),
    })
}

fn write_layer(layer: &Layer) -> serde_json::Value {
    let user = |user: &UserId| serde_json::json!({ "user": reference(Kind::User, user.as_str()) });
    let mut body = serde_json::json!({
        "name": layer.name.as_str(),
        "start": layer.start.to_string(),
        "end": layer.end.map(|end| end.to_string()),
        "rotation_virtual_start": layer.rotation_virtual_start.to_string(),
        "rotation_turn_length_seconds": layer.turn.whole_seconds(),
        "users": layer.users.iter().map(user).collect::<serde_json::Value>(),
        "restrictions": layer.restrictions.iter().map(write_restriction).collect::<serde_json::Value>(),
    });
    if let Some(id) = &layer.id {
        body["id"] = id.as_str().into();
    }
    body
}

fn write_restriction(restriction: &Restriction) -> serde_json::Value {
    match restriction {
        Restriction::Daily { start, duration } => serde_json::json!({
            "type": "daily_restriction",
            "start_time_of_day": time_of_day(*start),
            "duration_seconds": duration.whole_seconds(),
        }),
        Restriction::Weekly { day, start, duration } => serde_json::json!({
            "type": "weekly_restriction",
            "start_day_of_week": day.to_monday_one_offset(),
            "start_time_of_day": time_of_day(*start),
            "duration_seconds": duration.whole_seconds(),
        }),
    }
}

fn write_override(shift: &Override) -> serde_json::Value {
    let mut body = serde_json::json!({
        "start": shift.start.to_string(),
        "end": shift.end.to_string(),
        "user": reference(Kind::User, shift.user.as_str()),
    });
    if let Some(id) = &shift.id {
        body["id"] = id.as_str().into();
    }
    body
}
