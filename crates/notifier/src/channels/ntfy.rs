//! ntfy: push to a phone from a server of one's own. The address is a topic on the configured server, or the URL of a
//! topic elsewhere.

use std::time::Duration;

use campanile_model::Urgency;
use serde_json::{Value, json};

use super::http::{self, Call};
use super::provider::{Provider, Sending, Taken, Trouble};
use super::text;
use crate::channel::Message;
use crate::door::{Links, Purpose};
use crate::egress::Egress;

/// Longest message that stays a message; a longer one becomes an attachment. Source: ntfy, "Limitations", 4096 bytes.
const MESSAGE_CHARS_MAX: usize = 1000;

#[derive(Clone, PartialEq, Eq)]
pub struct NtfyOptions {
    /// Without a slash at the end.
    pub base_url: String,
    /// An access token, `tk_…`; none: whoever knows the topic may publish.
    pub token: Option<String>,
    pub timeout: Duration,
}

pub struct Ntfy {
    options: NtfyOptions,
    egress: Egress,
    links: Option<Links>,
}

impl Ntfy {
    pub fn new(options: NtfyOptions, egress: Egress, links: Option<Links>) -> Self {
        Self { options, egress, links }
    }

    async fn deliver(&self, message: &Message) -> Result<Taken, Trouble> {
        let address = message.contact.address.as_str();
        let (base, topic, is_ours) = match place(address) {
            Some(Place::Topic(topic)) => (self.options.base_url.as_str(), topic, true),
            Some(Place::Url { base, topic }) => (base, topic, base == self.options.base_url),
            None => return Err(Trouble::for_good(format!("{address:?} is neither a topic nor the URL of one"))),
        };
        let body = body(message, topic, self.links.as_ref()).to_string();
        let mut call = Call::post(format!("{base}/"), "application/json", body)
            .within(self.options.timeout)
            .header("idempotency-key", format!("{:032x}", message.idempotency_key));
        if !is_ours {
            call = call.guarded();
        }
        // Our token is for our server.
        if let Some(token) = self.options.token.as_ref().filter(|_| is_ours) {
            call = call.header("authorization", format!("Bearer {token}"));
        }
        let answer = http::send(&self.egress, call).await?;
        if answer.is_success() {
            return Ok(Taken::with(answer.words()));
        }
        let mut trouble = answer.trouble();
        // 403 and 401 are the operator's to mend; a topic's name that ntfy refuses stays refused.
        trouble.permanent = matches!(answer.status, 400 | 404 | 410);
        Err(trouble)
    }
}

enum Place<'a> {
    Topic(&'a str),
    Url { base: &'a str, topic: &'a str },
}

fn place(address: &str) -> Option<Place<'_>> {
    // Source: ntfy's server, `topicRegex`.
    let is_topic = |text: &str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if is_topic(address) {
        return Some(Place::Topic(address));
    }
    let (base, topic) = address.trim_end_matches('/').rsplit_once('/')?;
    let is_url =
        base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).is_some_and(|it| !it.is_empty());
    (is_url && is_topic(topic)).then_some(Place::Url { base, topic })
}

/// Source: ntfy, "Publish as JSON" and "Action buttons".
pub fn body(message: &Message, topic: &str, links: Option<&Links>) -> Value {
    let is_high = text::is_high(message);
    let mut body = json!({
        "topic": topic,
        "title": text::headline(message),
        "message": said(message),
        // 5 rings through most settings, 3 is ntfy's default.
        "priority": if is_high { 5 } else { 3 },
        "tags": [if !message.asks() { "white_check_mark" } else if is_high { "rotating_light" } else { "warning" }],
    });
    if let ([item], false) = (message.items.as_slice(), !message.asks()) {
        body["click"] = json!(item.html_url);
    }
    let action = |label: &str, purpose| {
        let url = links?.answer_all(message, purpose)?;
        Some(json!({ "action": "http", "label": label, "url": url, "method": "POST", "clear": true }))
    };
    let of = if message.items.len() > 1 { " all" } else { "" };
    let actions: Vec<_> = [
        action(&format!("Acknowledge{of}"), Purpose::Acknowledge),
        action(&format!("Resolve{of}"), Purpose::Resolve),
        action(&format!("Escalate{of}"), Purpose::Escalate),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !actions.is_empty() {
        body["actions"] = Value::Array(actions);
    }
    body
}

fn said(message: &Message) -> String {
    match message.items.as_slice() {
        _ if !message.asks() => text::said(message),
        [item] => {
            let urgency = if item.urgency == Urgency::High { "High" } else { "Low" };
            let head = format!("{urgency} urgency on {}.", text::one_line(&item.service));
            match text::remark(item) {
                Some(remark) => format!("{head} {remark}"),
                None => head,
            }
        }
        _ => text::shortened(&text::lines(message), MESSAGE_CHARS_MAX),
    }
}

impl Provider for Ntfy {
    fn name(&self) -> &str {
        "ntfy"
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}
