//! Series of the process itself and of the directory it works by.

use super::{Kind, Label, Metric, Unit, Values};

/// Always 1; its label is the message.
pub static BUILD_INFO: Metric = Metric {
    name: "campanile_build_info",
    kind: Kind::Gauge,
    unit: Unit::Flag,
    labels: &[Label { name: "version", values: Values::Bounded("the version of this program: one per process") }],
    buckets: &[],
    meaning: "1, with the version that is running.",
    remedy: "Absent means the process is down.",
};

/// When the process began.
pub static START_TIME_SECONDS: Metric = Metric {
    name: "campanile_start_time_seconds",
    kind: Kind::Gauge,
    unit: Unit::UnixSeconds,
    labels: &[],
    buckets: &[],
    meaning: "When this process started.",
    remedy: "A value that keeps changing is a process that keeps falling over: read its log.",
};

/// The newest epoch of the directory.
pub static DIRECTORY_EPOCH: Metric = Metric {
    name: "campanile_directory_epoch",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[],
    buckets: &[],
    meaning: "Epoch of the directory in use; each apply that changed something makes one.",
    remedy: "Processes that differ for long: one of them cannot read the directory topic.",
};

/// Objects in the directory.
pub static DIRECTORY_OBJECTS: Metric = Metric {
    name: "campanile_directory_objects",
    kind: Kind::Gauge,
    unit: Unit::Count,
    labels: &[Label {
        name: "kind",
        values: Values::Closed(&[
            "services",
            "integrations",
            "escalation_policies",
            "schedules",
            "teams",
            "users",
            "business_services",
            "webhook_subscriptions",
            "maintenance_windows",
            "priorities",
            "alert_grouping_settings",
        ]),
    }],
    buckets: &[],
    meaning: "Objects in the directory in use, by kind.",
    remedy: "A sudden fall is an apply of the wrong folder: apply the right one.",
};

pub(super) static ALL: &[&Metric] = &[&BUILD_INFO, &START_TIME_SECONDS, &DIRECTORY_EPOCH, &DIRECTORY_OBJECTS];
