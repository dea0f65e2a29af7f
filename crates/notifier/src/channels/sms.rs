//! SMS and WhatsApp.

use std::sync::Arc;

use campanile_directory::Channel;

use super::provider::{Provider, Sending, Taken, Trouble};
use super::text;
use super::twilio::{Account, e164};
use crate::channel::Message;
use crate::door::Links;

pub struct Sms {
    account: Arc<Account>,
    links: Option<Links>,
}

impl Sms {
    pub fn new(account: Arc<Account>, links: Option<Links>) -> Self {
        Self { account, links }
    }

    async fn deliver(&self, message: &Message) -> Result<Taken, Trouble> {
        let form = self.form(message)?;
        self.account.post("Messages.json", &form).await
    }

    /// The fields of `POST Messages.json`.
    ///
    /// # Errors
    /// WhatsApp without a number that it knows.
    pub fn form(&self, message: &Message) -> Result<Vec<(&'static str, String)>, Trouble> {
        let options = &self.account.options;
        let mut form = Vec::with_capacity(4);
        if message.contact.channel == Channel::WhatsApp {
            let Some(from) = &options.whatsapp_from else {
                return Err(Trouble::for_now("no WhatsApp number is configured: set whatsapp_from"));
            };
            form.push(("To", format!("whatsapp:{}", e164(&message.contact))));
            form.push(("From", format!("whatsapp:{from}")));
        } else {
            form.push(("To", e164(&message.contact)));
            let sender = if options.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
            form.push((sender, options.from.clone()));
        }
        form.push(("Body", text::sms(message, self.links.is_some())));
        if let Some(receipt) = self.links.as_ref().and_then(|links| links.receipt(message, options.name)) {
            form.push(("StatusCallback", receipt));
        }
        Ok(form)
    }
}

impl Provider for Sms {
    fn name(&self) -> &str {
        self.account.options.name
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}
