//! Where the door is, from outside, and the links into it that messages carry.

use campanile_model::Timestamp;

use super::token::{About, Grant, LIFE, Purpose, Signer};
use crate::channel::{Item, Message};

#[derive(Clone)]
pub struct Links {
    /// As the world reaches the door, without a slash at the end.
    base: String,
    signer: Signer,
}

impl Links {
    pub fn new(base: &str, signer: Signer) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), signer }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// A page that asks whether to do it, of one incident. A test's incident cannot be answered.
    pub fn answer(&self, message: &Message, item: &Item, purpose: Purpose) -> Option<String> {
        message.asks().then_some(())?;
        Some(self.link("answer", message, purpose, About::Incident(item.incident), String::new()))
    }

    /// The same, of everything in the message.
    pub fn answer_all(&self, message: &Message, purpose: Purpose) -> Option<String> {
        let about = of_all(message)?;
        Some(self.link("answer", message, purpose, about, String::new()))
    }

    /// Where a provider tells what became of the message.
    pub fn receipt(&self, message: &Message, provider: &str) -> Option<String> {
        let about = About::Order(message.order?);
        Some(self.link("twilio/receipt", message, Purpose::Receipt, about, provider.to_owned()))
    }

    /// Where a call asks what it shall say.
    pub fn call(&self, message: &Message, says: &str) -> Option<String> {
        let about = of_all(message)?;
        Some(self.link("twilio/call", message, Purpose::Call, about, says.to_owned()))
    }

    fn link(&self, path: &str, message: &Message, purpose: Purpose, about: About, note: String) -> String {
        let grant = Grant { purpose, about, user: message.recipient.id.clone(), expires: expires(message), note };
        format!("{}/{path}/{}", self.base, self.signer.sign(&grant))
    }
}

/// Everything in the message; a test has nothing to answer.
fn of_all(message: &Message) -> Option<About> {
    let order = message.order.filter(|_| message.asks())?;
    Some(match message.items.as_slice() {
        [item] => About::Incident(item.incident),
        _ => About::Order(order),
    })
}

/// From the page's own time, not from now: every attempt is the same message.
fn expires(message: &Message) -> Timestamp {
    let newest = message.items.iter().map(|item| item.at).max().unwrap_or(Timestamp(0));
    newest + LIFE
}
