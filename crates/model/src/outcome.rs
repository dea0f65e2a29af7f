//! The one verdict every input ends in, with its reason. Funnel, trace and "nothing dropped silently" are all this type.

use crate::alert::Hidden;
use crate::paging::Paging;

/// Why bytes could not become an event or a command. Closed set: each is a label value and a header value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeadReason {
    /// Not JSON, or not UTF-8, or nested too deep, or a number beyond 64 bits.
    Unparseable,
    /// JSON, but a field is missing, blank, too long or of the wrong kind.
    Invalid,
    /// A well-formed routing key that no integration owns.
    UnknownKey,
    /// More bytes than one event may have.
    TooLarge,
    /// Bytes on the commands topic that are no command. A command for an unknown incident is refused instead.
    BadCommand,
    /// Forwarded more often than any path of homes can need.
    TooManyHops,
    /// The machine panicked on it.
    Panicked,
}

impl DeadReason {
    pub const ALL: [Self; 7] = [
        Self::Unparseable,
        Self::Invalid,
        Self::UnknownKey,
        Self::TooLarge,
        Self::BadCommand,
        Self::TooManyHops,
        Self::Panicked,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unparseable => "unparseable",
            Self::Invalid => "invalid",
            Self::UnknownKey => "unknown_key",
            Self::TooLarge => "too_large",
            Self::BadCommand => "bad_command",
            Self::TooManyHops => "too_many_hops",
            Self::Panicked => "panicked",
        }
    }
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedReason {
    UnknownIncident,
    /// The incident is resolved; a resolved incident never changes again.
    Resolved,
    /// The revision that the sender saw is no longer the newest.
    StaleRevision,
    UnknownPriority,
    BlankTitle,
    UnknownUser,
    UnknownPolicy,
    /// The policy has no such level, or none after the present one.
    NoSuchLevel,
    /// Low urgency does not escalate; it can be reassigned.
    LowUrgency,
    /// Nobody, or more people than an incident can have.
    BadAssignees,
    /// Shorter or longer than a snooze can be.
    BadSnooze,
    /// No incidents, too many, the incident itself, or one that another shard judges.
    BadMerge,
    /// Together they have more alerts than one incident takes.
    TooManyAlerts,
    /// Blank, or longer than a note can be.
    BadNote,
    /// Somebody has it: a step of the ladder comes too late.
    Acknowledged,
}

impl RefusedReason {
    /// Its place here is its number in rows: new ones are added at the end.
    pub const ALL: [Self; 15] = [
        Self::UnknownIncident,
        Self::Resolved,
        Self::StaleRevision,
        Self::UnknownPriority,
        Self::BlankTitle,
        Self::UnknownUser,
        Self::UnknownPolicy,
        Self::NoSuchLevel,
        Self::LowUrgency,
        Self::BadAssignees,
        Self::BadSnooze,
        Self::BadMerge,
        Self::TooManyAlerts,
        Self::BadNote,
        Self::Acknowledged,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownIncident => "unknown_incident",
            Self::Resolved => "resolved",
            Self::StaleRevision => "stale_revision",
            Self::UnknownPriority => "unknown_priority",
            Self::BlankTitle => "blank_title",
            Self::UnknownUser => "unknown_user",
            Self::UnknownPolicy => "unknown_policy",
            Self::NoSuchLevel => "no_such_level",
            Self::LowUrgency => "low_urgency",
            Self::BadAssignees => "bad_assignees",
            Self::BadSnooze => "bad_snooze",
            Self::BadMerge => "bad_merge",
            Self::TooManyAlerts => "too_many_alerts",
            Self::BadNote => "bad_note",
            Self::Acknowledged => "acknowledged",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A new alert opened an incident.
    Triggered,
    /// A new alert joined an open incident.
    Grouped,
    /// A repeat of an open alert, visible or hidden.
    Deduplicated,
    /// A new alert that reaches nobody; stored and visible.
    Suppressed(Hidden),
    /// A repeat of a hidden alert that nothing hides any more; it opened or joined an incident.
    Promoted,
    /// An acknowledge event changed its incident.
    Acknowledged,
    /// An acknowledge event found its incident acknowledged, or its alert hidden: nothing to change.
    AlreadyAcknowledged,
    /// A resolve event closed its alert.
    Resolved,
    /// An acknowledge or resolve for a key with nothing open.
    NothingOpen,
    /// A forwarded resolve or trigger that a newer event of the same key has overtaken.
    Overtaken,
    /// Sent on to the shard where its scope has its home.
    Forwarded,
    /// A command changed its incident.
    Applied,
    /// A command asked for what already is.
    Unchanged,
    Refused(RefusedReason),
    /// A command id that was answered within 24 h; it gets the first answer again.
    Repeated,
    /// A timer did its work.
    Fired,
    /// A timer found its deadline moved on and was armed again, or its object closed.
    Stale,
    /// The bytes went to dead letters.
    DeadLettered(DeadReason),
    /// What the notifier made of it.
    Paging(Paging),
}

impl Outcome {
    /// The label values (outcome, reason) of this verdict; `""` where there is no reason to tell.
    pub const fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Triggered => ("triggered", ""),
            Self::Grouped => ("grouped", ""),
            Self::Deduplicated => ("deduplicated", ""),
            Self::Suppressed(hidden) => ("suppressed", hidden.as_str()),
            Self::Promoted => ("promoted", ""),
            Self::Acknowledged => ("acknowledged", ""),
            Self::AlreadyAcknowledged => ("already_acknowledged", ""),
            Self::Resolved => ("resolved", ""),
            Self::NothingOpen => ("nothing_open", ""),
            Self::Overtaken => ("overtaken", ""),
            Self::Forwarded => ("forwarded", ""),
            Self::Applied => ("applied", ""),
            Self::Unchanged => ("unchanged", ""),
            Self::Refused(reason) => ("refused", reason.as_str()),
            Self::Repeated => ("repeated", ""),
            Self::Fired => ("fired", ""),
            Self::Stale => ("stale", ""),
            Self::DeadLettered(reason) => ("dead_lettered", reason.as_str()),
            Self::Paging(paging) => (paging.as_str(), ""),
        }
    }
}
