//! How people are reached, as configured: what belongs together is checked to be there together.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use campanile_notifier::channels::Encryption;

use super::resolve::Resolved;

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    /// `host:port`; resolved when it is bound.
    pub listen: String,
    /// `None`: nothing listens, and messages name no way to answer.
    pub public_url: Option<String>,
    pub secret: Option<Hidden>,
    pub timeout: Duration,
    pub mail: Vec<Mail>,
    pub twilio: Vec<Twilio>,
    pub ntfy: Option<(String, Option<Hidden>)>,
    pub web_push: Option<WebPush>,
    pub slack: Option<Slack>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub name: &'static str,
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub credentials: Option<(String, Hidden)>,
    pub from: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twilio {
    pub name: &'static str,
    pub url: String,
    pub account_sid: String,
    pub auth_token: Hidden,
    pub from: String,
    pub whatsapp_from: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebPush {
    pub private_key: Hidden,
    pub subject: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slack {
    pub url: String,
    pub bot_token: Hidden,
    pub signing_secret: Option<Hidden>,
}

impl Channels {
    pub(super) fn of(resolved: &Resolved) -> Result<Self> {
        let section = |name| Section { resolved, name };
        let callbacks = section("callbacks");
        let channels = Self {
            listen: callbacks.need("listen")?,
            public_url: callbacks.text("public_url"),
            secret: callbacks.secret("secret"),
            timeout: Duration::from_secs(section("channels").need("timeout")?.parse()?),
            mail: ["mail", "mail_backup"]
                .into_iter()
                .filter_map(|it| section(it).mail().transpose())
                .collect::<Result<_>>()?,
            twilio: ["twilio", "twilio_backup"]
                .into_iter()
                .filter_map(|it| section(it).twilio().transpose())
                .collect::<Result<_>>()?,
            ntfy: section("ntfy").text("url").map(|url| (url, section("ntfy").secret("token"))),
            web_push: section("web_push").web_push()?,
            slack: section("slack").slack()?,
        };
        if let Some(Hidden(secret)) = &channels.secret
            && secret.len() < campanile_notifier::door::SECRET_BYTES_MIN
        {
            let least = campanile_notifier::door::SECRET_BYTES_MIN;
            bail!("callbacks.secret has {} bytes; it must have at least {least}", secret.len());
        }
        Ok(channels)
    }
}

/// One section of the configuration.
#[derive(Clone, Copy)]
struct Section<'r> {
    resolved: &'r Resolved,
    name: &'static str,
}

impl Section<'_> {
    fn text(self, key: &str) -> Option<String> {
        self.resolved.text(&format!("{}.{key}", self.name)).map(str::to_owned)
    }

    fn secret(self, key: &str) -> Option<Hidden> {
        self.text(key).map(Hidden)
    }

    fn need(self, key: &str) -> Result<String> {
        self.text(key).with_context(|| format!("{}.{key} is not set", self.name))
    }

    /// Of a section that is begun, this must be there too.
    fn beside(self, key: &str, first: &str) -> Result<String> {
        self.text(key)
            .with_context(|| format!("{0}.{key} is not set, but {0}.{first} is; set both, or neither", self.name))
    }

    fn mail(self) -> Result<Option<Mail>> {
        let Some(host) = self.text("host") else { return Ok(None) };
        let encryption = match self.need("encryption")?.as_str() {
            "tls" => Encryption::Tls,
            "none" => Encryption::None,
            _ => Encryption::StartTls,
        };
        let port = self.text("port").map(|port| port.parse()).transpose()?.unwrap_or(encryption.port());
        let credentials = match self.text("user") {
            Some(user) => Some((user, Hidden(self.beside("password", "user")?))),
            None => None,
        };
        Ok(Some(Mail { name: self.name, host, port, encryption, credentials, from: self.beside("from", "host")? }))
    }

    fn twilio(self) -> Result<Option<Twilio>> {
        let Some(account_sid) = self.text("account_sid") else { return Ok(None) };
        Ok(Some(Twilio {
            name: self.name,
            url: self.need("url")?,
            account_sid,
            auth_token: Hidden(self.beside("auth_token", "account_sid")?),
            from: self.beside("from", "account_sid")?,
            whatsapp_from: self.text("whatsapp_from"),
        }))
    }

    fn web_push(self) -> Result<Option<WebPush>> {
        let Some(private_key) = self.secret("private_key") else { return Ok(None) };
        let subject = self.beside("subject", "private_key")?;
        if !subject.starts_with("mailto:") && !subject.starts_with("https://") {
            bail!("web_push.subject is {subject:?}; write mailto: and an address, or an https address");
        }
        Ok(Some(WebPush { private_key, subject }))
    }

    fn slack(self) -> Result<Option<Slack>> {
        let Some(bot_token) = self.secret("bot_token") else { return Ok(None) };
        Ok(Some(Slack { url: self.need("url")?, bot_token, signing_secret: self.secret("signing_secret") }))
    }
}
