//! Answers of the gateway. PagerDuty's own are in `pagerduty::events_v2::answer`; those here are for what it leaves
//! open, in the same three keys, because clients read `status`, `message` and `errors` of whatever is not a 202.

use std::time::Duration;

use bytes::Bytes;
use campanile_pagerduty::events_v2::answer as events_v2;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

pub(crate) type Answer = Response<Full<Bytes>>;

/// What a client is asked to wait after a 503, in seconds. Ours: a full disk takes longer, a restart does not.
const RETRY_AFTER_SECONDS: u64 = 5;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// Source: Prometheus, "Exposition formats", text format 0.0.4.
const EXPOSITION: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

const NOT_FOUND: &str = concat!(
    r#"{"status":"not found","message":"Nothing is served at this path","#,
    r#""errors":["Events go to POST /v2/enqueue; see also /health/live, /health/ready and /metrics"]}"#
);
const METHOD_NOT_ALLOWED: &str = concat!(
    r#"{"status":"method not allowed","message":"This path does not take this method","#,
    r#""errors":["The header 'allow' names the methods it takes"]}"#
);
const TOO_SLOW: &str = concat!(
    r#"{"status":"request timeout","message":"The body did not arrive in time","#,
    r#""errors":["The event was not stored; send it again"]}"#
);
const ENCODED: &str = concat!(
    r#"{"status":"unsupported media type","message":"Event object is encoded","#,
    r#""errors":["'Content-Encoding' is not supported; send the JSON as it is"]}"#
);
const UNAVAILABLE: &str = concat!(
    r#"{"status":"service unavailable","message":"Events cannot be stored now","#,
    r#""errors":["The event was not stored; send it again"]}"#
);
const IN_DOUBT: &str = concat!(
    r#"{"status":"service unavailable","message":"It is not known whether the event was stored","#,
    r#""errors":["Send it again; a repeat with the same 'dedup_key' makes no second alert"]}"#
);
const BROKEN: &str = concat!(
    r#"{"status":"internal error","message":"The event was not stored","#,
    r#""errors":["This is a fault of the server, and its log says more"]}"#
);

fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    answer(status, JSON, Bytes::from_static(body.as_bytes()))
}

/// The rest of the request will not be read, so nothing can follow on this connection.
pub(crate) fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn retry_after(mut answer: Answer, seconds: u64) -> Answer {
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

pub(crate) fn ok_json(body: Vec<u8>) -> Answer {
    answer(StatusCode::OK, JSON, body)
}

pub(crate) fn not_ready(body: Vec<u8>) -> Answer {
    answer(StatusCode::SERVICE_UNAVAILABLE, JSON, body)
}

pub(crate) fn metrics(page: String) -> Answer {
    answer(StatusCode::OK, EXPOSITION, page)
}

pub(crate) fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, NOT_FOUND)
}

pub(crate) fn method_not_allowed(allowed: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

pub(crate) fn accepted(dedup_key: &str) -> Answer {
    answer(StatusCode::ACCEPTED, JSON, events_v2::accepted(dedup_key))
}

/// A 400 with this body, which is JSON.
pub(crate) fn refused(body: Vec<u8>) -> Answer {
    answer(StatusCode::BAD_REQUEST, JSON, body)
}

pub(crate) fn rate_limited(wait: Duration) -> Answer {
    let limited = answer(StatusCode::TOO_MANY_REQUESTS, TEXT, events_v2::RATE_LIMITED);
    retry_after(limited, wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

pub(crate) fn too_slow() -> Answer {
    closing(text(StatusCode::REQUEST_TIMEOUT, TOO_SLOW))
}

pub(crate) fn encoded() -> Answer {
    text(StatusCode::UNSUPPORTED_MEDIA_TYPE, ENCODED)
}

pub(crate) fn unavailable() -> Answer {
    retry_after(text(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE), RETRY_AFTER_SECONDS)
}

pub(crate) fn in_doubt() -> Answer {
    retry_after(text(StatusCode::SERVICE_UNAVAILABLE, IN_DOUBT), RETRY_AFTER_SECONDS)
}

pub(crate) fn broken() -> Answer {
    text(StatusCode::INTERNAL_SERVER_ERROR, BROKEN)
}
