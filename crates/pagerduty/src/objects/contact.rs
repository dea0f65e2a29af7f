//! Contact methods and notification rules, inside their user as PagerDuty's `include[]` shows them.

use campanile_directory::User;
use campanile_directory::contact::{Channel, ContactMethod, NotificationRule};
use campanile_directory::handoff::{HandoffRule, HandoffType};
use campanile_model::{Span, Urgency};

use super::json::{Data, Value};
use super::reader::{Fields, Keys, Reader};

const METHOD_KEYS: Keys = Keys {
    of: "contact method",
    known: &["address", "label", "country_code", "enabled"],
    ignored: &["send_short_email", "send_html_email", "blacklisted", "device_type", "sounds"],
    idle: &[],
};
const RULE_KEYS: Keys = Keys {
    of: "notification rule",
    known: &["start_delay_in_minutes", "contact_method", "urgency"],
    ignored: &[],
    idle: &[],
};
const HANDOFF_KEYS: Keys = Keys {
    of: "hand-off notification rule",
    known: &["notify_advance_in_minutes", "handoff_type", "contact_method"],
    ignored: &[],
    idle: &[],
};
const HANDOFFS: &str = "oncall_handoff_notification_rules";
const HANDOFF_TYPE: &str = "oncall_handoff_notification_rule";
const RULE_TYPE: &str = "assignment_notification_rule";
const TYPE_END: &str = "_contact_method";

/// Both lists. What is only a reference, as an answer without `include[]` has it, tells no address and is passed over.
pub(super) fn read(reader: &mut Reader<'_>, user: &Fields<'_>) -> (Vec<ContactMethod>, Vec<NotificationRule>) {
    let (mut contacts, mut stubs) = (Vec::new(), Vec::new());
    for (place, value) in reader.list(user, "contact_methods").iter().enumerate() {
        let path = format!("/contact_methods/{place}");
        if let Some(id) = stub(value) {
            reader.warn(path, "a reference alone has no address", "write the contact method out, or leave it away");
            stubs.push(id);
        } else {
            contacts.extend(method(reader, value, &path));
        }
    }
    let mut rules = Vec::new();
    for (place, value) in reader.list(user, "notification_rules").iter().enumerate() {
        let path = format!("/notification_rules/{place}");
        if stub(value).is_some() {
            reader.warn(path, "a reference alone has no delay", "write the rule out, or leave it away");
        } else if let Some(rule) = rule(reader, value, &path) {
            if stubs.contains(&rule.contact.as_str()) {
                reader.warn(path, "its contact method is a reference alone", "write the contact method out");
            } else {
                rules.push(rule);
            }
        }
    }
    (contacts, rules)
}

/// The id of an object that says of itself that it is only a reference.
fn stub(value: &Value) -> Option<&str> {
    let text = |key: &str| match value.member(key) {
        Some(Value { data: Data::Text(text), .. }) => Some(text.as_str()),
        Some(_) | None => None,
    };
    text("type").filter(|kind| kind.ends_with("_reference")).and_then(|_| text("id"))
}

fn channels() -> Vec<(String, Channel)> {
    Channel::ALL.map(|channel| (format!("{}{TYPE_END}", channel.as_str()), channel)).to_vec()
}

fn method(reader: &mut Reader<'_>, value: &Value, path: &str) -> Option<ContactMethod> {
    let fields = reader.object(value, path, &METHOD_KEYS)?;
    let channels = channels();
    let allowed: Vec<_> = channels.iter().map(|(name, channel)| (name.as_str(), *channel)).collect();
    let channel = reader.need_choice(&fields, "type", &allowed)?;
    let enabled = match fields.get("enabled").map(|value| (value.at, &value.data)) {
        None => true,
        Some((_, Data::Bool(enabled))) => *enabled,
        Some((at, _)) => {
            reader.fault(at, "\"enabled\" must be true or false", "write true or false here");
            true
        }
    };
    let code = reader.whole(&fields, "country_code").unwrap_or(1);
    if u16::try_from(code).is_err() {
        let at = fields.get("country_code").map_or(fields.at, |value| value.at);
        reader.fault(at, format!("\"country_code\" of {code} is out of range"), "allowed are 1 to 999");
    }
    Some(ContactMethod {
        id: reader.need_text(&fields, "id", "give the contact method an id that its rules can name").into(),
        channel,
        address: reader.need_text(&fields, "address", "add the address").into(),
        label: reader.text_or_empty(&fields, "label").into(),
        country_code: u16::try_from(code).unwrap_or(1),
        enabled,
    })
}

fn rule(reader: &mut Reader<'_>, value: &Value, path: &str) -> Option<NotificationRule> {
    let fields = reader.object(value, path, &RULE_KEYS)?;
    reader.choice(&fields, "type", &[(RULE_TYPE, ())]);
    let help = "add the minutes after the assignment, 0 for at once";
    let minutes = reader.need_whole(&fields, "start_delay_in_minutes", help);
    let urgencies = [("high", Urgency::High), ("low", Urgency::Low)];
    let urgency = reader.need_choice(&fields, "urgency", &urgencies)?;
    let contact = contact(reader, &fields)?.into();
    let id = reader.text(&fields, "id").map(Into::into);
    Some(NotificationRule { id, urgency, delay: Span::minutes(minutes), contact })
}

/// The id of the contact method that a rule names.
fn contact<'v>(reader: &mut Reader<'_>, rule: &Fields<'v>) -> Option<&'v str> {
    let help = "name a contact method: {\"id\": \"P…\", \"type\": \"email_contact_method\"}";
    let Some(method) = rule.get("contact_method") else {
        reader.missing(rule, "contact_method", help);
        return None;
    };
    let Some(Value { data: Data::Text(contact), .. }) = method.member("id") else {
        reader.fault(method.at, "\"contact_method\" names no id", help);
        return None;
    };
    Some(contact)
}

/// The rules by which a person is told of shifts. A reference alone is passed over, as above.
pub(super) fn read_handoffs(reader: &mut Reader<'_>, user: &Fields<'_>) -> Vec<HandoffRule> {
    let mut rules = Vec::new();
    for (place, value) in reader.list(user, HANDOFFS).iter().enumerate() {
        let path = format!("/{HANDOFFS}/{place}");
        if stub(value).is_some() {
            reader.warn(path, "a reference alone has no notice", "write the rule out, or leave it away");
        } else {
            rules.extend(handoff(reader, value, &path));
        }
    }
    rules
}

fn handoff(reader: &mut Reader<'_>, value: &Value, path: &str) -> Option<HandoffRule> {
    let fields = reader.object(value, path, &HANDOFF_KEYS)?;
    reader.choice(&fields, "type", &[(HANDOFF_TYPE, ())]);
    let help = "add the minutes before the shift begins or ends, 0 for right then";
    let minutes = reader.need_whole(&fields, "notify_advance_in_minutes", help);
    let types = HandoffType::ALL.map(|it| (it.as_str(), it));
    let about = reader.choice(&fields, "handoff_type", &types).unwrap_or_default();
    let contact = contact(reader, &fields)?.into();
    let id = reader.text(&fields, "id").map(Into::into);
    Some(HandoffRule { id, about, advance: Span::minutes(minutes), contact })
}

/// Puts both lists into the user's stored form; a user without has no such keys.
pub(super) fn write(it: &User, body: &mut serde_json::Value) {
    if !it.contact_methods.is_empty() {
        body["contact_methods"] = it.contact_methods.iter().map(write_method).collect();
    }
    if !it.notification_rules.is_empty() {
        body["notification_rules"] = it.notification_rules.iter().map(|rule| write_rule(it, rule)).collect();
    }
    if !it.handoff_rules.is_empty() {
        body[HANDOFFS] = it.handoff_rules.iter().map(|rule| write_handoff(it, rule)).collect();
    }
}

fn write_method(it: &ContactMethod) -> serde_json::Value {
    let mut body = serde_json::json!({
        "id": it.id.as_str(),
        "type": format!("{}{TYPE_END}", it.channel.as_str()),
        "address": it.address.as_str(),
        "label": it.label.as_str(),
        "enabled": it.enabled,
    });
    if it.channel.dials() {
        body["country_code"] = it.country_code.into();
    }
    body
}

fn write_rule(user: &User, it: &NotificationRule) -> serde_json::Value {
    let mut body = serde_json::json!({
        "type": RULE_TYPE,
        "start_delay_in_minutes": it.delay.whole_seconds() / 60,
        "contact_method": write_contact(user, &it.contact),
        "urgency": it.urgency.as_str(),
    });
    if let Some(id) = &it.id {
        body["id"] = id.as_str().into();
    }
    body
}

fn write_handoff(user: &User, it: &HandoffRule) -> serde_json::Value {
    let mut body = serde_json::json!({
        "type": HANDOFF_TYPE,
        "notify_advance_in_minutes": it.advance.whole_seconds() / 60,
        "handoff_type": it.about.as_str(),
        "contact_method": write_contact(user, &it.contact),
    });
    if let Some(id) = &it.id {
        body["id"] = id.as_str().into();
    }
    body
}

fn write_contact(user: &User, id: &str) -> serde_json::Value {
    let channel = user.contact_methods.iter().find(|contact| contact.id == id).map(|it| it.channel.as_str());
    serde_json::json!({ "id": id, "type": format!("{}{TYPE_END}", channel.unwrap_or_default()) })
}
