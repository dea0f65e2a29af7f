//! From what the operator configured to channels that work.

use std::sync::Arc;
use std::time::Duration;

use campanile_clock::Clock;
use campanile_directory::Channel as Kind;

use super::Channels;
use super::mail::{Mail, MailError, MailOptions};
use super::ntfy::{Ntfy, NtfyOptions};
use super::provider::{Chain, Provider};
use super::slack::{Slack, SlackOptions};
use super::sms::Sms;
use super::teams::Teams;
use super::twilio::{Account, TwilioOptions};
use super::vapid::{KeyError, Vapid};
use super::voice::Voice;
use super::web_push::WebPush;
use crate::door::Links;
use crate::egress::Egress;

/// Added to a provider's own time-out, so that the more telling of the two ends it.
const GRACE: Duration = Duration::from_secs(1);

pub struct WebPushOptions {
    /// 32 bytes in base64url.
    pub private_key: String,
    /// `mailto:…` or `https://…`.
    pub subject: String,
}

pub struct ChannelOptions {
    /// In the order in which they are asked.
    pub mail: Vec<MailOptions>,
    pub twilio: Vec<TwilioOptions>,
    pub ntfy: Option<NtfyOptions>,
    pub web_push: Option<WebPushOptions>,
    pub slack: Option<SlackOptions>,
    /// Longest wait for one provider. Default 10 s: with two of them a page leaves within 20 s.
    pub timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("[mail]: {0}")]
    Mail(#[from] MailError),
    #[error("web_push.private_key: {0}")]
    Key(#[from] KeyError),
}

pub struct Built {
    pub channels: Channels,
    /// Whoever hears of incidents updates its messages.
    pub slack: Option<Arc<Slack>>,
    /// What browsers subscribe with.
    pub push_public_key: Option<String>,
}

/// Channels as configured. Without `links` messages name no way to answer.
///
/// # Errors
/// A value that no channel can be made from.
pub fn build(
    options: ChannelOptions,
    egress: &Egress,
    links: Option<&Links>,
    clock: &Arc<dyn Clock>,
) -> Result<Built, SetupError> {
    let (timeout, links) = (options.timeout, links.cloned());
    let chain = |providers: Vec<Arc<dyn Provider>>| Arc::new(Chain::new(providers, clock.clone(), timeout + GRACE));
    let mut channels = Channels::default();

    let mail = options.mail.into_iter().map(|it| Mail::new(it, links.clone()).map(|mail| Arc::new(mail) as _));
    let mail = mail.collect::<Result<Vec<Arc<dyn Provider>>, MailError>>()?;
    if !mail.is_empty() {
        channels = channels.with(Kind::Email, chain(mail));
    }
    let accounts: Vec<_> = options.twilio.into_iter().map(|it| Arc::new(Account::new(it, egress.clone()))).collect();
    if !accounts.is_empty() {
        let sms = || accounts.iter().map(|it| Arc::new(Sms::new(it.clone(), links.clone())) as _).collect();
        let voice = accounts.iter().map(|it| Arc::new(Voice::new(it.clone(), links.clone())) as _).collect();
        channels = channels.with(Kind::Sms, chain(sms())).with(Kind::Phone, chain(voice));
        if accounts.iter().any(|it| it.options.whatsapp_from.is_some()) {
            channels = channels.with(Kind::WhatsApp, chain(sms()));
        }
    }
    if let Some(ntfy) = options.ntfy {
        let ntfy = Ntfy::new(ntfy, egress.clone(), links.clone());
        channels = channels.with(Kind::Ntfy, chain(vec![Arc::new(ntfy)]));
    }
    let mut push_public_key = None;
    if let Some(push) = options.web_push {
        let vapid = Vapid::new(&push.private_key, &push.subject)?;
        push_public_key = Some(vapid.public_key().to_owned());
        let push = WebPush::new(vapid, egress.clone(), links.clone(), clock.clone(), timeout);
        channels = channels.with(Kind::Push, chain(vec![Arc::new(push)]));
    }
    // Its buttons reach us only where answers come in.
    let slack = options.slack.map(|it| SlackOptions { has_buttons: it.has_buttons && links.is_some(), ..it });
    let slack = slack.map(|it| Arc::new(Slack::new(it, egress.clone())));
    if let Some(slack) = &slack {
        channels = channels.with(Kind::Slack, chain(vec![slack.clone()]));
    }
    // A workflow's URL is all that it takes.
    let teams = Teams::new(egress.clone(), links, timeout);
    channels = channels.with(Kind::Teams, chain(vec![Arc::new(teams)]));
    Ok(Built { channels, slack, push_public_key })
}
