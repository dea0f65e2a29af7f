//! Series of the processor: the funnel, its latencies, its lag and what it remembers.

use super::{Kind, Label, MACHINE, Metric, RECORDS_BUCKETS, SECONDS_BUCKETS, SHARD, TOPIC, Unit, Values};

/// Values that [`DEAD_LETTERS_TOTAL`] and [`EVENTS_PROCESSED_TOTAL`] share.
const DEAD_REASONS: &[&str] =
    &["unparseable", "invalid", "unknown_key", "too_large", "bad_command", "too_many_hops", "panicked"];

/// One input that was judged. Sums over `outcome` are the funnel.
pub static EVENTS_PROCESSED_TOTAL: Metric = Metric {
    name: "campanile_events_processed_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[
        SHARD,
        Label {
            name: "outcome",
            values: Values::Closed(&[
                "triggered",
                "grouped",
                "deduplicated",
                "suppressed",
                "promoted",
                "acknowledged",
                "already_acknowledged",
                "resolved",
                "nothing_open",
                "overtaken",
                "forwarded",
                "applied",
                "unchanged",
                "refused",
                "repeated",
                "fired",
                "stale",
                "dead_lettered",
            ]),
        },
        Label {
            name: "reason",
            values: Values::Closed(&[
                "",
                "maintenance",
                "disabled_service",
                "unknown_incident",
                "resolved",
                "stale_revision",
                "unknown_priority",
                "blank_title",
                "unknown_user",
                "unknown_policy",
                "no_such_level",
                "low_urgency",
                "bad_assignees",
                "bad_snooze",
                "bad_merge",
                "too_many_alerts",
                "bad_note",
                "acknowledged",
                "unparseable",
                "invalid",
                "unknown_key",
                "too_large",
                "bad_command",
                "too_many_hops",
                "panicked",
            ]),
        },
    ],
    buckets: &[],
    meaning: "One input (event, command or timer) that was judged and whose commit is durable, by the one outcome it \
              ended in. Together they are the funnel from raw alerts to incidents.",
    remedy: "A sudden share of `triggered` is an outage, or grouping that no longer matches. `suppressed` beyond a \
             maintenance window: a service was left disabled. `dead_lettered`: see `campanile_dead_letters_total`.",
};

/// Latency of one record, by stage.
pub static EVENT_LATENCY_SECONDS: Metric = Metric {
    name: "campanile_event_latency_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[Label { name: "stage", values: Values::Closed(&["append_to_read", "read_to_commit", "end_to_end"]) }],
    buckets: SECONDS_BUCKETS,
    meaning: "Time of one event: from its append to its reading, from there to its durable commit, and both together.",
    remedy: "append_to_read: shards do not keep up, see `campanile_lag_seconds`. read_to_commit: the disk or the \
             batch is large, see `campanile_commit_duration_seconds`.",
};

/// From sealing a batch to its being durable.
pub static COMMIT_DURATION_SECONDS: Metric = Metric {
    name: "campanile_commit_duration_seconds",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &[MACHINE],
    buckets: SECONDS_BUCKETS,
    meaning: "Time from sealing a batch to its being durable.",
    remedy: "The disk is slow or shared: see `campanile_ledger_sync_duration_seconds` and the RocksDB group.",
};

/// Inputs in one commit.
pub static COMMIT_RECORDS: Metric = Metric {
    name: "campanile_commit_records",
    kind: Kind::Histogram,
    unit: Unit::Count,
    labels: &[MACHINE],
    buckets: RECORDS_BUCKETS,
    meaning: "Inputs that one commit consumed.",
    remedy: "Nothing by itself: batches grow under load, which is what makes load cheap.",
};

/// One durable commit.
pub static COMMITS_TOTAL: Metric = Metric {
    name: "campanile_commits_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[MACHINE, SHARD],
    buckets: &[],
    meaning: "One commit of a shard that is durable.",
    remedy: "Worry when it stands still while `campanile_lag_records` rises: the shard is halted.",
};

/// Records of a lane that are not yet judged.
pub static LAG_RECORDS: Metric = Metric {
    name: "campanile_lag_records",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[MACHINE, SHARD, Label { name: "lane", values: Values::Closed(&["main", "hop", "door"]) }],
    buckets: &[],
    meaning: "Records in a shard's lane (of triage: events, forwarded events, commands; of the notifier: incidents, pages, \
              answers) that no commit has consumed. On Kafka the \
              marker that ends a transaction counts too, so that an idle lane may stand at 1.",
    remedy: "Explains `campanile_lag_seconds`. One shard alone: one key is very busy. All: add cores or calm senders.",
};

/// Inputs that carried a time from the future.
pub static INPUTS_AHEAD_TOTAL: Metric = Metric {
    name: "campanile_inputs_ahead_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[MACHINE, SHARD],
    buckets: &[],
    meaning: "One input whose append time lay more than five minutes ahead of the wall and that was judged at the wall.",
    remedy: "A clock was wrong, here or on a broker: set it, and look at what was judged meanwhile.",
};

/// How far behind a shard is. The one to page on.
pub static LAG_SECONDS: Metric = Metric {
    name: "campanile_lag_seconds",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    labels: &[MACHINE, SHARD],
    buckets: &[],
    meaning: "Age of the oldest record that a shard has not judged; 0 when there is none.",
    remedy: "People are told late by so much. Look at `campanile_halted`, then `campanile_commit_duration_seconds`, \
             then the machine's cores.",
};

/// The log time of a shard.
pub static LOG_TIME_SECONDS: Metric = Metric {
    name: "campanile_log_time_seconds",
    kind: Kind::Gauge,
    unit: Unit::UnixSeconds,
    labels: &[MACHINE, SHARD],
    buckets: &[],
    meaning: "Log time of a shard: what it takes for now when it judges timers and windows.",
    remedy: "It should follow the clock. If it stands still, timers do too: the shard is halted, or behind.",
};

/// One timer that fell due.
pub static TIMERS_FIRED_TOTAL: Metric = Metric {
    name: "campanile_timers_fired_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[Label {
        name: "kind",
        values: Values::Closed(&[
            "auto_resolve",
            "acknowledgement_timeout",
            "urgency_rise",
            "answer_expiry",
            "tombstone_expiry",
            "snooze_end",
            "ladder",
            "person",
            "order",
        ]),
    }],
    buckets: &[],
    meaning: "One timer that fell due, stale ones included.",
    remedy: "Many `acknowledgement_timeout`: incidents are acknowledged and left. Many `auto_resolve`: senders do not \
             resolve what they trigger.",
};

/// One record put on `campanile.dead-letters`.
pub static DEAD_LETTERS_TOTAL: Metric = Metric {
    name: "campanile_dead_letters_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[
        Label { name: "stage", values: Values::Closed(&["gateway", "decode", "judge"]) },
        Label { name: "reason", values: Values::Closed(DEAD_REASONS) },
    ],
    buckets: &[],
    meaning: "One record put on `campanile.dead-letters`, its bytes kept, by where and why.",
    remedy: "Read them: `campanile tail dead-letters`. Each is an alert that nobody will see until its sender is mended.",
};

/// One event sent on to the shard of its scope.
pub static FORWARDED_TOTAL: Metric = Metric {
    name: "campanile_forwarded_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "One event sent on to the shard where its scope has its home.",
    remedy: "Correct, and costs a second append. Producers that key records by routing key with murmur2 avoid it.",
};

/// One record published by a shard's commit.
pub static RECORDS_PUBLISHED_TOTAL: Metric = Metric {
    name: "campanile_records_published_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[TOPIC],
    buckets: &[],
    meaning: "One record that a commit published, by topic.",
    remedy: "Follows the funnel; a rise on `incidents` is what people feel.",
};

/// Rows held in memory by shards.
pub static ROWS_REMEMBERED: Metric = Metric {
    name: "campanile_rows_remembered",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[
        MACHINE,
        SHARD,
        Label {
            name: "kind",
            values: Values::Closed(&[
                "alert", "answer", "details", "group", "incident", "members", "errand", "ladder", "order", "person",
                "ring",
            ]),
        },
    ],
    buckets: &[],
    meaning: "Rows that a shard holds in memory, by kind.",
    remedy: "Explains the process's memory. It is bounded; if the machine is small, lower the bound.",
};

/// One panic of the machine that was caught.
pub static PANICS_TOTAL: Metric = Metric {
    name: "campanile_panics_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[MACHINE, SHARD],
    buckets: &[],
    meaning: "One panic while judging, caught; the shard went back to its last commit and set the input aside.",
    remedy: "Always a bug of ours. Keep the dead letter with reason `panicked` and report it.",
};

/// Whether a shard cannot commit now.
pub static HALTED: Metric = Metric {
    name: "campanile_halted",
    kind: Kind::Gauge,
    unit: Unit::Flag,
    labels: &[MACHINE, SHARD],
    buckets: &[],
    meaning: "1 while a shard cannot commit; it tries again by itself and skips nothing.",
    remedy: "The log and `/health/ready` say why. Mostly the disk is full: free space, it goes on.",
};

pub(super) static ALL: &[&Metric] = &[
    &EVENTS_PROCESSED_TOTAL,
    &EVENT_LATENCY_SECONDS,
    &COMMIT_DURATION_SECONDS,
    &COMMIT_RECORDS,
    &COMMITS_TOTAL,
    &LAG_RECORDS,
    &INPUTS_AHEAD_TOTAL,
    &LAG_SECONDS,
    &LOG_TIME_SECONDS,
    &TIMERS_FIRED_TOTAL,
    &DEAD_LETTERS_TOTAL,
    &FORWARDED_TOTAL,
    &RECORDS_PUBLISHED_TOTAL,
    &ROWS_REMEMBERED,
    &PANICS_TOTAL,
    &HALTED,
];
