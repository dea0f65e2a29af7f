//! `/answer/TOKEN`. GET only asks, for mail scanners and previews follow links; POST does it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::Door;
use super::page::{bad_link, forbidden, page, unavailable};
use super::token::{About, Checked, Grant, Purpose};

pub(super) async fn ask(State(door): State<Arc<Door>>, Path(token): Path<String>) -> Response {
    let grant = match door.options.links.signer().check(&token, door.clock.now()) {
        Ok(checked) => checked.grant,
        Err(error) => return bad_link(error),
    };
    let Some((act, _)) = words(&grant.purpose) else {
        return forbidden("This link is for a provider, not for people.");
    };
    let Some(name) = door.name_of(&grant) else { return forbidden(GONE) };
    let what = what(&grant.about);
    let text = format!("{act} {what} as {name}?");
    page(StatusCode::OK, act, &text, act)
}

pub(super) async fn take(State(door): State<Arc<Door>>, Path(token): Path<String>) -> Response {
    let Checked { grant, id } = match door.options.links.signer().check(&token, door.clock.now()) {
        Ok(checked) => checked,
        Err(error) => return bad_link(error),
    };
    let (Some((_, done)), Some(verb)) = (words(&grant.purpose), grant.purpose.verb()) else {
        return forbidden("This link is for a provider, not for people.");
    };
    let Some(name) = door.name_of(&grant) else { return forbidden(GONE) };
    // The token's own name: a link that is used twice asks for one thing.
    match door.inbox.person(format!("link-{id}"), grant.user.clone(), grant.about, verb).await {
        Ok(()) => {
            let text = format!("{done} {}, as {name}. You can close this page.", what(&grant.about));
            page(StatusCode::OK, "Recorded", &text, "")
        }
        Err(error) => unavailable(&error),
    }
}

const GONE: &str = "The person that this link was made for is no longer known here. Nothing was done.";

impl Door {
    /// The name of the person that the link was made for, if they are still there.
    fn name_of(&self, grant: &Grant) -> Option<String> {
        self.directory.load().user(grant.user.as_str()).map(|user| user.name.to_string())
    }
}

/// What the button says, and how the page goes on afterwards.
fn words(purpose: &Purpose) -> Option<(&'static str, &'static str)> {
    match purpose {
        Purpose::Acknowledge => Some(("Acknowledge", "Asked to acknowledge")),
        Purpose::Resolve => Some(("Resolve", "Asked to resolve")),
        Purpose::Escalate => Some(("Escalate", "Asked to escalate")),
        Purpose::Receipt | Purpose::Call => None,
    }
}

fn what(about: &About) -> String {
    match about {
        About::Order(_) => "all incidents of the message".to_owned(),
        About::Incident(incident) => format!("incident #{}", incident.number()),
    }
}
