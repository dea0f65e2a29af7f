//! Messages that tests send.

#![allow(dead_code)]

use campanile_directory::{Channel, ContactMethod};
use campanile_escalation::{Place, Reason};
use campanile_model::{IncidentId, LedgerId, OrderId, ShardId, Timestamp, Urgency, UserId};
use campanile_notifier::door::{Links, Signer};
use campanile_notifier::{Item, Message, Recipient};

/// 2026-11-24T12:00:00Z.
pub(crate) const NOON: Timestamp = Timestamp(1_795_521_600_000);
pub(crate) const LEDGER: LedgerId = LedgerId(7);

pub(crate) fn incident(serial: u64) -> IncidentId {
    IncidentId::derive(LEDGER, ShardId(3), serial)
}

pub(crate) fn order() -> OrderId {
    OrderId::derive(LEDGER, ShardId(2), 9)
}

pub(crate) fn item(serial: u64, title: &str) -> Item {
    Item {
        incident: incident(serial),
        revision: 1,
        title: title.to_owned(),
        service: "checkout".into(),
        urgency: Urgency::High,
        place: Place { cycle: 1, lap: 0, level: 1, turn: 0 },
        reason: Reason::Step,
        unconfirmed: false,
        at: NOON,
        html_url: format!("https://campanile.example/incidents/{}", incident(serial)),
    }
}

pub(crate) fn message(channel: Channel, address: &str, items: Vec<Item>) -> Message {
    let contact = ContactMethod {
        id: "C1".into(),
        channel,
        address: address.into(),
        label: "work".into(),
        country_code: 1,
        enabled: true,
    };
    let recipient = Recipient { id: UserId::new("PANN"), name: "Ann Lee".into(), email: "ann@example.com".into() };
    Message { order: Some(order()), idempotency_key: 0xabcd, recipient, contact, handoff: None, items }
}

pub(crate) fn test_message(channel: Channel, address: &str) -> Message {
    Message { order: None, ..message(channel, address, vec![item(12, "Test")]) }
}

pub(crate) fn signer() -> Signer {
    Signer::new(b"a secret of thirty-two bytes, yes")
}

pub(crate) fn links() -> Links {
    Links::new("https://answers.example/c/", signer())
}
