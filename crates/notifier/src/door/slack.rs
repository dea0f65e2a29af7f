//! `/slack/actions`: buttons of messages in Slack. Signed with the app's secret; believed for five minutes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use campanile_directory::Channel;
use campanile_model::{UserId, Verb};
use serde::Deserialize;

use super::page::{forbidden, page, unavailable};
use super::token::About;
use super::{Door, SlackApp};
use crate::channels::slack_is_signed;

#[derive(Deserialize)]
struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    user: Member,
    #[serde(default)]
    channel: Option<Conversation>,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Member {
    id: String,
}

#[derive(Deserialize)]
struct Conversation {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    action_ts: String,
}

pub(super) async fn actions(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(app) = &door.options.slack else { return forbidden("No Slack app is configured here.") };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (timestamp, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
    let now = door.clock.now().0.div_euclid(1000);
    if !slack_is_signed(&app.signing_secret, timestamp, &body, signature, now) {
        tracing::warn!("a button of Slack without a good signature was turned away");
        return forbidden("The signature does not fit the app's signing secret, or is older than five minutes.");
    }
    let payload = form_urlencoded::parse(&body).find(|(name, _)| name == "payload").map(|(_, value)| value);
    let interaction: Option<Interaction> = payload.and_then(|payload| serde_json::from_str(&payload).ok());
    let Some(interaction) = interaction else {
        return page(
            StatusCode::BAD_REQUEST,
            "Not an interaction",
            "The body is not what Slack sends for a button.",
            "",
        );
    };
    if interaction.kind != "block_actions" {
        return StatusCode::OK.into_response();
    }
    let Some(action) = interaction.actions.first() else { return StatusCode::OK.into_response() };
    take(&door, app, &interaction, action).await
}

async fn take(door: &Door, app: &SlackApp, interaction: &Interaction, action: &Action) -> Response {
    let member = interaction.user.id.as_str();
    let Some(verb) = verb_of(&action.action_id) else { return StatusCode::OK.into_response() };
    let Some(about) = about(&action.value) else {
        return page(
            StatusCode::BAD_REQUEST,
            "Not a button of ours",
            "Its value names no incident and no message.",
            "",
        );
    };
    let Some(user) = door.member(member) else {
        let text =
            format!("Campanile does not know you. Add a contact method of type slack with the address {member}.");
        whisper(app, interaction, &text).await;
        return StatusCode::OK.into_response();
    };
    let time: String = action.action_ts.chars().filter(char::is_ascii_digit).take(24).collect();
    let id = format!("slack-{member}-{time}");
    match door.inbox.person(id, user, about, verb).await {
        // The message itself changes when the incident does.
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            whisper(app, interaction, "Your answer could not be recorded, and nothing was done. Try again.").await;
            unavailable(&error)
        }
    }
}

async fn whisper(app: &SlackApp, interaction: &Interaction, text: &str) {
    let Some(conversation) = &interaction.channel else { return };
    if let Err(trouble) = app.slack.whisper(&conversation.id, &interaction.user.id, text).await {
        tracing::warn!(detail = trouble.detail, "Slack does not pass on a word to whoever pressed a button");
    }
}

fn verb_of(action: &str) -> Option<Verb> {
    match action {
        "acknowledge" => Some(Verb::Acknowledge),
        "resolve" => Some(Verb::Resolve),
        "escalate" => Some(Verb::RequestEscalation(None)),
        _ => None,
    }
}

/// Ids of incidents and orders look alike: `i` or `o` stands in front.
fn about(value: &str) -> Option<About> {
    match value.split_at_checked(2)? {
        ("i:", id) => id.parse().ok().map(About::Incident),
        ("o:", id) => id.parse().ok().map(About::Order),
        _ => None,
    }
}

impl Door {
    /// The user whose contact method is this member of the workspace.
    fn member(&self, member: &str) -> Option<UserId> {
        let directory = self.directory.load();
        let mut users = directory.users();
        let is_theirs = |contact: &campanile_directory::ContactMethod| {
            contact.channel == Channel::Slack && contact.address == member
        };
        users.find(|user| user.contact_methods.iter().any(is_theirs)).map(|user| user.id.clone())
    }
}
