//! Integrations, written inside their service.

use campanile_directory::suggest::did_you_mean;
use campanile_directory::{IntegrationDraft, integration_id};
use campanile_model::{IntegrationId, RoutingKey, ServiceId};

use super::json::Value;
use super::reader::{Fields, Keys, Reader};

const KEYS: Keys = Keys {
    of: "integration",
    known: &["id", "type", "name", "integration_key"],
    ignored: &[
        "service",
        "vendor",
        "integration_email",
        "config",
        "email_incident_creation",
        "email_filter_mode",
        "email_filters",
        "email_parsers",
        "email_parsing_fallback",
    ],
    idle: &[],
};

/// The type whose door exists.
const EVENTS_V2: &str = "events_api_v2_inbound_integration";
/// Source: PagerDuty REST, Integration `type`.
const TYPES: [&str; 10] = [
    EVENTS_V2,
    "generic_events_api_inbound_integration",
    "event_transformer_api_inbound_integration",
    "generic_email_inbound_integration",
    "aws_cloudwatch_inbound_integration",
    "cloudkick_inbound_integration",
    "keynote_inbound_integration",
    "nagios_inbound_integration",
    "pingdom_inbound_integration",
    "sql_monitor_inbound_integration",
];

pub(super) fn read_all(reader: &mut Reader<'_>, service: &Fields<'_>) -> Vec<IntegrationDraft> {
    let items = reader.list(service, "integrations").iter().enumerate();
    items.filter_map(|(i, item)| read(reader, item, i)).collect()
}

fn read(reader: &mut Reader<'_>, value: &Value, place: usize) -> Option<IntegrationDraft> {
    let fields = reader.object(value, &format!("/integrations/{place}"), &KEYS)?;
    let type_name = read_type(reader, &fields);
    // An answer without its integrations included has only a summary in the place of the name.
    let name = match reader.text(&fields, "name").or_else(|| reader.text(&fields, "summary")) {
        Some(name) if !name.trim().is_empty() => name,
        _ => {
            reader.missing(&fields, "name", "name the sender, such as Prometheus");
            ""
        }
    };
    let id = match reader.text(&fields, "id") {
        Some(id) => IntegrationId::new(id),
        None => integration_id(&ServiceId::new(reader.id()), name),
    };
    let key = reader.text(&fields, "integration_key").map(RoutingKey::new);
    Some(IntegrationDraft { id, name: name.into(), type_name: type_name.into(), key })
}

fn read_type<'v>(reader: &mut Reader<'_>, fields: &Fields<'v>) -> &'v str {
    let Some(written) = reader.text(fields, "type") else { return EVENTS_V2 };
    let short = written.strip_suffix("_reference").unwrap_or(written);
    if !TYPES.contains(&short) {
        let offer = did_you_mean(short, TYPES);
        let at = fields.get("type").map_or(fields.at, |value| value.at);
        reader.fault(at, format!("\"type\" cannot be \"{written}\"{offer}"), format!("use {EVENTS_V2}"));
    } else if short != EVENTS_V2 {
        reader.warn(
            fields.path_to("type"),
            format!("integrations of type {short} take only Events API v2 events so far"),
            "point the sender to the Events API v2, or leave it where it is for now",
        );
    }
    short
}

pub(super) fn write(it: &IntegrationDraft) -> serde_json::Value {
    serde_json::json!({
        "id": it.id.as_str(),
        "type": it.type_name.as_str(),
        "name": it.name.as_str(),
        "integration_key": it.key.as_ref().map(|key| key.as_str()),
    })
}
