//! Series of the notifier: what became of ladders and pages, and whether providers take them.

use super::{Kind, Label, Metric, SECONDS_BUCKETS, SHARD, Unit, Values};

/// Contact methods that a page can take.
const CHANNEL: Label = Label {
    name: "channel",
    values: Values::Closed(&[
        "email",
        "phone",
        "sms",
        "whatsapp",
        "push_notification",
        "ntfy",
        "slack",
        "teams",
        "terminal",
    ]),
};

/// From a terminal at hand to a person who was reached an hour later.
const PAGE_BUCKETS: &[f64] =
    &[0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0];

/// One input of the notifier that was judged.
pub static PAGING_TOTAL: Metric = Metric {
    name: "campanile_paging_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[
        SHARD,
        Label {
            name: "outcome",
            values: Values::Closed(&[
                "noted",
                "delayed",
                "asked",
                "entered",
                "unconfirmed",
                "quieted",
                "saved",
                "exhausted",
                "uncovered",
                "planned",
                "ordered",
                "held",
                "withdrawn",
                "delivered",
                "retrying",
                "failed",
                "answered",
                "repaired",
                "stale",
                "dead_lettered",
            ]),
        },
        Label { name: "reason", values: Values::Closed(&["", "unparseable", "invalid", "too_large", "panicked"]) },
    ],
    buckets: &[],
    meaning: "One input of the notifier (a record of an incident, a page, an answer or a timer) that was judged, by the \
              one outcome it ended in.",
    remedy: "`uncovered`: a policy has nobody on call, see `campanile oncall`. `exhausted`: nobody answered through all \
             repeats. `unconfirmed`: the processor did not answer within 15 s, see its lag. `failed`: an order was given \
             up. `repaired`: an incident had lost its next deadline, which is a bug of ours; please report it.",
};

/// One level of a policy that was entered.
pub static ESCALATIONS_TOTAL: Metric = Metric {
    name: "campanile_escalations_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[Label {
        name: "level",
        values: Values::Bounded("`0`, the last resort or by hand, to the most levels that a policy has"),
    }],
    buckets: &[],
    meaning: "One level that was entered and whose people were paged, by its number.",
    remedy: "Many beyond level 1: first responders are not reached, or too busy to acknowledge.",
};

/// One attempt to hand an order to a provider.
pub static DELIVERIES_TOTAL: Metric = Metric {
    name: "campanile_deliveries_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[CHANNEL, Label { name: "result", values: Values::Closed(&["accepted", "refused", "rejected", "quiet"]) }],
    buckets: &[],
    meaning: "One order that was looked at to be sent: `accepted` by a provider, `refused` and to be tried again, \
              `rejected` for good, or `quiet`, as every incident in it was answered before it left.",
    remedy: "`refused`: the provider is down or out of reach; orders wait and are tried again. `rejected`: an address is \
             wrong or the channel is not configured; `campanile tail notifications` has the provider's words.",
};

/// How long a provider takes.
pub static DELIVERY_SECONDS: Metric = Metric {
    name: "campanile_delivery_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[CHANNEL],
    buckets: SECONDS_BUCKETS,
    meaning: "Time of one attempt, from handing the order over to the provider's word.",
    remedy: "The provider is slow. Orders of other channels do not wait for it.",
};

/// From the incident to somebody's provider.
pub static PAGE_LATENCY_SECONDS: Metric = Metric {
    name: "campanile_page_latency_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[],
    buckets: PAGE_BUCKETS,
    meaning: "Time from an incident's triggering to the first provider that took a page about it. A priority's delay and \
              a person's own delays are in it.",
    remedy: "Compare with `campanile_delivery_seconds` and the lag of both machines. Delays of priorities and rules are \
             meant; see `campanile who`.",
};

/// Orders that no provider has taken yet.
pub static ORDERS_WAITING: Metric = Metric {
    name: "campanile_orders_waiting",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[CHANNEL],
    buckets: &[],
    meaning: "Orders that no provider has taken yet, those between two attempts too.",
    remedy: "A provider is down, or slower than pages come: see `campanile_deliveries_total`.",
};

/// Age of the oldest of them. One to page on.
pub static OLDEST_UNSENT_PAGE_SECONDS: Metric = Metric {
    name: "campanile_oldest_unsent_page_seconds",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    labels: &[],
    buckets: &[],
    meaning: "Age of the oldest order that no provider has taken; 0 when there is none.",
    remedy: "Somebody is not being told. See `campanile_deliveries_total` for the channel, and reach people another way.",
};

/// What is still to be put on a topic of the processor.
pub static ERRANDS_WAITING: Metric = Metric {
    name: "campanile_errands_waiting",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Commands and events of the notifier that are committed and not yet durable on the processor's topics.",
    remedy: "The log takes no input; `/health/ready` says why. They are sent once it does, and pages go out unconfirmed \
             after 15 s.",
};

/// Open ladders that the auditor looked at.
pub static LADDERS: Metric = Metric {
    name: "campanile_ladders",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[SHARD, Label { name: "standing", values: Values::Closed(&["waiting", "resting", "stranded"]) }],
    buckets: &[],
    meaning: "Open incidents at the last audit, every ten seconds: `waiting` for a deadline that is armed, `resting` \
              rightly without one (acknowledged, exhausted, by hand, of low urgency), or `stranded` without the one that \
              they need.",
    remedy: "`stranded` is repaired by itself within seconds, and is a bug of ours all the same: please report it.",
};

pub(super) static ALL: &[&Metric] = &[
    &PAGING_TOTAL,
    &ESCALATIONS_TOTAL,
    &DELIVERIES_TOTAL,
    &DELIVERY_SECONDS,
    &PAGE_LATENCY_SECONDS,
    &ORDERS_WAITING,
    &OLDEST_UNSENT_PAGE_SECONDS,
    &ERRANDS_WAITING,
    &LADDERS,
    &WEBHOOK_ATTEMPTS_TOTAL,
    &WEBHOOK_ATTEMPT_SECONDS,
    &WEBHOOK_LATENCY_SECONDS,
    &WEBHOOKS_GIVEN_UP_TOTAL,
    &WEBHOOKS_WAITING,
    &OLDEST_UNDELIVERED_WEBHOOK_SECONDS,
    &WEBHOOK_SUBSCRIPTIONS,
];

/// One attempt to deliver a webhook.
pub static WEBHOOK_ATTEMPTS_TOTAL: Metric = Metric {
    name: "campanile_webhook_attempts_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[Label { name: "result", values: Values::Closed(&["delivered", "failed", "refused"]) }],
    buckets: &[],
    meaning: "One attempt to deliver an event to a webhook subscription: it was delivered, it failed and is tried again, \
              or the receiver refused it for good.",
    remedy: "When failed or refused rises: `campanile webhook list` names the receiver and its last answer.",
};

/// How long attempts take.
pub static WEBHOOK_ATTEMPT_SECONDS: Metric = Metric {
    name: "campanile_webhook_attempt_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[],
    buckets: PAGE_BUCKETS,
    meaning: "Time from the beginning of an attempt to the receiver's answer or the time-out of 5 s.",
    remedy: "Nothing here; a slow receiver holds up only itself.",
};

/// From an incident's change to its delivery.
pub static WEBHOOK_LATENCY_SECONDS: Metric = Metric {
    name: "campanile_webhook_latency_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[],
    buckets: PAGE_BUCKETS,
    meaning: "Time from the record of a change to the delivery of its event to one subscription. A triggered incident \
              waits up to 2 s for the first people that are assigned to it.",
    remedy: "See campanile_webhook_subscriptions for receivers that are spared; they make the long tail.",
};

/// Events that will not be delivered.
pub static WEBHOOKS_GIVEN_UP_TOTAL: Metric = Metric {
    name: "campanile_webhooks_given_up_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[Label { name: "reason", values: Values::Closed(&["refused", "trimmed"]) }],
    buckets: &[],
    meaning: "One event that a subscription will not get: its receiver refused it for good or failed for 48 h, or the log \
              was trimmed before it could be read.",
    remedy: "The record `webhook_given_up` on campanile.notifications names the event and the receiver's answer; for \
             trimmed, keep the incidents topic longer.",
};

/// Deliveries that wait.
pub static WEBHOOKS_WAITING: Metric = Metric {
    name: "campanile_webhooks_waiting",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Deliveries that were read from the log and are not done, over all subscriptions of this process.",
    remedy: "`campanile webhook list` shows which subscription they belong to.",
};

/// Age of the oldest of them.
pub static OLDEST_UNDELIVERED_WEBHOOK_SECONDS: Metric = Metric {
    name: "campanile_oldest_undelivered_webhook_seconds",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    labels: &[],
    buckets: &[],
    meaning: "Age of the oldest event that a subscription of this process has not got yet; 0 when there is none.",
    remedy: "Above a minute a receiver is down or parked: `campanile webhook list`.",
};

/// Subscriptions that are spared.
pub static WEBHOOK_SUBSCRIPTIONS: Metric = Metric {
    name: "campanile_webhook_subscriptions",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[Label { name: "standing", values: Values::Closed(&["parked", "broken"]) }],
    buckets: &[],
    meaning: "Subscriptions whose receiver is spared: parked after three events were given up in a row, or broken, with a \
              probe every 30 s, after five failures in a row.",
    remedy: "Mend the receiver; a broken one is noticed by itself, a parked one goes on after `campanile webhook enable ID`.",
};
