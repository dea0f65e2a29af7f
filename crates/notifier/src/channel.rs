//! What every channel has: it takes a message for one contact method and says what the provider said.

use std::pin::Pin;

use campanile_directory::ContactMethod;
use campanile_escalation::{Handoff, Place, Reason};
use campanile_model::{IncidentId, OrderId, Timestamp, Urgency, UserId};
use compact_str::CompactString;

/// The person a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub id: UserId,
    pub name: CompactString,
    /// The address of the account, which replies by mail are known by.
    pub email: CompactString,
}

/// One incident in a message, as it stood when the page was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub incident: IncidentId,
    pub revision: u64,
    pub title: String,
    pub service: CompactString,
    pub urgency: Urgency,
    pub place: Place,
    pub reason: Reason,
    /// The processor had not confirmed the step in time.
    pub unconfirmed: bool,
    pub at: Timestamp,
    /// Where a person looks at it.
    pub html_url: String,
}

/// What is to reach a person by one contact method. Every attempt of an order is the same message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `None`: a test that somebody asked for; it names no incident that can be answered.
    pub order: Option<OrderId>,
    /// The same for every attempt, so that a provider that keeps it sends once.
    pub idempotency_key: u128,
    pub recipient: Recipient,
    pub contact: ContactMethod,
    /// What it tells in place of incidents.
    pub handoff: Option<Handoff>,
    /// Never empty, but for a hand-off. The most urgent first.
    pub items: Vec<Item>,
}

impl Message {
    /// Somebody is to answer it. A test and a hand-off only tell.
    pub fn asks(&self) -> bool {
        self.order.is_some() && self.handoff.is_none()
    }
}

/// The provider took the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub provider: CompactString,
    /// The provider's own words, for whoever asked for a test: a status line, an id.
    pub detail: String,
    /// Where the message stands, for a channel that comes back to it after a restart; empty for the others.
    pub reference: String,
}

/// The provider did not take it, or nobody knows whether it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub provider: CompactString,
    /// Trying again is pointless: the address is wrong, the account is closed.
    pub permanent: bool,
    pub detail: String,
}

pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<Accepted, Refused>> + Send + 'a>>;

/// One way to reach a person. Ends within its own time-out; cancelled when dropped.
pub trait Channel: Send + Sync {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a>;
}
