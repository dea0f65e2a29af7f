//! The rows of the machine, typed.

use campanile_directory::policy::{Strategy, Target};
use campanile_directory::{Channel, Turn};
use campanile_model::{
    CommandId, IncidentId, LedgerId, Named, OrderId, PolicyId, ScheduleId, ServiceId, ShardId, Span, Timestamp,
    Urgency, UserId,
};
use campanile_table::Table;
use compact_str::CompactString;

use crate::effects::Errand;
use crate::input::{Place, Reason};
use crate::key::{ErrandKey, Keys, PersonKey, RingKey};
use crate::oncall::Users;
use crate::retry;

/// One level of a policy, as it was when the incident was triggered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    pub delay: Span,
    pub targets: Vec<Target>,
    pub strategy: Strategy,
}

/// A policy as it was when the incident was triggered: edits do not reach open incidents. Who is on call is asked at
/// each step all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub id: PolicyId,
    pub name: CompactString,
    pub loops: u32,
    pub rungs: Vec<Rung>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The priority's delay runs.
    Delayed,
    /// The processor was asked for the next step.
    Asking,
    /// A level was entered; its delay runs.
    Climbing,
    /// Every lap is done. The incident stays with its last people.
    Exhausted,
    /// Assigned by hand: it does not escalate.
    ByHand,
    /// Low urgency: its first level was entered, and it does not escalate.
    Low,
    /// Acknowledged or snoozed.
    Quiet,
}

impl Stage {
    /// Its place here is its number in rows: new ones are added at the end.
    pub const ALL: [Self; 7] =
        [Self::Delayed, Self::Asking, Self::Climbing, Self::Exhausted, Self::ByHand, Self::Low, Self::Quiet];

    /// Whether a deadline must exist.
    pub const fn waits(self) -> bool {
        match self {
            Self::Delayed | Self::Asking | Self::Climbing => true,
            Self::Exhausted | Self::ByHand | Self::Low | Self::Quiet => false,
        }
    }
}

/// A step that was asked of the processor and not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub command: CommandId,
    /// Times this step was asked, from 1.
    pub attempt: u32,
    pub place: Place,
    pub users: Users,
    pub reason: Reason,
    /// Its people were paged without an answer; a late one must not page them again (ES-3).
    pub paged: bool,
}

/// The climb of one open incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    pub incident: IncidentId,
    /// The newest that was seen.
    pub revision: u64,
    pub urgency: Urgency,
    pub title: String,
    pub service: Named<ServiceId>,
    pub policy: Policy,
    /// The level entered last.
    pub place: Place,
    pub stage: Stage,
    /// When this entry into triggered began; the priority's delay counts from here.
    pub since: Timestamp,
    /// The next deadline; `None` in a stage that waits for nothing.
    pub due: Option<Timestamp>,
    pub asked: Option<Asked>,
    /// Whose pages are out.
    pub paged: Users,
    /// Where the ring of the present level began for this incident.
    pub ring: u32,
}

/// A page that has not become an order yet: one rule of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub incident: IncidentId,
    pub revision: u64,
    pub place: Place,
    /// Index of the rule among the person's own when the page came; `u16::MAX` for the mail of a person without rules.
    pub rule: u16,
    /// A contact method's id; `""` for the person's own address.
    pub contact: CompactString,
    pub channel: Channel,
    pub urgency: Urgency,
    pub reason: Reason,
    pub unconfirmed: bool,
    pub service: Named<ServiceId>,
    pub title: String,
    /// When the ladder paged.
    pub at: Timestamp,
    /// When its rule lets it go; caps may hold it longer.
    pub due: Timestamp,
}

/// What belongs to a person: pages that wait, and what left lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub user: UserId,
    pub waiting: Vec<Waiting>,
    /// Orders made lately, oldest first: for the caps.
    pub sent: Vec<(CompactString, Channel, Timestamp)>,
    /// Orders that no provider has taken yet.
    pub unsent: Vec<OrderId>,
    /// Hand-offs that were told, by the idempotency keys of their orders, and until when each is remembered.
    pub told: Vec<(u128, Timestamp)>,
    pub due: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// To be sent, now or when its next attempt is due.
    Waiting,
    Accepted,
    Arrived,
    /// Given up.
    Failed,
    /// Taken back. It may have left all the same, and people may answer it.
    Withdrawn,
}

impl Delivery {
    /// Its place here is its number in rows: new ones are added at the end.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Accepted, Self::Arrived, Self::Failed, Self::Withdrawn];
}

/// A person's turn on call begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    pub schedule: Named<ScheduleId>,
    pub turn: Turn,
    pub at: Timestamp,
    /// When the notice was made.
    pub told_at: Timestamp,
}

/// Pages of a person that go to one contact method in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub user: UserId,
    pub contact: CompactString,
    pub channel: Channel,
    /// Never empty while it waits, but for a hand-off. The most urgent first.
    pub items: Vec<Waiting>,
    /// What it tells in place of incidents.
    pub handoff: Option<Handoff>,
    /// The same for every attempt, so that a provider that keeps it sends once.
    pub idempotency_key: u128,
    pub made_at: Timestamp,
    pub attempts: u32,
    pub delivery: Delivery,
    /// The next attempt while it waits, then when it may be forgotten.
    pub due: Timestamp,
}

impl Order {
    /// High if anything in it is.
    pub fn urgency(&self) -> Urgency {
        let is_high = self.items.iter().any(|it| it.urgency == Urgency::High);
        if is_high { Urgency::High } else { Urgency::Low }
    }

    /// Whether it waited for so long that it is given up: an hour, or a day for low urgency.
    pub fn is_too_old(&self, now: Timestamp) -> bool {
        retry::is_too_old(self.urgency(), self.made_at, now)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Ids {
    pub ledger: LedgerId,
    pub shard: ShardId,
    /// Serials used so far.
    pub serial: u64,
}

impl Ids {
    pub(crate) fn order(&mut self) -> OrderId {
        self.serial += 1;
        OrderId::derive(self.ledger, self.shard, self.serial)
    }
}

/// How many clean rows stay in memory, per shard and kind. A ladder with its policy has about 1 kB.
pub const ROWS_REMEMBERED: usize = 10_000;

#[derive(Debug)]
pub struct State {
    pub ids: Ids,
    pub keys: Keys,
    pub ladders: Table<IncidentId, Ladder>,
    /// The target that the next incident begins with.
    pub rings: Table<RingKey, u32>,
    pub persons: Table<PersonKey, Person>,
    pub orders: Table<OrderId, Order>,
    pub errands: Table<ErrandKey, Errand>,
}

impl State {
    pub fn new(ids: Ids) -> Self {
        Self::remembering(ids, ROWS_REMEMBERED)
    }

    pub fn remembering(ids: Ids, rows: usize) -> Self {
        Self {
            ids,
            keys: Keys::new(ids.ledger),
            ladders: Table::new(rows),
            rings: Table::new(rows),
            persons: Table::new(rows),
            orders: Table::new(rows),
            errands: Table::new(rows),
        }
    }

    /// Rows changed since the last drain.
    pub fn changed(&self) -> usize {
        self.ladders.changed()
            + self.rings.changed()
            + self.persons.changed()
            + self.orders.changed()
            + self.errands.changed()
    }
}
