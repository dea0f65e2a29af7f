//! What a person, or the notifier, may ask of an incident.

use compact_str::CompactString;

use crate::id::{CommandId, IncidentId};
use crate::incident::Urgency;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// A PagerDuty reference type such as `user_reference` or `service_reference`.
    pub kind: CompactString,
    pub id: CompactString,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Acknowledge,
    Resolve,
    /// A priority's id or name as the sender wrote it; `None` takes the priority away.
    SetPriority(Option<CompactString>),
    SetUrgency(Urgency),
    SetTitle(String),
}

impl Verb {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::SetPriority(_) => "set_priority",
            Self::SetUrgency(_) => "set_urgency",
            Self::SetTitle(_) => "set_title",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub id: CommandId,
    pub actor: Actor,
    pub incident: IncidentId,
    pub verb: Verb,
    /// The revision the sender saw; when given and no longer the newest, the command is refused.
    pub revision: Option<u64>,
}
