//! Keys of the notifier's rows. Kinds and layout are those of [`crate::keys`].

use campanile_escalation::{ErrandKey, PersonKey, RingKey, Want};
use campanile_model::{IncidentId, OrderId};

use crate::keys::{Key, Kind, key, parts};

pub fn ladder(id: &IncidentId) -> Key {
    key(Kind::Ladder, 0, u128::from(id.0))
}

pub fn ring(ring: &RingKey) -> Key {
    key(Kind::Ring, 0, ring.0)
}

pub fn person(person: &PersonKey) -> Key {
    key(Kind::Person, 0, person.0)
}

pub fn order(id: &OrderId) -> Key {
    key(Kind::Order, 0, u128::from(id.0))
}

pub fn errand(errand: &ErrandKey) -> Key {
    key(Kind::Errand, 0, errand.0)
}

/// The key of a wanted row.
pub fn of(want: &Want) -> Key {
    match want {
        Want::Ladder(k) => ladder(k),
        Want::Ring(k) => ring(k),
        Want::Person(k) => person(k),
        Want::Order(k) => order(k),
        Want::Errand(k) => errand(k),
    }
}

/// What a key of the notifier names; `None` for any other.
pub fn read(key: &Key) -> Option<Want> {
    let (kind, _, identity) = parts(key)?;
    match kind {
        Kind::Ladder => Some(Want::Ladder(IncidentId(identity as u64))),
        Kind::Ring => Some(Want::Ring(RingKey(identity))),
        Kind::Person => Some(Want::Person(PersonKey(identity))),
        Kind::Order => Some(Want::Order(OrderId(identity as u64))),
        Kind::Errand => Some(Want::Errand(ErrandKey(identity))),
        Kind::Alert | Kind::Answer | Kind::Details | Kind::Group | Kind::Incident | Kind::Members => None,
    }
}
