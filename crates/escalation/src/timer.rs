//! Timers of the machine: at most one deadline per (kind, object).

use campanile_model::{IncidentId, OrderId};

use crate::key::PersonKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimerKind {
    /// A ladder's next deadline: the priority's delay, the processor's answer, or the next level.
    Ladder,
    /// A person's next page.
    Person,
    /// An order is to be tried again, or may be forgotten.
    Order,
}

impl TimerKind {
    pub const ALL: [Self; 3] = [Self::Ladder, Self::Person, Self::Order];

    /// Number in timer keys; never reused, and apart from those of `triage`.
    pub const fn number(self) -> u8 {
        match self {
            Self::Ladder => 33,
            Self::Person => 34,
            Self::Order => 35,
        }
    }

    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ladder => "ladder",
            Self::Person => "person",
            Self::Order => "order",
        }
    }
}

/// Objects are incident ids, person keys or order ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer {
    pub kind: TimerKind,
    pub object: u128,
}

impl Timer {
    pub fn ladder(id: IncidentId) -> Self {
        Self { kind: TimerKind::Ladder, object: u128::from(id.0) }
    }

    pub fn person(key: PersonKey) -> Self {
        Self { kind: TimerKind::Person, object: key.0 }
    }

    pub fn order(id: OrderId) -> Self {
        Self { kind: TimerKind::Order, object: u128::from(id.0) }
    }

    pub(crate) fn incident_id(self) -> IncidentId {
        IncidentId(self.object as u64)
    }

    pub(crate) fn order_id(self) -> OrderId {
        OrderId(self.object as u64)
    }
}
