//! One attempt: the request as PagerDuty makes it, and what the receiver's answer means.

use std::time::{Duration, Instant};

use bytes::Bytes;
use campanile_directory::Subscription;
use campanile_model::Timestamp;
use campanile_pagerduty::webhooks_v3::payload::{Event, event_id};
use campanile_pagerduty::webhooks_v3::{USER_AGENT, signature};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT as USER_AGENT_NAME};

use crate::egress::{Egress, HeaderMap, Method, Request};

/// What an attempt came to.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) verdict: Verdict,
    /// Status line or failure, for people; never a word of the body.
    pub(crate) detail: String,
    pub(crate) took: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// It may go better later.
    Failed,
    /// It will not, until somebody changes something.
    Refused,
}

/// The id that is the same over all attempts to tell one subscriber of one event.
pub(crate) fn webhook_id(subscription: &Subscription, event: &Event, at: Timestamp) -> String {
    event_id(at.0, &format!("{}/{}", subscription.id, event.id))
}

/// Sends an event and judges the answer. Source of the verdicts: PagerDuty, Webhooks v3, "Behavior".
pub(crate) async fn attempt(
    egress: &Egress,
    subscription: &Subscription,
    event: &Event,
    (at, now): (Timestamp, Timestamp),
    public_url: &str,
    timeout: Duration,
) -> Attempt {
    let began = Instant::now();
    let body = event.body(public_url);
    let headers = headers(subscription, &webhook_id(subscription, event, at), &body, now);
    let request = Request {
        method: Method::POST,
        url: subscription.url.clone(),
        headers,
        body: Bytes::from(body),
        timeout,
        trusted: false,
    };
    let answer = egress.send(request).await;
    let took = began.elapsed();
    let (verdict, detail) = match answer {
        Ok(answer) => {
            let status = answer.status;
            let verdict = match status.as_u16() {
                200..=299 => Verdict::Delivered,
                429 | 500..=599 => Verdict::Failed,
                _ => Verdict::Refused,
            };
            (verdict, status.to_string())
        }
        Err(error) => (if error.permanent { Verdict::Refused } else { Verdict::Failed }, error.detail),
    };
    Attempt { verdict, detail, took }
}

fn headers(subscription: &Subscription, webhook_id: &str, body: &[u8], now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT_NAME, HeaderValue::from_static(USER_AGENT));
    let mut put = |name: &str, value: &str| {
        // The directory has checked names and values; what a header cannot carry all the same is left out.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    put("x-webhook-id", webhook_id);
    put("x-webhook-subscription", subscription.id.as_str());
    put(signature::HEADER, &signature::sign(subscription.secrets_at(now), body));
    for header in &subscription.headers {
        put(&header.name, &header.value.0);
    }
    headers
}
