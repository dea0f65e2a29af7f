//! Alert grouping, in its two PagerDuty forms: parameters on a service, and settings of their own.
//!
//! They differ in one trap: a service counts `timeout` in minutes, a setting in seconds. `time_window` is seconds in both.

use campanile_directory::grouping::{GROUP_WINDOW_DEFAULT, TimeoutUnit};
use campanile_directory::suggest::did_you_mean;
use campanile_directory::{Aggregate, FieldPath, Grouping, GroupingSetting, Kind};
use campanile_model::{GroupingId, ServiceId, Span};
use serde_json::json;

use super::json::{Data, Value};
use super::reader::{Fields, Keys, Reader};
use super::references;

const SETTING_KEYS: Keys = Keys {
    of: "alert grouping setting",
    known: &["name", "description", "type", "config", "services"],
    ignored: &[],
    idle: &[],
};
const PARAMETER_KEYS: Keys =
    Keys { of: "alert_grouping_parameters", known: &["type", "config"], ignored: &[], idle: &[] };
const CONFIG_KEYS: Keys = Keys {
    of: "config",
    known: &["timeout", "time_window", "aggregate", "fields", "iag_fields"],
    ignored: &["recommended_time_window"],
    idle: &[],
};

const AGGREGATES: [(&str, Aggregate); 2] = [("all", Aggregate::All), ("any", Aggregate::Any)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Time,
    Content,
    Intelligent,
    ContentIntelligent,
}

const TYPES: [(&str, Type); 4] = [
    ("time", Type::Time),
    ("content_based", Type::Content),
    ("intelligent", Type::Intelligent),
    ("content_based_intelligent", Type::ContentIntelligent),
];

/// `alert_grouping_parameters` of a service; null, absent, or of type null: none.
pub(super) fn read_parameters(reader: &mut Reader<'_>, service: &Fields<'_>) -> Option<Grouping> {
    const KEY: &str = "alert_grouping_parameters";
    let fields = reader.object(service.get(KEY)?, &service.path_to(KEY), &PARAMETER_KEYS)?;
    fields.get("type")?;
    read_grouping(reader, &fields, TimeoutUnit::Minutes)
}

pub(super) fn read_setting(reader: &mut Reader<'_>, value: &Value) -> Option<GroupingSetting> {
    let fields = reader.object(value, "", &SETTING_KEYS)?;
    let services = reader.references(&fields, "services", Kind::Service).into_iter().map(ServiceId::new).collect();
    Some(GroupingSetting {
        id: GroupingId::new(reader.id()),
        name: reader.text_or_empty(&fields, "name").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        grouping: read_grouping(reader, &fields, TimeoutUnit::Seconds)?,
        services,
    })
}

fn read_grouping(reader: &mut Reader<'_>, fields: &Fields<'_>, unit: TimeoutUnit) -> Option<Grouping> {
    let kind = reader.need_choice(fields, "type", &TYPES)?;
    let nothing = Value { at: fields.at, data: Data::Object(Vec::new()) };
    let config = reader.object(fields.get("config").unwrap_or(&nothing), &fields.path_to("config"), &CONFIG_KEYS)?;
    refuse_strangers(reader, &config, kind);
    let window = match reader.whole(&config, "time_window") {
        None | Some(0) => GROUP_WINDOW_DEFAULT,
        Some(seconds) => Span::seconds(seconds),
    };
    let aggregate = reader.choice(&config, "aggregate", &AGGREGATES).unwrap_or(Aggregate::All);
    Some(match kind {
        Type::Time => {
            let timeout = reader.whole(&config, "timeout").filter(|timeout| *timeout != 0);
            let window = timeout.map(|timeout| match unit {
                TimeoutUnit::Minutes => Span::minutes(timeout),
                TimeoutUnit::Seconds => Span::seconds(timeout),
            });
            Grouping::Time { window }
        }
        Type::Content => Grouping::Content { aggregate, fields: read_fields(reader, &config, "fields"), window },
        Type::Intelligent => {
            let written = if config.get("iag_fields").is_some() { "iag_fields" } else { "fields" };
            Grouping::Intelligent { fields: similar(read_fields(reader, &config, written)), window }
        }
        Type::ContentIntelligent => Grouping::ContentIntelligent {
            aggregate,
            fields: read_fields(reader, &config, "fields"),
            similar: similar(read_fields(reader, &config, "iag_fields")),
            window,
        },
    })
}

/// PagerDuty answers `["summary"]` where nobody chose: likeness of summaries, which for us is no field at all.
fn similar(fields: Vec<FieldPath>) -> Vec<FieldPath> {
    if fields == [FieldPath::Summary] { Vec::new() } else { fields }
}

/// A key of another type of grouping would be passed over in silence, and its writer would wait for its effect.
fn refuse_strangers(reader: &mut Reader<'_>, config: &Fields<'_>, kind: Type) {
    let allowed: &[&str] = match kind {
        Type::Time => &["timeout"],
        Type::Content => &["aggregate", "fields", "time_window"],
        // Both names of one thing: the seed's and PagerDuty's.
        Type::Intelligent => &["time_window", "iag_fields", "fields"],
        Type::ContentIntelligent => &["aggregate", "fields", "iag_fields", "time_window"],
    };
    for key in CONFIG_KEYS.known.iter().filter(|key| !allowed.contains(key)) {
        let Some(value) = config.get(key) else { continue };
        let is_empty = match &value.data {
            Data::Number(written) => written == "0",
            Data::List(items) => items.is_empty(),
            Data::Null | Data::Bool(_) | Data::Text(_) | Data::Object(_) => false,
        };
        if !is_empty {
            let name = TYPES.iter().find(|(_, it)| *it == kind).map_or("", |(name, _)| name);
            let message = format!("\"{key}\" has no meaning in a grouping of type {name}");
            reader.fault(value.at, message, format!("keys of this type are {}", allowed.join(", ")));
        }
    }
    if kind == Type::Intelligent
        && config.get("fields").is_some()
        && let Some(value) = config.get("iag_fields")
    {
        let message = "\"fields\" and \"iag_fields\" are two names of one thing";
        reader.fault(value.at, message, "keep iag_fields and remove fields");
    }
}

fn read_fields(reader: &mut Reader<'_>, config: &Fields<'_>, key: &str) -> Vec<FieldPath> {
    let names = FieldPath::NAMED.map(|(name, _)| name);
    let mut paths = Vec::new();
    for item in reader.list(config, key) {
        let help = format!("fields are {}, and custom_details.… with the path to a detail", names.join(", "));
        match &item.data {
            Data::Text(text) => match FieldPath::parse(text) {
                Some(path) if paths.contains(&path) => {
                    reader.fault(item.at, format!("field \"{text}\" comes twice"), "name it once");
                }
                Some(path) => paths.push(path),
                None => {
                    let offer = did_you_mean(text, names);
                    reader.fault(item.at, format!("unknown field \"{text}\"{offer}"), help);
                }
            },
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::List(_) | Data::Object(_) => {
                reader.fault(item.at, format!("a field must be a string, and is {}", item.what()), help)
            }
        }
    }
    paths
}

pub(super) fn write_parameters(grouping: &Grouping) -> serde_json::Value {
    write_grouping(grouping, TimeoutUnit::Minutes)
}

pub(super) fn write_setting(it: &GroupingSetting) -> serde_json::Value {
    let mut body = write_grouping(&it.grouping, TimeoutUnit::Seconds);
    body["name"] = it.name.as_str().into();
    body["description"] = it.description.as_str().into();
    body["services"] = references(Kind::Service, it.services.iter().map(|service| service.as_str()));
    body
}

fn write_grouping(grouping: &Grouping, unit: TimeoutUnit) -> serde_json::Value {
    let names = |fields: &[FieldPath]| fields.iter().map(|field| field.to_string()).collect::<serde_json::Value>();
    let aggregates = |it: Aggregate| AGGREGATES.iter().find(|(_, known)| *known == it).map(|(name, _)| *name);
    match grouping {
        Grouping::Time { window } => {
            let seconds = window.map_or(0, Span::whole_seconds);
            let timeout = match unit {
                TimeoutUnit::Minutes => seconds / 60,
                TimeoutUnit::Seconds => seconds,
            };
            json!({ "type": "time", "config": { "timeout": timeout } })
        }
        Grouping::Content { aggregate, fields, window } => json!({
            "type": "content_based",
            "config": {
                "aggregate": aggregates(*aggregate),
                "fields": names(fields),
                "time_window": window.whole_seconds(),
            },
        }),
        Grouping::Intelligent { fields, window } => json!({
            "type": "intelligent",
            "config": { "iag_fields": names(fields), "time_window": window.whole_seconds() },
        }),
        Grouping::ContentIntelligent { aggregate, fields, similar, window } => json!({
            "type": "content_based_intelligent",
            "config": {
                "aggregate": aggregates(*aggregate),
                "fields": names(fields),
                "iag_fields": names(similar),
                "time_window": window.whole_seconds(),
            },
        }),
    }
}
