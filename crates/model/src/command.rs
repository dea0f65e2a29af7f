//! What a person, or the notifier, may ask of an incident.

use compact_str::CompactString;

use crate::id::{CommandId, IncidentId, PolicyId, UserId};
use crate::incident::Urgency;
use crate::time::Span;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// A PagerDuty reference type such as `user_reference` or `service_reference`.
    pub kind: CompactString,
    pub id: CompactString,
}

/// A level of a policy that was reached, and who is asked there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Passes through the policy that were finished before this one.
    pub lap: u32,
    /// From 1; 0 is the last resort, when nobody is on call at any level.
    pub level: u32,
    /// Never empty.
    pub users: Vec<UserId>,
}

/// Who is to have the incident instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heir {
    /// These people, at most [`ASSIGNEES_MAX`]; the incident escalates no further.
    Users(Vec<UserId>),
    /// Another policy, from its first level.
    Policy(PolicyId),
}

/// Most people one incident is assigned to. Source: ours, the targets of one rule times a schedule of several people.
pub const ASSIGNEES_MAX: usize = 100;
/// Most incidents merged by one command. Source: ours; a merge reads every alert of each.
pub const MERGE_SOURCES_MAX: usize = 20;
/// Shortest and longest snooze, in seconds: a week. Source: PagerDuty REST, `POST /incidents/{id}/snooze`, `duration`.
pub const SNOOZE_SECONDS: (i64, i64) = (1, 604_800);
/// Longest note, in characters. Source: PagerDuty REST, Incident note `content`.
pub const NOTE_CHARS_MAX: usize = 25_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Acknowledge,
    Resolve,
    /// A priority's id or name as the sender wrote it; `None` takes the priority away.
    SetPriority(Option<CompactString>),
    SetUrgency(Urgency),
    SetTitle(String),
    /// What the notifier asks when a step falls due: these people have it now.
    Escalate(Step),
    /// What a person asks: go on to this level, from 1, or to the next. Who that is the notifier finds out.
    RequestEscalation(Option<u32>),
    Reassign(Heir),
    /// Quiet for so long, then triggered again from the first level.
    Snooze(Span),
    /// These incidents end and their open alerts join this one.
    Merge(Vec<IncidentId>),
    Note(String),
}

impl Verb {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::SetPriority(_) => "set_priority",
            Self::SetUrgency(_) => "set_urgency",
            Self::SetTitle(_) => "set_title",
            Self::Escalate(_) | Self::RequestEscalation(_) => "escalate",
            Self::Reassign(_) => "reassign",
            Self::Snooze(_) => "snooze",
            Self::Merge(_) => "merge",
            Self::Note(_) => "note",
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
