//! Teams: a workflow that posts what it is sent, "When a Teams webhook request is received". The address is its URL.
//!
//! A workflow takes and does not give: it cannot update what it posted, and buttons only open links.

use std::time::Duration;

use campanile_model::Urgency;
use serde_json::{Value, json};

use super::http::{self, Call};
use super::provider::{Provider, Sending, Taken, Trouble};
use super::text;
use crate::channel::{Item, Message};
use crate::door::{Links, Purpose};
use crate::egress::Egress;

/// Incidents that a card shows; more are counted. Source: ours; Teams cuts cards above 28 KB.
const SHOWN_MAX: usize = 10;

pub struct Teams {
    egress: Egress,
    links: Option<Links>,
    timeout: Duration,
}

impl Teams {
    pub fn new(egress: Egress, links: Option<Links>, timeout: Duration) -> Self {
        Self { egress, links, timeout }
    }

    async fn deliver(&self, message: &Message) -> Result<Taken, Trouble> {
        let url = message.contact.address.to_string();
        let card = card(message, self.links.as_ref()).to_string();
        let call = Call::post(url, "application/json", card).guarded().within(self.timeout);
        let answer = http::send(&self.egress, call).await?;
        if answer.is_success() {
            return Ok(Taken::with(answer.words()));
        }
        let mut trouble = answer.trouble();
        // The workflow was deleted, or never was.
        trouble.permanent = matches!(answer.status, 400 | 404 | 410);
        Err(trouble)
    }
}

/// Source: Adaptive Cards 1.4 in a message, as the workflow's template wants it.
pub fn card(message: &Message, links: Option<&Links>) -> Value {
    let tells = !message.asks();
    let high = text::is_high(message);
    let mut blocks = vec![json!({
        "type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": true,
        "color": if tells { "Good" } else if high { "Attention" } else { "Warning" },
        "text": plain(&text::headline(message)),
    })];
    if tells {
        blocks.push(json!({ "type": "TextBlock", "wrap": true, "text": text::said(message) }));
    } else {
        blocks.extend(message.items.iter().take(SHOWN_MAX).flat_map(|item| shown(item, message)));
        if message.items.len() > SHOWN_MAX {
            let more = format!("and {} more", message.items.len() - SHOWN_MAX);
            blocks.push(json!({ "type": "TextBlock", "wrap": true, "text": more }));
        }
    }
    let mut actions = Vec::new();
    let of = if message.items.len() > 1 { " all" } else { "" };
    for (title, purpose) in [("Acknowledge", Purpose::Acknowledge), ("Resolve", Purpose::Resolve)] {
        if let Some(url) = links.and_then(|links| links.answer_all(message, purpose)) {
            actions.push(json!({ "type": "Action.OpenUrl", "title": format!("{title}{of}"), "url": url }));
        }
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": blocks,
                "actions": actions,
            },
        }],
    })
}

/// Most characters of a sender's text, so that a card of many stays below the 28 KB that Teams takes.
const PLAIN_CHARS_MAX: usize = 200;

/// A sender's text as text: cards read Markdown, and a link in a title would look like one of ours.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text::shortened(text, PLAIN_CHARS_MAX).chars() {
        if matches!(c, '\\' | '[' | ']' | '(' | ')' | '*' | '_') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn shown(item: &Item, message: &Message) -> Vec<Value> {
    let urgency = if item.urgency == Urgency::High { "High" } else { "Low" };
    let mut blocks = Vec::new();
    if message.items.len() > 1 {
        let title = plain(&format!("#{} {}", item.incident.number(), text::one_line(&item.title)));
        blocks.push(json!({ "type": "TextBlock", "weight": "Bolder", "wrap": true, "text": title }));
    }
    blocks.push(json!({ "type": "FactSet", "facts": [
        { "title": "Service", "value": plain(&text::one_line(&item.service)) },
        { "title": "Urgency", "value": urgency },
        { "title": "Since", "value": item.at.rfc3339_seconds().to_string() },
        { "title": "Assigned to", "value": plain(&text::one_line(&message.recipient.name)) },
    ] }));
    if let Some(remark) = text::remark(item) {
        blocks.push(json!({ "type": "TextBlock", "wrap": true, "text": remark }));
    }
    blocks
}

impl Provider for Teams {
    fn name(&self) -> &str {
        "teams"
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}
