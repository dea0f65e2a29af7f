//! Series about incidents and the people who answer, under the names that exporters for PagerDuty gave them.
//!
//! Their labels are objects of the directory. Whoever fills them keeps a process below [`SERIES_MAX`] and counts the
//! rest under `other`.

use super::{Kind, Label, Metric, Unit, Values};

/// Most series of one of these metrics in one process.
pub const SERIES_MAX: usize = 10_000;
/// The value of a label beyond them.
pub const OTHER: &str = "other";

const SERVICE: Label =
    Label { name: "service", values: Values::Bounded("names of services; `other` beyond 10 000 series") };

/// Incidents that entered a status.
pub static INCIDENTS_TOTAL: Metric = Metric {
    name: "pagerduty_incidents_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    labels: &[
        SERVICE,
        Label { name: "urgency", values: Values::Closed(&["high", "low"]) },
        Label { name: "status", values: Values::Closed(&["triggered", "acknowledged", "resolved"]) },
    ],
    buckets: &[],
    meaning: "Incidents of a service that entered a status: triggered when they open or come back, acknowledged, resolved.",
    remedy: "Many triggered and few acknowledged: nobody answers; see who is on call with `campanile oncall`.",
};

/// Mean time to acknowledge.
pub static MTTA_SECONDS: Metric = Metric {
    name: "pagerduty_mtta_seconds",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    labels: &[SERVICE],
    buckets: &[],
    meaning: "Mean time from an incident's opening to its first acknowledgement, of those acknowledged since the start.",
    remedy: "When it rises, pages reach people late or people are tired: read the notifications of a slow incident.",
};

/// Mean time to resolve.
pub static MTTR_SECONDS: Metric = Metric {
    name: "pagerduty_mttr_seconds",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    labels: &[SERVICE],
    buckets: &[],
    meaning: "Mean time from an incident's opening to its resolution, of those resolved since the start.",
    remedy: "When it rises, causes are found late: nothing in Campanile needs doing.",
};

/// Who is on call.
pub static ONCALL_USER: Metric = Metric {
    name: "pagerduty_oncall_user",
    kind: Kind::Gauge,
    unit: Unit::Flag,
    labels: &[
        Label { name: "schedule", values: Values::Bounded("names of schedules; `other` beyond 10 000 series") },
        Label { name: "user", values: Values::Bounded("names of users; `other` beyond 10 000 series") },
    ],
    buckets: &[],
    meaning: "1 while the user is on call on the schedule, 0 once the turn has ended.",
    remedy: "A schedule whose users are all 0 has nobody: see `campanile schedule show`.",
};

pub(super) static ALL: &[&Metric] = &[&INCIDENTS_TOTAL, &MTTA_SECONDS, &MTTR_SECONDS, &ONCALL_USER];
