//! How rows are named: 128-bit hashes, seeded by the ledger's id.

use campanile_model::{IncidentId, LedgerId, PolicyId, UserId};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A person, at the shard that has the person's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonKey(pub u128);

/// The ring of one level of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RingKey(pub u128);

/// Something to be sent after the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrandKey(pub u128);

#[derive(Clone, Copy, Debug)]
pub struct Keys {
    seed: u64,
}

impl Keys {
    pub fn new(ledger: LedgerId) -> Self {
        Self { seed: ledger.0 }
    }

    pub fn person(self, user: &UserId) -> PersonKey {
        PersonKey(self.hash(&[user.as_str().as_bytes()]))
    }

    /// `level` counts from 1.
    pub fn ring(self, policy: &PolicyId, level: u32) -> RingKey {
        RingKey(self.hash(&[policy.as_str().as_bytes(), &level.to_le_bytes()]))
    }

    /// The step that an incident's ladder asks for: one at a time.
    pub fn step(self, incident: IncidentId) -> ErrandKey {
        ErrandKey(self.hash(&[b"step", &incident.0.to_le_bytes()]))
    }

    /// The event about a policy of which nobody is on call.
    pub fn gap(self, policy: &PolicyId) -> ErrandKey {
        ErrandKey(self.hash(&[b"gap", policy.as_str().as_bytes()]))
    }

    /// What a person's answer asks of one incident.
    pub fn reply(self, answer: &str, incident: IncidentId) -> ErrandKey {
        ErrandKey(self.hash(&[b"reply", answer.as_bytes(), &incident.0.to_le_bytes()]))
    }

    pub(crate) fn hash(self, parts: &[&[u8]]) -> u128 {
        // Lengths go in front of their part, so that no two lists of parts make the same bytes.
        let mut bytes = smallvec::SmallVec::<[u8; 256]>::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        xxh3_128_with_seed(&bytes, self.seed)
    }
}
