//! What an incident can be, and what can change it.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IncidentStatus {
    Triggered,
    Acknowledged,
    Resolved,
}

impl IncidentStatus {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Triggered, Self::Acknowledged, Self::Resolved].into_iter().find(|status| status.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    High,
    Low,
}

impl Urgency {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::High, Self::Low].into_iter().find(|u| u.as_str() == text)
    }
}

/// What one revision of an incident did. Names follow the event types of webhooks v3 where one exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    Triggered,
    Acknowledged,
    /// An acknowledgement ran out.
    Unacknowledged,
    Resolved,
    PriorityUpdated,
    UrgencyUpdated,
    TitleUpdated,
    /// The first people of this entry into triggered.
    Assigned,
    /// Other people of the same policy.
    Escalated,
    /// A person asked for a level; the notifier finds out who that is.
    EscalationRequested,
    /// Other people, by hand.
    Reassigned,
    /// Another policy, by hand.
    Delegated,
    Snoozed,
    /// Alerts of other incidents joined it by hand.
    Merged,
    /// A note was added.
    Annotated,
}

impl Change {
    pub const ALL: [Self; 15] = [
        Self::Triggered,
        Self::Acknowledged,
        Self::Unacknowledged,
        Self::Resolved,
        Self::PriorityUpdated,
        Self::UrgencyUpdated,
        Self::TitleUpdated,
        Self::Assigned,
        Self::Escalated,
        Self::EscalationRequested,
        Self::Reassigned,
        Self::Delegated,
        Self::Snoozed,
        Self::Merged,
        Self::Annotated,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.as_str() == text)
    }

    /// The event type that the incidents topic carries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "incident.triggered",
            Self::Acknowledged => "incident.acknowledged",
            Self::Unacknowledged => "incident.unacknowledged",
            Self::Resolved => "incident.resolved",
            Self::PriorityUpdated => "incident.priority_updated",
            Self::UrgencyUpdated => "incident.urgency_updated",
            Self::TitleUpdated => "incident.title_updated",
            Self::Assigned => "incident.assigned",
            Self::Escalated => "incident.escalated",
            Self::EscalationRequested => "incident.escalation_requested",
            Self::Reassigned => "incident.reassigned",
            Self::Delegated => "incident.delegated",
            Self::Snoozed => "incident.snoozed",
            Self::Merged => "incident.merged",
            Self::Annotated => "incident.annotated",
        }
    }
}
