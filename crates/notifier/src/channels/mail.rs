//! Mail, over SMTP. One message has two parts, text and HTML, and the same Message-ID at every attempt.

use std::time::{Duration, UNIX_EPOCH};

use askama::Template;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::provider::{Provider, Sending, Taken, Trouble};
use super::text;
use crate::channel::{Item, Message};
use crate::door::{Links, Purpose};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// STARTTLS, and no mail without it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// In clear, for a server on this machine.
    None,
}

impl Encryption {
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

#[derive(Clone)]
pub struct MailOptions {
    /// In answers and records, to tell several apart.
    pub name: &'static str,
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// `Name <address>`, or the address alone.
    pub from: String,
    pub timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("{0:?} is no sender; write an address, or Name <address>")]
    Sender(String),
    #[error("TLS to {host} cannot be prepared: {reason}")]
    Tls { host: String, reason: String },
}

pub struct Mail {
    name: &'static str,
    from: Mailbox,
    links: Option<Links>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Mail {
    /// A client that connects with the first message. Without `links` a mail names no way to answer.
    ///
    /// # Errors
    /// [`MailError`], to be shown to whoever wrote the configuration.
    pub fn new(options: MailOptions, links: Option<Links>) -> Result<Self, MailError> {
        let from: Mailbox = options.from.parse().map_err(|_| MailError::Sender(options.from.clone()))?;
        let host = options.host;
        let parameters = || {
            TlsParameters::new(host.clone())
                .map_err(|error| MailError::Tls { host: host.clone(), reason: error.to_string() })
        };
        let tls = match options.encryption {
            Encryption::StartTls => Tls::Required(parameters()?),
            Encryption::Tls => Tls::Wrapper(parameters()?),
            Encryption::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)
            .port(options.port)
            .tls(tls)
            .timeout(Some(options.timeout));
        if let Some((user, password)) = options.credentials {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self { name: options.name, from, links, transport: builder.build() })
    }

    async fn deliver(&self, message: &Message) -> Result<Taken, Trouble> {
        let mail = compose(message, &self.from, self.links.as_ref()).map_err(Trouble::for_good)?;
        let response = self.transport.send(mail).await.map_err(|error| Trouble {
            permanent: is_permanent(&error),
            detail: told(&error),
            rest: None,
        })?;
        let words: Vec<_> = response.message().collect();
        Ok(Taken::with(format!("{} {}", response.code(), words.join(" "))))
    }
}

impl Provider for Mail {
    fn name(&self) -> &str {
        self.name
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

/// Whether another attempt, or another server, would hear the same: the mailbox is what is refused. An operator mends
/// a wrong password, so that one is not permanent for the page.
fn is_permanent(error: &lettre::transport::smtp::Error) -> bool {
    let Some(code) = error.status() else { return false };
    // Source: RFC 5321, 4.2.3: no such mailbox, not local, over its quota for good, mailbox name not allowed, unknown
    // parameters of an address.
    matches!(u16::from(code), 550 | 551 | 552 | 553 | 555)
}

/// With what caused it: a refused connection says so only in its source.
fn told(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

struct Row {
    number: String,
    title: String,
    service: String,
    urgency: &'static str,
    colour: &'static str,
    at: String,
    url: String,
    remark: &'static str,
    acknowledge: String,
    resolve: String,
    escalate: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    headline: &'a str,
    name: &'a str,
    opening: &'a str,
    statement: &'a str,
    rows: &'a [Row],
    all: &'a str,
    has_links: bool,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Plain<'a> {
    name: &'a str,
    opening: &'a str,
    statement: &'a str,
    rows: &'a [Row],
    all: &'a str,
    has_links: bool,
}

fn row(message: &Message, item: &Item, links: Option<&Links>) -> Row {
    let link = |purpose| links.and_then(|links| links.answer(message, item, purpose)).unwrap_or_default();
    let is_high = item.urgency == campanile_model::Urgency::High;
    Row {
        number: text::number(item.incident),
        title: text::one_line(&item.title),
        service: text::one_line(&item.service),
        urgency: item.urgency.as_str(),
        colour: if is_high { "#c01c28" } else { "#e5a50a" },
        at: item.at.rfc3339_seconds().to_string(),
        url: item.html_url.clone(),
        remark: text::remark(item).unwrap_or_default(),
        acknowledge: link(Purpose::Acknowledge),
        resolve: link(Purpose::Resolve),
        escalate: link(Purpose::Escalate),
    }
}

/// The whole mail.
///
/// Errors: an address that cannot be one, in words.
pub fn compose(message: &Message, from: &Mailbox, links: Option<&Links>) -> Result<lettre::Message, String> {
    let address: Address = message.contact.address.parse().map_err(|error| {
        let address = message.contact.address.as_str();
        format!("{address:?} is no mail address: {error}")
    })?;
    let name = text::one_line(&message.recipient.name);
    let domain = from.email.domain();
    let told_at = message.handoff.as_ref().map(|it| it.told_at.0);
    let newest = message.items.iter().map(|item| item.at.0).chain(told_at).max().unwrap_or(0).max(0).unsigned_abs();
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(Some(name.clone()), address))
        .date(UNIX_EPOCH + Duration::from_millis(newest))
        .message_id(Some(format!("<{:032x}@{domain}>", message.idempotency_key)))
        .subject(text::subject(message))
        // RFC 3834: no automatic answers to this.
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Auto-Response-Suppress", "All"));
    if let (Some(_), [item]) = (message.order, message.items.as_slice()) {
        // Nothing has this id, but mail programs thread by it: the pages of an incident stand together.
        builder = builder.references(format!("<{}@{domain}>", item.incident));
    }
    if text::is_high(message) {
        builder = builder.raw_header(raw("Importance", "high")).raw_header(raw("X-Priority", "1"));
    }
    let (html, plain) =
        bodies(message, &name, links).map_err(|error| format!("the mail cannot be written: {error}"))?;
    let parts = MultiPart::alternative()
        .boundary(format!("campanile-{:032x}", message.idempotency_key))
        .singlepart(part(ContentType::TEXT_PLAIN, plain))
        .singlepart(part(ContentType::TEXT_HTML, html));
    builder.multipart(parts).map_err(|error| format!("the mail cannot be composed: {error}"))
}

fn part(kind: ContentType, body: String) -> SinglePart {
    SinglePart::builder().header(kind).body(body)
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn bodies(message: &Message, name: &str, links: Option<&Links>) -> askama::Result<(String, String)> {
    let statement = if message.asks() { String::new() } else { text::statement(message) };
    let rows: Vec<_> = message.items.iter().map(|item| row(message, item, links)).collect();
    let has_several = rows.len() > 1;
    let opening = match rows.len() {
        1 => "an incident is triggered and assigned to you:".to_owned(),
        many => format!("{many} triggered incidents are assigned to you:"),
    };
    let all = links.filter(|_| has_several).and_then(|links| links.answer_all(message, Purpose::Acknowledge));
    let all = all.unwrap_or_default();
    let has_links = links.is_some() && message.asks();
    let headline = text::headline(message);
    let html =
        Html { headline: &headline, name, opening: &opening, statement: &statement, rows: &rows, all: &all, has_links };
    let plain = Plain { name, opening: &opening, statement: &statement, rows: &rows, all: &all, has_links };
    Ok((html.render()?, plain.render()?))
}
