//! The channels there are: one file each, and the table that says which of them carries what.

mod board;
mod http;
mod mail;
mod ntfy;
mod provider;
mod sealed_push;
mod setup;
mod slack;
mod slack_blocks;
mod sms;
mod teams;
mod terminal;
pub mod text;
pub mod twilio;
pub mod twiml;
mod vapid;
mod voice;
mod web_push;

use std::collections::HashMap;
use std::sync::Arc;

use campanile_directory::Channel as Kind;

use crate::channel::Channel;

pub use board::Board;
pub use mail::{Encryption, Mail, MailError, MailOptions, compose as compose_mail};
pub use ntfy::{Ntfy, NtfyOptions, body as ntfy_body};
pub use provider::{Chain, Provider, Sending, Taken, Trouble};
pub use sealed_push::{Fresh, Keys, PLAIN_BYTES_MAX, seal};
pub use setup::{Built, ChannelOptions, SetupError, WebPushOptions, build};
pub use slack::{CLOCK_SECONDS_MAX, Slack, SlackOptions, is_signed as slack_is_signed};
pub use slack_blocks::Shown;
pub use sms::Sms;
pub use teams::{Teams, card as teams_card};
pub use terminal::{Sink, Terminal};
pub use twilio::TwilioOptions;
pub use vapid::{KeyError, Vapid};
pub use voice::Voice;
pub use web_push::{WebPush, payload as push_payload};

/// Which channel carries which kind of contact method. What has none here is
/// refused in words and tried again: another process, or the next start, may have it.
#[derive(Clone, Default)]
pub struct Channels(HashMap<Kind, Arc<dyn Channel>>);

impl Channels {
    #[must_use]
    pub fn with(mut self, kind: Kind, channel: Arc<dyn Channel>) -> Self {
        self.0.insert(kind, channel);
        self
    }

    pub fn of(&self, kind: Kind) -> Option<&Arc<dyn Channel>> {
        self.0.get(&kind)
    }

    /// The kinds that are carried, in the order of the directory.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        Kind::ALL.into_iter().filter(|kind| self.0.contains_key(kind))
    }
}
