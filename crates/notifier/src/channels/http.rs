//! Asking a provider over HTTP, and what its status means.

use std::time::Duration;

use bytes::Bytes;

use super::provider::Trouble;
use crate::egress::{Cause, Egress, HeaderMap, Method, Request};

/// Longest part of an answer that is told on, in characters. Source: ours; a provider's error page can be long.
const TOLD_CHARS_MAX: usize = 200;

pub(super) struct Call {
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    timeout: Duration,
    trusted: bool,
}

impl Call {
    /// A POST to an address that the operator configured.
    pub(super) fn post(url: String, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { url, headers, body: body.into(), timeout: Duration::from_secs(10), trusted: true }
    }

    /// A user gave the address: it is judged before anything leaves.
    pub(super) fn guarded(mut self) -> Self {
        self.trusted = false;
        self
    }

    /// Names are in lower case.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// One exchange. Whatever its status, an answer is an answer.
pub(super) async fn send(egress: &Egress, call: Call) -> Result<Answer, Trouble> {
    let mut headers = HeaderMap::new();
    for (name, value) in call.headers {
        let value =
            value.parse().map_err(|_| Trouble::for_good(format!("{name} cannot be sent: it holds a line break")))?;
        headers.insert(name, value);
    }
    let Call { url, body, timeout, trusted, .. } = call;
    let answer = egress.send(Request { method: Method::POST, url, headers, body, timeout, trusted }).await;
    let answer = answer.map_err(|error| Trouble {
        // What an operator wrote an operator can mend; a user's address that may not be reached stays so.
        permanent: error.permanent && error.cause == Cause::Refused && !trusted,
        detail: error.detail,
        rest: None,
    })?;
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    Ok(Answer {
        status: answer.status.as_u16(),
        location: text("location").map(str::to_owned),
        retry_after: text("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
        body: answer.body,
    })
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    pub(super) location: Option<String>,
    retry_after: Option<Duration>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The status and the beginning of the body.
    pub(super) fn words(&self) -> String {
        let text = super::text::one_line(&String::from_utf8_lossy(&self.body));
        let text = super::text::shortened(&text, TOLD_CHARS_MAX);
        if text.is_empty() { self.status.to_string() } else { format!("{} {text}", self.status) }
    }

    /// A failure as the status alone tells it: tried again, for whatever is wrong an operator can mend.
    pub(super) fn trouble(&self) -> Trouble {
        let asks = self.status == 429 || self.status == 503;
        Trouble { permanent: false, detail: self.words(), rest: self.retry_after.filter(|_| asks) }
    }
}
