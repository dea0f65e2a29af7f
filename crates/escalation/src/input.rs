//! What the machine is given: a record about an incident, a page on its way to a person, a report of what came of an
//! order, or a timer.

use campanile_directory::HandoffNotice;
use campanile_model::outcome::RefusedReason;
use campanile_model::{
    Change, CommandId, IncidentId, IncidentStatus, Named, OrderId, PolicyId, ServiceId, Timestamp, Urgency, UserId,
    Verb,
};
use compact_str::CompactString;

use crate::key::ErrandKey;
use crate::timer::Timer;

/// What of an incident the notifier decides from, as it stands after a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub status: IncidentStatus,
    pub urgency: Urgency,
    /// Name of the priority.
    pub priority: Option<CompactString>,
    pub title: String,
    pub service: Named<ServiceId>,
    pub policy: Named<PolicyId>,
    pub assignees: Vec<UserId>,
}

/// What made a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Event,
    /// The kind of timer, as `triage` names it.
    Timer(CompactString),
    Command(CommandId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Applied(u64),
    Unchanged(u64),
    Refused(RefusedReason),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Revision {
        revision: u64,
        change: Change,
        cause: Cause,
        /// The level that a person asked for; only beside `EscalationRequested`.
        level: Option<u32>,
        standing: Box<Standing>,
    },
    /// The answer to a command that made no revision of its own.
    Answer { command: CommandId, verdict: Verdict },
}

/// One record of `campanile.incidents`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub incident: IncidentId,
    pub news: News,
}

/// Where on a ladder something happened. Ordered as ladders are climbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Entries into triggered, from 1.
    pub cycle: u32,
    /// Passes through the policy that were finished in this cycle.
    pub lap: u32,
    /// From 1; 0 is the last resort, or nobody yet.
    pub level: u32,
    /// Targets of a round-robin level that were tried before.
    pub turn: u32,
}

/// Why a person is paged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The ladder reached the person.
    Step,
    /// Nobody is on call, and the person is the last resort.
    LastResort,
    /// Somebody assigned the person by hand.
    ByHand,
}

impl Reason {
    pub const ALL: [Self; 3] = [Self::Step, Self::LastResort, Self::ByHand];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::LastResort => "last_resort",
            Self::ByHand => "by_hand",
        }
    }
}

/// A page on its way to the shard of its person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub user: UserId,
    pub incident: IncidentId,
    pub revision: u64,
    pub place: Place,
    pub urgency: Urgency,
    pub reason: Reason,
    /// The processor had not confirmed the step in time.
    pub unconfirmed: bool,
    pub service: Named<ServiceId>,
    pub title: String,
    pub at: Timestamp,
}

/// What has not left yet of a person's pages of an incident need not leave any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    pub user: UserId,
    pub incident: IncidentId,
    /// Pages up to here; one of a later place has overtaken this.
    pub place: Place,
    pub at: Timestamp,
}

/// What a provider said of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Taken: an attempt was handed over. The reference says where it stands, for a channel that comes back to it.
    Accepted { provider: CompactString, reference: CompactString },
    /// It reached the device, as far as the provider knows.
    Arrived { provider: CompactString },
    /// Not taken; `permanent` when trying again is pointless.
    Refused { provider: CompactString, permanent: bool, detail: String },
}

/// One record of `campanile.answers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Order {
        order: OrderId,
        reply: Reply,
    },
    /// A person answered: about everything in an order, or about one incident.
    Person {
        id: CompactString,
        user: UserId,
        order: Option<OrderId>,
        incident: Option<IncidentId>,
        verb: Verb,
    },
    /// An errand is durable where it was to go. The id is the errand's own: a later one may have taken the key over.
    Sent {
        key: ErrandKey,
        id: CompactString,
    },
    /// A person's shift begins or ends soon; the person said where to tell it.
    Handoff(Box<HandoffNotice>),
    /// The auditor found no timer for this incident's ladder.
    Audit(IncidentId),
}

pub enum Input<'a> {
    Notice(&'a Notice),
    Page(&'a Page),
    Withdrawal(&'a Withdrawal),
    Report(&'a Report),
    Timer(Timer),
}
