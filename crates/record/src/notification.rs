//! `campanile.notifications`: the history of each page. Key: incident id.
//!
//! `{"v":1,"out_seq":7,"type":"entered","incident":"Q…","place":[cycle,lap,level,turn],"occurred_at":"…", …}`; `out_seq`
//! rises by one from record to record of a partition.

use campanile_directory::Channel;
use campanile_escalation::{Notification, What};
use campanile_model::{OrderId, UserId};

use crate::json::{Object, text};
use crate::page::shown;

pub fn encode(it: &Notification, out_seq: u64, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.plain("v", 1);
    o.plain("out_seq", out_seq);
    o.text("type", kind(&it.what));
    o.quoted("incident", it.incident);
    o.plain("place", shown(it.place));
    o.quoted("occurred_at", it.at);
    match &it.what {
        What::Delayed { until } => o.quoted("until", until),
        What::Entered { users, reason, unconfirmed } => {
            o.list("users", users, |out, user| text(out, user.as_str()));
            o.text("reason", reason.as_str());
            o.plain("unconfirmed", unconfirmed);
        }
        What::Uncovered { policy } => o.text("escalation_policy", policy.as_str()),
        What::Skipped | What::Repeated | What::Exhausted | What::Saved => {}
        What::Ordered { order, user, channel, contact, idempotency_key } => {
            of_order(&mut o, *order, user, *channel);
            o.text("contact_method", contact);
            o.quoted("idempotency_key", format_args!("{idempotency_key:032x}"));
        }
        What::Crowded { user } | What::Withdrawn { user } => o.text("user", user.as_str()),
        What::Dropped { user, why } => {
            o.text("user", user.as_str());
            o.text("why", why.as_str());
        }
        What::Accepted { order, user, channel, provider, reference } => {
            of_order(&mut o, *order, user, *channel);
            o.text("provider", provider);
            if !reference.is_empty() {
                o.text("reference", reference);
            }
        }
        What::Arrived { order, user, channel, provider } => {
            of_order(&mut o, *order, user, *channel);
            o.text("provider", provider);
        }
        What::Refused { order, user, channel, provider, detail, next } => {
            of_order(&mut o, *order, user, *channel);
            o.text("provider", provider);
            o.text("detail", detail);
            match next {
                Some(next) => o.quoted("next_attempt_at", next),
                None => o.plain("next_attempt_at", "null"),
            }
        }
        What::Answered { user, verb } => {
            o.text("user", user.as_str());
            o.text("verb", verb);
        }
    }
    o.close();
}

fn of_order(o: &mut Object<'_>, order: OrderId, user: &UserId, channel: Channel) {
    o.quoted("order", order);
    o.text("user", user.as_str());
    o.text("channel", channel.as_str());
}

/// The `type` of each record.
pub fn kind(what: &What) -> &'static str {
    match what {
        What::Delayed { .. } => "delayed",
        What::Entered { .. } => "entered",
        What::Skipped => "skipped",
        What::Uncovered { .. } => "uncovered",
        What::Repeated => "repeated",
        What::Exhausted => "exhausted",
        What::Saved => "saved",
        What::Ordered { .. } => "ordered",
        What::Crowded { .. } => "crowded",
        What::Dropped { .. } => "dropped",
        What::Withdrawn { .. } => "withdrawn",
        What::Accepted { .. } => "accepted",
        What::Arrived { .. } => "arrived",
        What::Refused { .. } => "refused",
        What::Answered { .. } => "answered",
    }
}
