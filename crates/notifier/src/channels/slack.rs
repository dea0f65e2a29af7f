//! Slack: one message an incident in each conversation, updated as the incident goes on. The address is the id of a
//! channel, `C…`, or of a member, `U…`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use campanile_model::{IncidentId, IncidentStatus};
use ring::hmac;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{self, Call};
use super::provider::{Provider, Sending, Taken, Trouble};
use super::slack_blocks;
use super::text;
use crate::channel::Message;
use crate::egress::Egress;

/// Messages that are remembered to be updated; the oldest is forgotten first, and its incident's next page is a new
/// message. Source: ours, some 2 MB.
const POSTS_MAX: usize = 10_000;
/// How old a signed request may be, in seconds, either way. Source: Slack, "Verifying requests from Slack".
pub const CLOCK_SECONDS_MAX: i64 = 300;

#[derive(Clone, PartialEq, Eq)]
pub struct SlackOptions {
    /// Without a slash at the end; `https://slack.com/api`.
    pub base_url: String,
    /// `xoxb-…`, with the scope `chat:write`.
    pub bot_token: String,
    /// Messages have buttons: somebody listens for them.
    pub has_buttons: bool,
    pub timeout: Duration,
}

/// Where a message stands: the conversation as Slack answered it, and its time there, which names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Post {
    conversation: String,
    ts: String,
}

impl Post {
    /// `slack:U0G9QF9C6/D024BE91L/1503435956.000247`, as records carry it: address, conversation, time.
    fn reference(&self, address: &str) -> String {
        format!("slack:{address}/{}/{}", self.conversation, self.ts)
    }

    /// The address, and where the message to it stands.
    fn parse(reference: &str) -> Option<(&str, Self)> {
        let mut parts = reference.strip_prefix("slack:")?.split('/');
        let (address, conversation, ts) = (parts.next()?, parts.next()?, parts.next()?);
        let is_whole = parts.next().is_none() && ![address, conversation, ts].contains(&"");
        is_whole.then(|| (address, Self { conversation: conversation.to_owned(), ts: ts.to_owned() }))
    }
}

#[derive(Default)]
struct Posts {
    by_incident: HashMap<IncidentId, Vec<(String, Post)>>,
    order: VecDeque<IncidentId>,
}

pub struct Slack {
    options: SlackOptions,
    egress: Egress,
    posts: Mutex<Posts>,
}

#[derive(Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    ts: String,
}

/// Errors of the address itself. Source: Slack, `chat.postMessage`.
const OF_THE_ADDRESS: [&str; 7] = [
    "channel_not_found",
    "is_archived",
    "user_not_found",
    "user_disabled",
    "cannot_dm_bot",
    "users_not_found",
    "no_permission",
];

/// Errors of one message that no repeat mends. Source: Slack, `chat.update`.
const OF_THE_MESSAGE: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];

impl Slack {
    pub fn new(options: SlackOptions, egress: Egress) -> Self {
        Self { options, egress, posts: Mutex::default() }
    }

    /// Takes up a message that an earlier life posted, so that it is updated and not posted again. References of other
    /// channels are none of ours.
    pub fn recall(&self, reference: &str, incident: IncidentId) {
        if let Some((address, post)) = Post::parse(reference) {
            self.remember(address, incident, post);
        }
    }

    fn remember(&self, address: &str, incident: IncidentId, post: Post) {
        let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = posts.by_incident.entry(incident).or_default();
        if let Some((_, known)) = of.iter_mut().find(|(to, _)| to == address) {
            *known = post;
            return;
        }
        let is_new = of.is_empty();
        of.push((address.to_owned(), post));
        if is_new {
            posts.order.push_back(incident);
        }
        while posts.order.len() > POSTS_MAX {
            if let Some(oldest) = posts.order.pop_front() {
                posts.by_incident.remove(&oldest);
            }
        }
    }

    /// Whether any conversation has a message about it.
    pub fn has(&self, incident: IncidentId) -> bool {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).by_incident.contains_key(&incident)
    }

    /// Nothing more will happen to it.
    pub fn forget(&self, incident: IncidentId) {
        let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        if posts.by_incident.remove(&incident).is_some() {
            posts.order.retain(|known| *known != incident);
        }
    }

    /// The message in one conversation is gone.
    fn forget_post(&self, incident: IncidentId, address: &str) {
        let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = posts.by_incident.get_mut(&incident) {
            of.retain(|(to, _)| to != address);
        }
    }

    fn posts_of(&self, incident: IncidentId) -> Vec<(String, Post)> {
        let posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        posts.by_incident.get(&incident).cloned().unwrap_or_default()
    }

    /// Shows how an incident stands now in every message about it. An incident nobody was told of here costs nothing.
    ///
    /// # Errors
    /// What Slack said of the last message that could not be updated.
    pub async fn show(&self, shown: &slack_blocks::Shown<'_>) -> Result<usize, Trouble> {
        let posts = self.posts_of(shown.incident);
        let mut outcome = Ok(posts.len());
        for (_, post) in posts {
            if let Err(trouble) = self.update(&post, shown).await {
                outcome = Err(trouble);
            }
        }
        outcome
    }

    async fn update(&self, post: &Post, shown: &slack_blocks::Shown<'_>) -> Result<(), Trouble> {
        let body = json!({
            "channel": post.conversation,
            "ts": post.ts,
            "text": shown.fallback(),
            "blocks": shown.blocks(self.options.has_buttons && shown.status != IncidentStatus::Resolved),
        });
        self.call("chat.update", &body).await.map(drop)
    }

    /// Tells one person alone, in the conversation where they pressed a button.
    ///
    /// # Errors
    /// What Slack said.
    pub async fn whisper(&self, conversation: &str, member: &str, text: &str) -> Result<(), Trouble> {
        let body = json!({ "channel": conversation, "user": member, "text": text });
        self.call("chat.postEphemeral", &body).await.map(drop)
    }

    async fn deliver(&self, message: &Message) -> Result<Taken, Trouble> {
        let address = message.contact.address.as_str();
        if !message.asks() {
            let said = self.post(address, slack_blocks::told(message), None).await?;
            return Ok(Taken::with(format!("ok {} {}", said.channel, said.ts)));
        }
        let [item] = message.items.as_slice() else {
            let said = self.post(address, slack_blocks::digest(message, self.options.has_buttons), None).await?;
            return Ok(Taken::with(format!("ok {} {}", said.channel, said.ts)));
        };
        let shown = slack_blocks::Shown::paged(message, item);
        let known = self.posts_of(item.incident).into_iter().find(|(to, _)| to == address);
        if let Some((_, post)) = known {
            // This person's conversation alone: another one's trouble is none of this page's.
            match self.update(&post, &shown).await {
                Ok(()) => {
                    // An update is silent; a reply beneath it is not.
                    let reply = slack_blocks::again(message, item);
                    let said = self.post(&post.conversation, reply, Some(&post.ts)).await?;
                    let detail = format!("ok {} {}", said.channel, said.ts);
                    return Ok(Taken { detail, reference: post.reference(address) });
                }
                // Somebody deleted it: it is posted anew.
                Err(trouble) if trouble.permanent => self.forget_post(item.incident, address),
                Err(trouble) => return Err(trouble),
            }
        }
        let body = json!({ "text": shown.fallback(), "blocks": shown.blocks(self.options.has_buttons) });
        let said = self.post(address, body, None).await?;
        let post = Post { conversation: said.channel, ts: said.ts };
        let detail = format!("ok {} {}", post.conversation, post.ts);
        let reference = post.reference(address);
        self.remember(address, item.incident, post);
        Ok(Taken { detail, reference })
    }

    async fn post(&self, to: &str, mut body: Value, thread: Option<&str>) -> Result<Said, Trouble> {
        body["channel"] = json!(to);
        body["unfurl_links"] = json!(false);
        if let Some(ts) = thread {
            body["thread_ts"] = json!(ts);
        }
        self.call("chat.postMessage", &body).await
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Said, Trouble> {
        let url = format!("{}/{method}", self.options.base_url);
        let call = Call::post(url, "application/json; charset=utf-8", body.to_string())
            .header("authorization", format!("Bearer {}", self.options.bot_token))
            .within(self.options.timeout);
        let answer = http::send(&self.egress, call).await?;
        if !answer.is_success() {
            return Err(answer.trouble());
        }
        let said: Said = serde_json::from_slice(&answer.body)
            .map_err(|_| Trouble::for_now(format!("not an answer of Slack: {}", answer.words())))?;
        if said.ok {
            return Ok(said);
        }
        let error = said.error.as_str();
        let permanent = OF_THE_ADDRESS.contains(&error) || OF_THE_MESSAGE.contains(&error);
        Err(Trouble { permanent, detail: format!("{method}: {}", text::shortened(&said.error, 100)), rest: None })
    }
}

impl Provider for Slack {
    fn name(&self) -> &str {
        "slack"
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

/// Whether a request is Slack's: `v0=` and the HMAC-SHA256 of `v0:timestamp:body`, not older than five minutes.
/// Source: Slack, "Verifying requests from Slack".
pub fn is_signed(secret: &str, timestamp: &str, body: &[u8], signature: &str, now_seconds: i64) -> bool {
    let Ok(at) = timestamp.parse::<i64>() else { return false };
    if now_seconds.abs_diff(at) > CLOCK_SECONDS_MAX.unsigned_abs() {
        return false;
    }
    let Some(tag) = signature.strip_prefix("v0=").and_then(unhex) else { return false };
    let mut text = format!("v0:{timestamp}:").into_bytes();
    text.extend_from_slice(body);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, &text, &tag).is_ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
