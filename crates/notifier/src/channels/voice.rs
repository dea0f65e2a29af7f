//! Telephone calls. What is said is a document that the door serves; without a door the call brings it along and
//! nobody can press a key.

use std::sync::Arc;

use super::provider::{Provider, Sending, Taken, Trouble};
use super::text;
use super::twilio::{Account, e164};
use super::twiml;
use crate::channel::Message;
use crate::door::Links;

/// How long it rings, in seconds. Source: ours: most voice mails answer after 20 to 30 s.
const RINGS_SECONDS: u32 = 30;

pub struct Voice {
    account: Arc<Account>,
    links: Option<Links>,
}

impl Voice {
    pub fn new(account: Arc<Account>, links: Option<Links>) -> Self {
        Self { account, links }
    }

    async fn deliver(&self, message: &Message) -> Result<Taken, Trouble> {
        let form = self.form(message);
        self.account.post("Calls.json", &form).await
    }

    /// The fields of `POST Calls.json`.
    pub fn form(&self, message: &Message) -> Vec<(&'static str, String)> {
        let options = &self.account.options;
        let says = text::spoken(message);
        let mut form = vec![
            ("To", e164(&message.contact)),
            ("From", options.from.clone()),
            ("Timeout", RINGS_SECONDS.to_string()),
        ];
        match self.links.as_ref().and_then(|links| links.call(message, &says)) {
            Some(url) => {
                form.push(("Url", url));
                // So that the document knows whether a person listens.
                form.push(("MachineDetection", "Enable".to_owned()));
            }
            None => form.push(("Twiml", twiml::say_only(&says))),
        }
        if let Some(receipt) = self.links.as_ref().and_then(|links| links.receipt(message, options.name)) {
            form.push(("StatusCallback", receipt));
            form.push(("StatusCallbackEvent", "completed".to_owned()));
        }
        form
    }
}

impl Provider for Voice {
    fn name(&self) -> &str {
        self.account.options.name
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}
