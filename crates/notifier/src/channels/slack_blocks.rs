//! What a message in Slack looks like. Source: Slack, Block Kit.

use campanile_model::{IncidentId, IncidentStatus, OrderId, Timestamp, Urgency};
use serde_json::{Value, json};

use super::text;
use crate::channel::{Item, Message};

/// Incidents that a digest names. Source: ours; a section takes 3000 characters.
const LISTED_MAX: usize = 15;
/// Source: ours; a section takes 3000 characters, and people read one line.
const TITLE_CHARS_MAX: usize = 300;

/// What an incident's message shows.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    pub incident: IncidentId,
    pub title: &'a str,
    pub service: &'a str,
    pub urgency: Urgency,
    pub status: IncidentStatus,
    pub at: Timestamp,
    pub html_url: &'a str,
    /// Who has it, or who was paged.
    pub people: String,
    pub remark: Option<&'static str>,
}

impl<'a> Shown<'a> {
    pub(super) fn paged(message: &'a Message, item: &'a Item) -> Self {
        Self {
            incident: item.incident,
            title: &item.title,
            service: &item.service,
            urgency: item.urgency,
            status: IncidentStatus::Triggered,
            at: item.at,
            html_url: &item.html_url,
            people: format!("paged {}", text::one_line(&message.recipient.name)),
            remark: text::remark(item),
        }
    }

    /// What notifications and screen readers take.
    pub(super) fn fallback(&self) -> String {
        let title = text::shortened(&text::one_line(self.title), TITLE_CHARS_MAX);
        escaped(&format!("{}: #{} {title}", word(self.status), self.incident.number()))
    }

    pub(super) fn blocks(&self, answers: bool) -> Value {
        let title = escaped(&text::shortened(&text::one_line(self.title), TITLE_CHARS_MAX));
        let link = format!("<{}|#{}>", self.html_url, self.incident.number());
        let mut blocks =
            vec![section(&format!("{} *{}* {link} {title}", sign(self.status, self.urgency), word(self.status)))];
        let urgency = if self.urgency == Urgency::High { "High urgency" } else { "Low urgency" };
        let since = self.at.0.div_euclid(1000);
        let facts = format!(
            "{urgency} on {} | <!date^{since}^{{date_short_pretty}} {{time}}|{}> | {}",
            escaped(&text::one_line(self.service)),
            self.at.rfc3339_seconds(),
            escaped(&self.people)
        );
        blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": facts }] }));
        if let Some(remark) = self.remark {
            blocks.push(section(remark));
        }
        if answers {
            let mut list = Vec::new();
            if self.status == IncidentStatus::Triggered {
                list.push(("acknowledge", "Acknowledge", Some("primary")));
            }
            list.push(("resolve", "Resolve", None));
            if self.urgency == Urgency::High && self.status == IncidentStatus::Triggered {
                list.push(("escalate", "Escalate", None));
            }
            blocks.push(buttons(&list, &format!("i:{}", self.incident)));
        }
        Value::Array(blocks)
    }
}

/// Many incidents in one message, which is not updated: buttons answer all of them.
pub(super) fn digest(message: &Message, answers: bool) -> Value {
    let mut lines: Vec<_> = message.items.iter().take(LISTED_MAX).map(listed).collect();
    if message.items.len() > LISTED_MAX {
        lines.push(format!("and {} more", message.items.len() - LISTED_MAX));
    }
    let head = escaped(&text::headline(message));
    let mut blocks = vec![section(&format!(":rotating_light: *{head}*\n{}", lines.join("\n")))];
    if let Some(order) = message.order.filter(|_| answers) {
        blocks.push(all(order));
    }
    json!({ "text": head, "blocks": blocks })
}

fn listed(item: &Item) -> String {
    let title = escaped(&text::shortened(&text::one_line(&item.title), 120));
    format!("<{}|#{}> {title} ({})", item.html_url, item.incident.number(), escaped(&text::one_line(&item.service)))
}

fn all(order: OrderId) -> Value {
    let list = [("acknowledge", "Acknowledge all", Some("primary")), ("resolve", "Resolve all", None)];
    buttons(&list, &format!("o:{order}"))
}

/// A test or a hand-off.
pub(super) fn told(message: &Message) -> Value {
    let name = escaped(&text::one_line(&message.recipient.name));
    if message.handoff.is_some() {
        return json!({ "text": format!(":bell: {name}, {}", escaped(&text::statement(message))) });
    }
    json!({ "text": format!(":white_check_mark: This is a test of Campanile for {name}: this contact method works.") })
}

/// The reply beneath a message when somebody is paged about it again.
pub(super) fn again(message: &Message, item: &Item) -> Value {
    let name = escaped(&text::one_line(&message.recipient.name));
    let remark = text::remark(item).map_or_else(String::new, |remark| format!(" {remark}"));
    json!({ "text": format!("Still triggered: paged {name}.{remark}") })
}

const fn word(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::Triggered => "Triggered",
        IncidentStatus::Acknowledged => "Acknowledged",
        IncidentStatus::Resolved => "Resolved",
    }
}

const fn sign(status: IncidentStatus, urgency: Urgency) -> &'static str {
    match (status, urgency) {
        (IncidentStatus::Triggered, Urgency::High) => ":rotating_light:",
        (IncidentStatus::Triggered, Urgency::Low) => ":warning:",
        (IncidentStatus::Acknowledged, _) => ":eyes:",
        (IncidentStatus::Resolved, _) => ":white_check_mark:",
    }
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn buttons(list: &[(&str, &str, Option<&str>)], value: &str) -> Value {
    let elements = list.iter().map(|(action, label, style)| {
        let mut button = json!({
            "type": "button",
            "action_id": action,
            "text": { "type": "plain_text", "text": label },
            "value": value,
        });
        if let Some(style) = style {
            button["style"] = json!(style);
        }
        button
    });
    json!({ "type": "actions", "elements": elements.collect::<Value>() })
}

/// Source: Slack, "Formatting text": these three and no others.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
