//! Pages of the door: what a person reads when they followed a link.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::inbox::InboxError;
use super::token::TokenError;

#[derive(Template)]
#[template(path = "door.html")]
struct Page<'a> {
    title: &'a str,
    text: &'a str,
    button: &'a str,
}

/// A page; with a `button` it asks before anything is done.
pub(super) fn page(status: StatusCode, title: &str, text: &str, button: &str) -> Response {
    let body = Page { title, text, button }.render().unwrap_or_else(|_| title.to_owned());
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // The address is a key: it must reach no cache, no other site and no frame.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

pub(super) async fn front() -> Response {
    page(StatusCode::OK, "Campanile", "Answers to pages come in here. There is nothing to see.", "")
}

pub(super) async fn not_found() -> Response {
    page(StatusCode::NOT_FOUND, "No such page", "Use the link of your message as it is; programs may have cut it.", "")
}

pub(super) async fn method_not_allowed() -> Response {
    page(StatusCode::METHOD_NOT_ALLOWED, "Not in this way", "This address takes other requests than this one.", "")
}

pub(super) fn bad_link(error: TokenError) -> Response {
    match error {
        TokenError::Forged => page(
            StatusCode::FORBIDDEN,
            "This link does not work",
            "It is not one of ours, or a program cut it on its way. Nothing was done.",
            "",
        ),
        TokenError::Expired => page(
            StatusCode::GONE,
            "This link has expired",
            "Links work for a day. Nothing was done; look at the incident itself.",
            "",
        ),
    }
}

pub(super) fn forbidden(text: &str) -> Response {
    page(StatusCode::FORBIDDEN, "Not allowed", text, "")
}

/// Nothing is durable; whoever asks may ask again.
pub(super) fn unavailable(error: &InboxError) -> Response {
    tracing::warn!(%error, "an answer could not be recorded");
    let text = "Your answer could not be recorded, and nothing was done. Try again in a moment.";
    let mut response = page(StatusCode::SERVICE_UNAVAILABLE, "Not now", text, "");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
