//! The urgency of a service's incidents: its rule, its support hours, its scheduled action.

use campanile_directory::service::RaiseAt;
use campanile_directory::urgency::Constant;
use campanile_directory::{SupportHours, UrgencyRule};
use serde_json::json;

use super::json::{Data, Value};
use super::moment::{time_of_day, zone_name};
use super::reader::{Fields, Keys, Reader};

const RULE_KEYS: Keys = Keys {
    of: "incident urgency rule",
    known: &["type", "urgency", "during_support_hours", "outside_support_hours"],
    ignored: &[],
    idle: &[],
};
const HOURS_KEYS: Keys = Keys {
    of: "support_hours",
    known: &["type", "time_zone", "days_of_week", "start_time", "end_time"],
    ignored: &[],
    idle: &[],
};
const ACTION_KEYS: Keys =
    Keys { of: "scheduled action", known: &["type", "at", "to_urgency"], ignored: &[], idle: &[] };
const AT_KEYS: Keys = Keys { of: "named time", known: &["type", "name"], ignored: &[], idle: &[] };

const CONSTANTS: [(&str, Constant); 3] =
    [("high", Constant::High), ("low", Constant::Low), ("severity_based", Constant::SeverityBased)];
const NAMED_TIMES: [(&str, RaiseAt); 2] =
    [("support_hours_start", RaiseAt::SupportHoursStart), ("support_hours_end", RaiseAt::SupportHoursEnd)];

/// A service without a rule has PagerDuty's default: every incident is of high urgency.
pub(super) fn read_rule(reader: &mut Reader<'_>, service: &Fields<'_>) -> UrgencyRule {
    const KEY: &str = "incident_urgency_rule";
    let default = UrgencyRule::Constant(Constant::High);
    let Some(value) = service.get(KEY) else { return default };
    let Some(fields) = reader.object(value, &service.path_to(KEY), &RULE_KEYS) else { return default };
    match reader.need_choice(&fields, "type", &[("constant", false), ("use_support_hours", true)]) {
        Some(true) => UrgencyRule::UseSupportHours {
            during: read_inner(reader, &fields, "during_support_hours"),
            outside: read_inner(reader, &fields, "outside_support_hours"),
        },
        Some(false) => UrgencyRule::Constant(read_constant(reader, &fields)),
        None => default,
    }
}

fn read_constant(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Constant {
    reader.need_choice(fields, "urgency", &CONSTANTS).unwrap_or(Constant::High)
}

fn read_inner(reader: &mut Reader<'_>, rule: &Fields<'_>, key: &str) -> Constant {
    let Some(value) = rule.get(key) else {
        reader.missing(rule, key, "add {\"type\": \"constant\", \"urgency\": \"high\"}, or low or severity_based");
        return Constant::High;
    };
    let Some(fields) = reader.object(value, &rule.path_to(key), &RULE_KEYS) else { return Constant::High };
    reader.choice(&fields, "type", &[("constant", ())]);
    read_constant(reader, &fields)
}

pub(super) fn read_hours(reader: &mut Reader<'_>, service: &Fields<'_>) -> Option<SupportHours> {
    const KEY: &str = "support_hours";
    let fields = reader.object(service.get(KEY)?, &service.path_to(KEY), &HOURS_KEYS)?;
    reader.choice(&fields, "type", &[("fixed_time_per_day", ())]);
    let mut days = [false; 7];
    for item in reader.list(&fields, "days_of_week") {
        let day = match &item.data {
            Data::Number(written) => written.parse::<usize>().ok().filter(|day| (1..=7).contains(day)),
            Data::Null | Data::Bool(_) | Data::Text(_) | Data::List(_) | Data::Object(_) => None,
        };
        match day {
            Some(day) => days[day - 1] = true,
            None => reader.fault(item.at, "not a day of the week", "days are numbers from 1 (Monday) to 7 (Sunday)"),
        }
    }
    Some(SupportHours {
        zone: reader.need_zone(&fields, "time_zone"),
        days,
        start: reader.need_time_of_day(&fields, "start_time"),
        end: reader.need_time_of_day(&fields, "end_time"),
    })
}

/// PagerDuty has one scheduled action: at a named time, to high.
pub(super) fn read_action(reader: &mut Reader<'_>, service: &Fields<'_>) -> Option<RaiseAt> {
    const KEY: &str = "scheduled_actions";
    let actions = reader.list(service, KEY);
    if let Some(second) = actions.get(1) {
        reader.fault(second.at, "a service has one scheduled action at most", "remove all but one");
    }
    let path = service.path_to(&format!("{KEY}/0"));
    let fields = reader.object(actions.first()?, &path, &ACTION_KEYS)?;
    reader.need_choice(&fields, "type", &[("urgency_change", ())]);
    reader.need_choice(&fields, "to_urgency", &[("high", ())]);
    let Some(at) = fields.get("at") else {
        reader.missing(&fields, "at", "add {\"type\": \"named_time\", \"name\": \"support_hours_start\"}");
        return None;
    };
    let at = reader.object(at, &fields.path_to("at"), &AT_KEYS)?;
    reader.choice(&at, "type", &[("named_time", ())]);
    reader.need_choice(&at, "name", &NAMED_TIMES)
}

pub(super) fn write_rule(rule: UrgencyRule) -> serde_json::Value {
    match rule {
        UrgencyRule::Constant(constant) => write_constant(constant),
        UrgencyRule::UseSupportHours { during, outside } => json!({
            "type": "use_support_hours",
            "during_support_hours": write_constant(during),
            "outside_support_hours": write_constant(outside),
        }),
    }
}

fn write_constant(constant: Constant) -> serde_json::Value {
    let name = CONSTANTS.iter().find(|(_, it)| *it == constant).map(|(name, _)| *name);
    json!({ "type": "constant", "urgency": name })
}

pub(super) fn write_hours(hours: &SupportHours) -> serde_json::Value {
    json!({
        "type": "fixed_time_per_day",
        "time_zone": zone_name(&hours.zone),
        "days_of_week": (1..=7).filter(|day| hours.days[day - 1]).collect::<Vec<usize>>(),
        "start_time": time_of_day(hours.start),
        "end_time": time_of_day(hours.end),
    })
}

pub(super) fn write_actions(raised_at: Option<RaiseAt>) -> serde_json::Value {
    let Some(raised_at) = raised_at else { return json!([]) };
    let name = NAMED_TIMES.iter().find(|(_, it)| *it == raised_at).map(|(name, _)| *name);
    json!([{ "type": "urgency_change", "at": { "type": "named_time", "name": name }, "to_urgency": "high" }])
}

/// Only for the reader of the file: hours that no rule uses do nothing.
pub(super) fn warn_of_idle_hours(reader: &mut Reader<'_>, rule: UrgencyRule, hours: Option<&Value>) {
    if hours.is_some() && matches!(rule, UrgencyRule::Constant(_)) {
        reader.warn(
            "/support_hours".to_owned(),
            "support hours have no effect under a constant urgency",
            "set incident_urgency_rule to type use_support_hours to use them",
        );
    }
}
