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
];
