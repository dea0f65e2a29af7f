//! Series of the gateway: what senders ask of it and what they were answered.

use super::{BYTES_BUCKETS, Kind, Label, Metric, SECONDS_BUCKETS, Unit, Values};

const ROUTE: Label = Label {
    name: "route",
    values: Values::Closed(&["/v2/enqueue", "/health/live", "/health/ready", "/metrics", "other"]),
};

/// One answered request.
pub static INGEST_REQUESTS_TOTAL: Metric = Metric {
    name: "campanile_ingest_requests_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[
        ROUTE,
        Label {
            name: "code",
            values: Values::Closed(&["200", "202", "400", "404", "405", "408", "415", "429", "500", "503"]),
        },
    ],
    buckets: &[],
    meaning: "One request that was answered, by route and status code.",
    remedy: "On 5xx see `campanile_ledger_halted` and the log: senders retry, nothing is lost while they do. On 400 \
             see which `result` of `campanile_ingest_events_total` rises with it.",
};

/// From the request's head to its answer, the wait for the disk included.
pub static INGEST_DURATION_SECONDS: Metric = Metric {
    name: "campanile_ingest_duration_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[ROUTE],
    buckets: SECONDS_BUCKETS,
    meaning: "Time from the head of a request to its answer, the wait for durability included.",
    remedy: "Compare with `campanile_ledger_sync_duration_seconds`: if both rise, the disk is slow; if only this one \
             does, bodies arrive slowly or the machine is busy.",
};

/// One event that was posted, by what became of it.
pub static INGEST_EVENTS_TOTAL: Metric = Metric {
    name: "campanile_ingest_events_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[Label {
        name: "result",
        values: Values::Closed(&[
            "accepted",
            "invalid",
            "unparseable",
            "unknown_key",
            "too_large",
            "rate_limited",
            "unavailable",
            "in_doubt",
        ]),
    }],
    buckets: &[],
    meaning: "One event that was posted: accepted (durable, answered 202), refused for the reason named, unavailable \
              (503, nothing written) or in doubt (503, perhaps written; the sender repeats it).",
    remedy: "invalid and unparseable: a sender is misconfigured. unknown_key: a key was rotated or mistyped. \
             too_large: the bodies are in dead letters. rate_limited: raise the limit or calm the sender. \
             unavailable, in_doubt: the ledger needs help.",
};

/// Requests being read, judged or waiting for durability.
pub static INGEST_IN_FLIGHT: Metric = Metric {
    name: "campanile_ingest_in_flight",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Events that are being read, judged, or waiting to be durable.",
    remedy: "Near the limit senders get 503. A slow disk is the usual cause; see \
             `campanile_ledger_sync_duration_seconds`.",
};

/// Open connections.
pub static INGEST_CONNECTIONS: Metric = Metric {
    name: "campanile_ingest_connections",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Connections that are open.",
    remedy: "Near the limit new ones wait. Find the address that holds them; a sender should reuse its connections.",
};

/// One connection that was closed before it was served.
pub static INGEST_CONNECTIONS_REFUSED_TOTAL: Metric = Metric {
    name: "campanile_ingest_connections_refused_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[Label {
        name: "reason",
        values: Values::Closed(&["too_many_per_address", "silent", "slow_header", "slow_body"]),
    }],
    buckets: &[],
    meaning: "One connection that was closed without a whole request: too many from one address, no \
              first byte in time, a header or a body that came too slowly.",
    remedy: "A few are port scans and health probes. Many from one address are a broken or hostile sender.",
};

/// Sizes of bodies that were read whole.
pub static INGEST_BODY_BYTES: Metric = Metric {
    name: "campanile_ingest_body_bytes",
    kind: Kind::Histogram,
    unit: Unit::Bytes,
    labels: &[],
    buckets: BYTES_BUCKETS,
    meaning: "Size of an event's body as received.",
    remedy: "Nothing by itself. Bodies near 524288 bytes are about to be refused; cut their `custom_details`.",
};

pub(super) static ALL: &[&Metric] = &[
    &INGEST_REQUESTS_TOTAL,
    &INGEST_DURATION_SECONDS,
    &INGEST_EVENTS_TOTAL,
    &INGEST_IN_FLIGHT,
    &INGEST_CONNECTIONS,
    &INGEST_CONNECTIONS_REFUSED_TOTAL,
    &INGEST_BODY_BYTES,
];
