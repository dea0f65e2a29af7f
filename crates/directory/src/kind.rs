//! The kinds of configuration objects, in the order in which one may refer to another.

use std::fmt;

/// Ids are unique per kind, not across kinds: a schedule and a user may both be `PXXXXXX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Priority,
    Team,
    User,
    Schedule,
    Policy,
    Service,
    Grouping,
    Maintenance,
    Business,
    Subscription,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Priority,
        Self::Team,
        Self::User,
        Self::Schedule,
        Self::Policy,
        Self::Service,
        Self::Grouping,
        Self::Maintenance,
        Self::Business,
        Self::Subscription,
    ];

    /// PagerDuty's `type` of the object, which is also the wrapper key around it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Team => "team",
            Self::User => "user",
            Self::Schedule => "schedule",
            Self::Policy => "escalation_policy",
            Self::Service => "service",
            Self::Grouping => "alert_grouping_setting",
            Self::Maintenance => "maintenance_window",
            Self::Business => "business_service",
            Self::Subscription => "webhook_subscription",
        }
    }

    /// PagerDuty's plural, the name of the collection and of the folder.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Priority => "priorities",
            Self::Team => "teams",
            Self::User => "users",
            Self::Schedule => "schedules",
            Self::Policy => "escalation_policies",
            Self::Service => "services",
            Self::Grouping => "alert_grouping_settings",
            Self::Maintenance => "maintenance_windows",
            Self::Business => "business_services",
            Self::Subscription => "webhook_subscriptions",
        }
    }

    /// As a sentence says it.
    pub const fn spoken(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Team => "team",
            Self::User => "user",
            Self::Schedule => "schedule",
            Self::Policy => "escalation policy",
            Self::Service => "service",
            Self::Grouping => "alert grouping setting",
            Self::Maintenance => "maintenance window",
            Self::Business => "business service",
            Self::Subscription => "webhook subscription",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn of_folder(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.folder() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spoken())
    }
}
