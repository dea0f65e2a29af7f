//! Web Push: to a browser, or the page that somebody installed from it, through the push service of its maker.
//!
//! The address is the subscription as the browser gives it, `PushSubscription.toJSON()`:
//! `{"endpoint":"https://…","keys":{"p256dh":"…","auth":"…"}}`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use campanile_clock::Clock;
use p256::{PublicKey, SecretKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{self, Call};
use super::provider::{Provider, Sending, Taken, Trouble};
use super::sealed_push::{Fresh, Keys, PLAIN_BYTES_MAX, seal};
use super::text;
use super::vapid::Vapid;
use crate::channel::Message;
use crate::door::{Links, Purpose};
use crate::egress::Egress;

/// How long the push service keeps a message for a browser that is away, in seconds. Source: ours: a page of an hour
/// ago has been escalated long since.
const TTL_SECONDS: u32 = 3600;
/// Bytes of the browser's own secret. Source: RFC 8291, section 3.2.
const AUTH_BYTES: usize = 16;

#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    keys: SubscriptionKeys,
}

#[derive(Deserialize)]
struct SubscriptionKeys {
    p256dh: String,
    auth: String,
}

pub struct WebPush {
    vapid: Vapid,
    egress: Egress,
    links: Option<Links>,
    clock: Arc<dyn Clock>,
    random: SystemRandom,
    timeout: Duration,
}

impl WebPush {
    pub fn new(vapid: Vapid, egress: Egress, links: Option<Links>, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self { vapid, egress, links, clock, random: SystemRandom::new(), timeout }
    }

    async fn deliver(&self, message: &Message) -> Result<Taken, Trouble> {
        let (endpoint, keys) = subscription(&message.contact.address).map_err(Trouble::for_good)?;
        let fresh = self.fresh().ok_or_else(|| Trouble::for_now("the system gives no random bytes"))?;
        let plain = payload(message, self.links.as_ref()).to_string();
        let body = seal(plain.as_bytes(), &keys, &fresh)
            .ok_or_else(|| Trouble::for_good(format!("a push of {} bytes exceeds {PLAIN_BYTES_MAX}", plain.len())))?;
        let authorization = self.vapid.authorization(&endpoint, self.clock.now()).map_err(Trouble::for_good)?;
        let call = Call::post(endpoint, "application/octet-stream", body)
            .guarded()
            .header("content-encoding", "aes128gcm")
            .header("ttl", TTL_SECONDS.to_string())
            .header("urgency", if text::is_high(message) { "high" } else { "normal" })
            // One that is sent again replaces the first while that still waits.
            .header("topic", URL_SAFE_NO_PAD.encode(message.idempotency_key.to_be_bytes()))
            .header("authorization", authorization)
            .within(self.timeout);
        let answer = http::send(&self.egress, call).await?;
        if answer.is_success() {
            return Ok(Taken::with(match &answer.location {
                Some(location) => format!("{} {location}", answer.status),
                None => answer.words(),
            }));
        }
        let mut trouble = answer.trouble();
        // The subscription is over. Source: RFC 8030, 7.3 and 8.3; push services use both.
        trouble.permanent = matches!(answer.status, 404 | 410);
        Err(trouble)
    }

    fn fresh(&self) -> Option<Fresh> {
        let (mut salt, mut secret) = ([0; 16], [0; 32]);
        self.random.fill(&mut salt).ok()?;
        // One draw in 2^32 is no key of the curve.
        for _ in 0..4 {
            self.random.fill(&mut secret).ok()?;
            if let Ok(secret) = SecretKey::from_slice(&secret) {
                return Some(Fresh { secret, salt });
            }
        }
        None
    }
}

/// Endpoint and keys of a subscription.
fn subscription(address: &str) -> Result<(String, Keys), String> {
    let read: Subscription = serde_json::from_str(address)
        .map_err(|error| format!("the address is no push subscription: {error}; write what toJSON() gives"))?;
    let bytes = |name: &str, text: &str| {
        URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|error| format!("{name} is no base64url: {error}"))
    };
    let public = PublicKey::from_sec1_bytes(&bytes("p256dh", &read.keys.p256dh)?)
        .map_err(|_| "p256dh is no point of P-256".to_owned())?;
    let auth = bytes("auth", &read.keys.auth)?;
    if auth.len() != AUTH_BYTES {
        return Err(format!("auth has {} bytes, expected {AUTH_BYTES}", auth.len()));
    }
    Ok((read.endpoint, Keys { public, auth }))
}

/// What the page's service worker is given. Its links take a POST and ask nothing more: the button was the question.
pub fn payload(message: &Message, links: Option<&Links>) -> Value {
    let link = |purpose| links.and_then(|links| links.answer_all(message, purpose));
    json!({
        "v": 1,
        // Every character may be escaped to two: both parts fit beside the links all the same.
        "title": text::fitting(&text::headline(message), 400),
        "body": if !message.asks() { text::said(message) } else { text::fitting(&text::lines(message), 800) },
        "urgency": if text::is_high(message) { "high" } else { "low" },
        "tag": format!("{:032x}", message.idempotency_key),
        "url": message.items.first().map(|item| &item.html_url),
        "incidents": message.items.iter().take(text::LISTED_MAX).map(|item| item.incident.to_string()).collect::<Vec<_>>(),
        "acknowledge": link(Purpose::Acknowledge),
        "resolve": link(Purpose::Resolve),
    })
}

impl Provider for WebPush {
    fn name(&self) -> &str {
        "web-push"
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}
