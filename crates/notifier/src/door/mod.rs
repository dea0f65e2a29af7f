//! Where answers come in: links of mails, keys and replies of telephones, buttons of chats, receipts of providers.
//!
//! ```text
//!  browser, ntfy ── /answer/TOKEN ────────┐
//!  Twilio ── /twilio/{sms,receipt,call} ──┼─► who is it? what do they want? ─► campanile.answers
//!  Slack ── /slack/actions ───────────────┘
//! ```
//!
//! The door decides nothing about incidents and keeps nothing. Every answer has an id that its request gives again when
//! it is repeated, and the processor knows ids for a day: a replayed request does nothing new.

mod answer_page;
mod inbox;
mod links;
mod page;
mod recall;
mod serve;
mod slack;
mod token;
mod twilio;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use campanile_clock::Clock;
use campanile_directory::Snapshot;
use campanile_ledger::Appender;
use campanile_model::LedgerId;

pub use inbox::{Inbox, InboxError};
pub use links::Links;
pub(crate) use recall::first_since;
pub use recall::{Reading, Recall};
pub use serve::{Handle, ServeOptions, Service};
pub use token::{About, Checked, Grant, LIFE, Purpose, SECRET_BYTES_MIN, Signer, TOKEN_CHARS_MAX, TokenError};

use crate::channels::Slack;

/// Largest body, in bytes. Source: ours; Slack's largest interaction is a tenth of it.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// An account whose callbacks are believed.
#[derive(Clone)]
pub struct TwilioAccount {
    pub sid: String,
    pub auth_token: String,
}

/// The app whose buttons are believed.
#[derive(Clone)]
pub struct SlackApp {
    pub signing_secret: String,
    /// Whoever presses a button and is unknown is told so there.
    pub slack: Arc<Slack>,
}

pub struct DoorOptions {
    pub links: Links,
    pub ledger: LedgerId,
    pub twilio: Vec<TwilioAccount>,
    pub slack: Option<SlackApp>,
}

/// What every request is answered from.
pub struct Door {
    options: DoorOptions,
    inbox: Inbox,
    directory: Arc<ArcSwap<Snapshot>>,
    recall: Arc<Recall>,
    clock: Arc<dyn Clock>,
}

impl Door {
    pub fn new(
        options: DoorOptions,
        appender: Arc<dyn Appender>,
        directory: Arc<ArcSwap<Snapshot>>,
        recall: Arc<Recall>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { options, inbox: Inbox::new(appender), directory, recall, clock }
    }

    /// Every path of the door.
    pub fn router(self) -> Router {
        Router::new()
            .route("/", get(page::front))
            .route("/answer/{token}", get(answer_page::ask).post(answer_page::take))
            .route("/twilio/sms", post(twilio::sms))
            .route("/twilio/receipt/{token}", post(twilio::receipt))
            .route("/twilio/call/{token}", post(twilio::call))
            .route("/twilio/call/{token}/key", post(twilio::key))
            .route("/slack/actions", post(slack::actions))
            .fallback(page::not_found)
            .method_not_allowed_fallback(page::method_not_allowed)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::new(self))
    }
}
