//! The form API of 2010-04-01, which Twilio speaks and others after it, such as SignalWire under
//! `https://SPACE.signalwire.com/api/laml`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use campanile_directory::ContactMethod;
use ring::hmac;
use serde::Deserialize;

use super::http::{self, Call};
use super::provider::{Taken, Trouble};
use crate::egress::Egress;

#[derive(Clone, PartialEq, Eq)]
pub struct TwilioOptions {
    /// In answers and records, to tell several apart.
    pub name: &'static str,
    /// Without a slash at the end.
    pub base_url: String,
    pub account_sid: String,
    pub auth_token: String,
    /// The number that messages and calls come from, as E.164 writes it; or a messaging service, `MG…`, for messages.
    pub from: String,
    /// The number that WhatsApp knows; none: no WhatsApp.
    pub whatsapp_from: Option<String>,
    pub timeout: Duration,
}

/// One account, and how to ask it.
pub struct Account {
    pub(super) options: TwilioOptions,
    egress: Egress,
}

#[derive(Deserialize)]
struct Made {
    sid: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    message: String,
}

/// Errors that are the number's own: no account and no other attempt would reach it. Source: Twilio's dictionary of
/// errors. 21211 and 13224 no such number, 21214 unreachable, 21217 not as E.164, 21219 and 21608 unverified on a trial,
/// 21610 told us to stop, 21614 no mobile, 21635 a landline, 63024 no such WhatsApp recipient.
const OF_THE_NUMBER: [u32; 10] = [13224, 21211, 21214, 21217, 21219, 21608, 21610, 21614, 21635, 63024];

/// A number as E.164 writes it.
pub fn e164(contact: &ContactMethod) -> String {
    format!("+{}{}", contact.country_code, contact.address)
}

impl Account {
    pub fn new(options: TwilioOptions, egress: Egress) -> Self {
        Self { options, egress }
    }

    /// Posts a form to a resource of the account, such as `Messages.json`.
    pub(super) async fn post(&self, resource: &str, form: &[(&str, String)]) -> Result<Taken, Trouble> {
        let TwilioOptions { base_url, account_sid, auth_token, timeout, .. } = &self.options;
        let url = format!("{base_url}/2010-04-01/Accounts/{account_sid}/{resource}");
        let credentials = STANDARD.encode(format!("{account_sid}:{auth_token}"));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let call = Call::post(url, "application/x-www-form-urlencoded", body)
            .header("authorization", format!("Basic {credentials}"))
            .within(*timeout);
        let answer = http::send(&self.egress, call).await?;
        if answer.is_success() {
            let made: Made = serde_json::from_slice(&answer.body).map_err(|_| {
                Trouble::for_now(format!("{} without a sid, nobody knows whether it was taken", answer.status))
            })?;
            return Ok(Taken::with(format!("{} {} {}", answer.status, made.sid, made.status).trim_end().to_owned()));
        }
        let mut trouble = answer.trouble();
        if let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) {
            trouble.permanent = OF_THE_NUMBER.contains(&problem.code);
            trouble.detail = format!("{} {} {}", answer.status, problem.code, problem.message);
        }
        Err(trouble)
    }
}

/// What stands in `X-Twilio-Signature`: the URL as it was asked, then name and value of every field by name, under the
/// account's token. Source: Twilio, "Validating requests".
pub fn signature(auth_token: &str, url: &str, fields: &[(String, String)]) -> String {
    STANDARD.encode(hmac::sign(&key(auth_token), &signed(url, fields)))
}

/// Whether the signature is the one; in constant time.
pub fn is_signed(auth_token: &str, url: &str, fields: &[(String, String)], signature: &str) -> bool {
    let Ok(tag) = STANDARD.decode(signature) else { return false };
    hmac::verify(&key(auth_token), &signed(url, fields), &tag).is_ok()
}

fn key(auth_token: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes())
}

fn signed(url: &str, fields: &[(String, String)]) -> Vec<u8> {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort();
    // Twilio's own libraries take a field that comes twice with one value once.
    sorted.dedup();
    let mut text = url.to_owned();
    for (name, value) in sorted {
        text.push_str(name);
        text.push_str(value);
    }
    text.into_bytes()
}
