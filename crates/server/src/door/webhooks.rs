//! `webhooks`, `webhook_ping` and `webhook_enable`.

use std::sync::Arc;

use campanile_notifier::{WebhookStatus, Webhooks, request_enabling};
use serde_json::{Value, json};

use super::Ports;
use super::serve::{Answer, Asker, Done, Refusal, members, write_line};

pub(super) fn list(ports: &Ports, asker: &mut dyn Asker) -> Answer {
    let webhooks = running(ports)?;
    let directory = ports.feed.directory().load_full();
    for status in webhooks.status() {
        let Some(subscription) = directory.webhook_subscription(&status.id) else { continue };
        write_line(asker, &shown(&status, subscription))?;
    }
    Ok(Done::new())
}

fn shown(status: &WebhookStatus, subscription: &campanile_directory::Subscription) -> Value {
    json!({
        "id": status.id,
        "description": subscription.description,
        "url": without_password(&subscription.url),
        "active": subscription.active,
        "temporarily_disabled": status.parked_until.is_some(),
        "parked_until": status.parked_until.map(|at| at.0),
        "probe_at": status.probe_at.map(|at| at.0),
        "waiting": status.waiting,
        "unread": status.unread,
        "oldest": status.oldest.map(|at| at.0),
        "last_failure": status.last_failure,
    })
}

/// The address as it may be shown: what stands before an `@` in its authority is left out.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host..])
}

pub(super) fn ping(ports: &Ports, id: &str) -> Answer {
    let pinged = running(ports)?.ping_wait(id).map_err(Refusal::said)?;
    Ok(members(json!({
        "delivered": pinged.is_delivered,
        "detail": pinged.detail,
        "took_ms": pinged.took.as_secs_f64() * 1000.0,
    })))
}

/// Goes through the log, so that it reaches whichever process has a partition.
pub(super) fn enable(ports: &Ports, id: &str) -> Answer {
    if let Some(webhooks) = ports.roles.webhooks() {
        webhooks.find(id).map_err(Refusal::said)?;
    }
    request_enabling(ports.appender.as_ref(), id).map_err(|error| Refusal::said(error.to_string()))?;
    Ok(Done::new())
}

fn running(ports: &Ports) -> Result<Arc<Webhooks>, Refusal> {
    ports.roles.webhooks().ok_or_else(|| {
        Refusal::said("no notifier runs here; ask where one does, or start the server with notifier.run = true")
    })
}
