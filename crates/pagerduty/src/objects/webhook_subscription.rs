//! A webhook subscription, with the extension `previous_secret`, under which a secret is changed without a gap.

use campanile_directory::subscription::{
    CustomHeader, EVENT_TYPES, EVENT_TYPES_MADE, Filter, PreviousSecret, Secret, Subscription,
};
use campanile_directory::suggest::did_you_mean;
use campanile_model::{ServiceId, SubscriptionId, TeamId};
use compact_str::CompactString;
use serde_json::json;

use super::json::{Data, Value};
use super::reader::{Fields, Keys, Reader};
use super::reference;

const KEYS: Keys = Keys {
    of: "webhook subscription",
    known: &["active", "delivery_method", "description", "events", "filter"],
    ignored: &["oauth_client"],
    idle: &["oauth_client_id"],
};

const METHOD_KEYS: Keys = Keys {
    of: "delivery method",
    known: &["type", "url", "custom_headers", "secret", "previous_secret"],
    // What is disabled for a time is told by the server, not written.
    ignored: &["temporarily_disabled", "extension_id"],
    idle: &[],
};

const HEADER_KEYS: Keys = Keys { of: "custom header", known: &["name", "value"], ignored: &[], idle: &[] };

const PREVIOUS_KEYS: Keys = Keys { of: "previous secret", known: &["secret", "valid_until"], ignored: &[], idle: &[] };

const FILTER_KEYS: Keys = Keys { of: "filter", known: &["type", "id"], ignored: &[], idle: &[] };

/// What PagerDuty shows in the place of a header's value.
const REDACTED: &str = "-- redacted --";

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<Subscription> {
    let fields = reader.object(value, "", &KEYS)?;
    let active = flag(reader, &fields, "active").unwrap_or(true);
    let description = reader.text_or_empty(&fields, "description").to_owned();
    let events = events(reader, &fields);
    let filter = filter(reader, &fields);
    let Some(method) = fields.get("delivery_method") else {
        let help = "add {\"type\": \"http_delivery_method\", \"url\": \"https://…\"}";
        reader.missing(&fields, "delivery_method", help);
        return None;
    };
    let method = reader.object(method, "/delivery_method", &METHOD_KEYS)?;
    reader.need_choice(&method, "type", &[("http_delivery_method", ())]);
    let url = reader.need_text(&method, "url", "add the address that events are sent to").to_owned();
    Some(Subscription {
        id: SubscriptionId::new(reader.id()),
        description,
        active,
        url,
        headers: headers(reader, &method),
        secret: reader.text(&method, "secret").map(|text| Secret(text.into())),
        previous_secret: previous(reader, &method),
        events,
        filter,
    })
}

fn flag(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<bool> {
    let value = fields.get(key)?;
    let Data::Bool(on) = &value.data else {
        reader.fault(value.at, format!("\"{key}\" must be true or false"), "write true or false here");
        return None;
    };
    Some(*on)
}

fn events(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<CompactString> {
    let mut events: Vec<CompactString> = Vec::new();
    for (i, item) in reader.list(fields, "events").iter().enumerate() {
        let Data::Text(name) = &item.data else {
            reader.fault(item.at, "an event must be a string", "write its type, such as \"incident.triggered\"");
            continue;
        };
        if !EVENT_TYPES.contains(&name.as_str()) {
            let offer = did_you_mean(name, EVENT_TYPES);
            let help = format!("events are {}", EVENT_TYPES.join(", "));
            reader.fault(item.at, format!("unknown event \"{name}\"{offer}"), help);
            continue;
        }
        if !EVENT_TYPES_MADE.contains(&name.as_str()) {
            reader.warn(
                format!("/events/{i}"),
                format!("\"{name}\" does not happen here yet"),
                "it may stay; nothing is sent for it until a later version makes it",
            );
        }
        if !events.iter().any(|known| known == name) {
            events.push(name.into());
        }
    }
    events
}

fn filter(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Filter {
    #[derive(Clone, Copy)]
    enum Of {
        Account,
        Service,
        Team,
    }
    let Some(value) = fields.get("filter") else {
        let help = "add {\"type\": \"account_reference\"}, or one service or team by type and id";
        reader.missing(fields, "filter", help);
        return Filter::Account;
    };
    let Some(filter) = reader.object(value, "/filter", &FILTER_KEYS) else { return Filter::Account };
    let allowed =
        [("account_reference", Of::Account), ("service_reference", Of::Service), ("team_reference", Of::Team)];
    let of = reader.need_choice(&filter, "type", &allowed);
    match of {
        None | Some(Of::Account) => Filter::Account,
        Some(Of::Service) => Filter::Service(ServiceId::new(reader.need_text(&filter, "id", "add the service's id"))),
        Some(Of::Team) => Filter::Team(TeamId::new(reader.need_text(&filter, "id", "add the team's id"))),
    }
}

fn headers(reader: &mut Reader<'_>, method: &Fields<'_>) -> Vec<CustomHeader> {
    let mut headers = Vec::new();
    for (i, item) in reader.list(method, "custom_headers").iter().enumerate() {
        let path = format!("/delivery_method/custom_headers/{i}");
        let Some(fields) = reader.object(item, &path, &HEADER_KEYS) else { continue };
        let name: CompactString = reader.need_text(&fields, "name", "add the header's name").into();
        let value = reader.need_text(&fields, "value", "add the header's value");
        if value == REDACTED {
            let help = "an export does not hold the values of headers; write the value itself";
            let at = fields.get("value").map_or(fields.at, |value| value.at);
            reader.fault(at, format!("the value of the header {name} was taken out by PagerDuty"), help);
        }
        headers.push(CustomHeader { name, value: Secret(value.into()) });
    }
    headers
}

fn previous(reader: &mut Reader<'_>, method: &Fields<'_>) -> Option<PreviousSecret> {
    let value = method.get("previous_secret")?;
    let fields = reader.object(value, "/delivery_method/previous_secret", &PREVIOUS_KEYS)?;
    let secret = reader.need_text(&fields, "secret", "add the secret that was in use").into();
    Some(PreviousSecret { secret: Secret(secret), valid_until: reader.need_instant(&fields, "valid_until") })
}

pub(super) fn write(it: &Subscription) -> serde_json::Value {
    let header = |header: &CustomHeader| json!({ "name": header.name.as_str(), "value": header.value.0.as_str() });
    let mut method = json!({
        "type": "http_delivery_method",
        "url": it.url,
        "custom_headers": it.headers.iter().map(header).collect::<Vec<_>>(),
        "secret": it.secret.as_ref().map(|secret| secret.0.as_str()),
    });
    if let Some(previous) = &it.previous_secret {
        let until = previous.valid_until.to_string();
        method["previous_secret"] = json!({ "secret": previous.secret.0.as_str(), "valid_until": until });
    }
    let filter = match it.filter.object() {
        Some((kind, id)) => reference(kind, id),
        None => json!({ "type": "account_reference" }),
    };
    json!({
        "active": it.active,
        "description": it.description,
        "delivery_method": method,
        "events": it.events.iter().map(CompactString::as_str).collect::<Vec<_>>(),
        "filter": filter,
    })
}
