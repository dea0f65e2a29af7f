//! What an input does to the world beyond the rows.

use campanile_directory::Channel;
use campanile_model::{
    Command, IncidentId, OrderId, Outcome, Paging, PolicyId, RoutingKey, ShardId, Timestamp, UserId,
};
use compact_str::CompactString;
use smallvec::SmallVec;

use crate::input::{Page, Place, Reason, Withdrawal};
use crate::key::ErrandKey;
use crate::timer::Timer;

/// What is appended to an input topic of the processor, outside every transaction and so after the commit. Stays a row
/// until it is known to be durable there; its id keeps a second sending harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    Command(Box<Command>),
    /// An event about the account itself: nobody is on call.
    Gap(Box<Gap>),
}

impl Errand {
    /// Tells it from an earlier or later one of the same key.
    pub fn id(&self) -> &str {
        match self {
            Self::Command(command) => command.id.as_str(),
            Self::Gap(gap) => &gap.dedup_key,
        }
    }
}

/// A policy of which nobody was on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub routing_key: RoutingKey,
    pub dedup_key: String,
    pub policy: PolicyId,
    pub policy_name: CompactString,
    pub incident: IncidentId,
    pub at: Timestamp,
}

/// To the shard of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    Page(Page),
    Withdrawal(Withdrawal),
}

/// What became of the paging of an incident; the history that `campanile.notifications` keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The priority's delay runs until then.
    Delayed {
        until: Timestamp,
    },
    /// A level was entered and these people are paged.
    Entered {
        users: Vec<UserId>,
        reason: Reason,
        unconfirmed: bool,
    },
    /// A level had nobody on call and was passed at once (ES-4).
    Skipped,
    /// Nobody is on call at any level.
    Uncovered {
        policy: PolicyId,
    },
    /// The rules begin again.
    Repeated,
    Exhausted,
    /// Nobody was paged: it resolved first.
    Saved,
    /// A person's pages became an order.
    Ordered {
        order: OrderId,
        user: UserId,
        channel: Channel,
        contact: CompactString,
        idempotency_key: u128,
    },
    /// So many pages wait for the person that this one was left out.
    Crowded {
        user: UserId,
    },
    /// A page that nobody gets.
    Dropped {
        user: UserId,
        why: Why,
    },
    /// Taken back before it left.
    Withdrawn {
        user: UserId,
    },
    Accepted {
        order: OrderId,
        user: UserId,
        channel: Channel,
        provider: CompactString,
        /// Where the message stands, for a channel that comes back to it; empty for the others.
        reference: CompactString,
    },
    Arrived {
        order: OrderId,
        user: UserId,
        channel: Channel,
        provider: CompactString,
    },
    /// Not taken; `next` is when it is tried again, `None` when it is given up.
    Refused {
        order: OrderId,
        user: UserId,
        channel: Channel,
        provider: CompactString,
        detail: String,
        next: Option<Timestamp>,
    },
    /// A person answered, and the processor is asked.
    Answered {
        user: UserId,
        verb: &'static str,
    },
}

/// Why nobody gets a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The directory has no such user, or not yet.
    UnknownUser,
    TooOld,
}

impl Why {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown_user",
            Self::TooOld => "too_old",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub incident: IncidentId,
    pub place: Place,
    pub what: What,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publish {
    Hop(ShardId, Box<Hop>),
    Notification(Box<Notification>),
    /// A new errand; its row is written in the same commit.
    Errand(ErrandKey, Box<Errand>),
    /// An order that may leave now; its row is written in the same commit.
    Order(OrderId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerChange {
    pub timer: Timer,
    /// `None` takes it away.
    pub due: Option<Timestamp>,
}

#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects {
    pub outcome: Outcome,
    pub publish: SmallVec<[Publish; 2]>,
    pub timers: SmallVec<[TimerChange; 1]>,
}

impl Effects {
    pub(crate) fn of(paging: Paging) -> Self {
        Self { outcome: Outcome::Paging(paging), publish: SmallVec::new(), timers: SmallVec::new() }
    }

    pub(crate) fn stale() -> Self {
        Self { outcome: Outcome::Stale, publish: SmallVec::new(), timers: SmallVec::new() }
    }

    pub(crate) fn came_to(&mut self, paging: Paging) {
        self.outcome = Outcome::Paging(paging);
    }

    pub(crate) fn tell(&mut self, incident: IncidentId, place: Place, what: What, at: Timestamp) {
        self.publish.push(Publish::Notification(Box::new(Notification { incident, place, what, at })));
    }

    pub(crate) fn move_timer(&mut self, timer: Timer, due: Option<Timestamp>) {
        self.timers.push(TimerChange { timer, due });
    }
}
