//! How rows are named: a service prefix that keeps neighbours together, and a 128-bit hash that names one thing.

use campanile_model::{CommandId, IncidentId, LedgerId, ServiceId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// An open alert by (service, integration, dedup key). The hash has 96 bits, so that the whole key is one 128-bit
/// number and a timer can name it: a billion open alerts collide with a chance below 10⁻¹¹.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertKey {
    pub service: u32,
    hash: u128,
}

const HASH_BITS: u32 = 96;
const HASH_MASK: u128 = (1 << HASH_BITS) - 1;

impl AlertKey {
    /// The prefix that the keys of a service's alerts share.
    pub fn prefix_of(service: &ServiceId) -> u32 {
        prefix(service.as_str())
    }

    pub fn packed(self) -> u128 {
        (u128::from(self.service) << HASH_BITS) | self.hash
    }

    /// The same hash under another service prefix.
    #[must_use]
    pub fn with_service(self, service: u32) -> Self {
        Self { service, ..self }
    }

    pub fn unpack(packed: u128) -> Self {
        Self { service: (packed >> HASH_BITS) as u32, hash: packed & HASH_MASK }
    }
}

/// A group by (scope, grouping, values).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    pub scope: u32,
    pub hash: u128,
}

/// One page of the members of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageKey {
    pub page: u32,
    pub incident: IncidentId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandKey(pub u128);

/// Makes keys. Seeded by the ledger's id, which senders do not know, so that nobody can aim two dedup keys at one row.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    seed: u64,
}

impl Keys {
    pub fn new(ledger: LedgerId) -> Self {
        Self { seed: ledger.0 }
    }

    pub fn alert(self, service: &ServiceId, integration: &str, dedup_key: &str) -> AlertKey {
        let hash = self.hash(&[service.as_str().as_bytes(), integration.as_bytes(), dedup_key.as_bytes()]);
        AlertKey { service: prefix(service.as_str()), hash: hash & HASH_MASK }
    }

    pub fn group(self, scope: &str, parts: &[&[u8]]) -> GroupKey {
        GroupKey { scope: prefix(scope), hash: self.hash(parts) }
    }

    pub fn command(self, id: &CommandId) -> CommandKey {
        CommandKey(self.hash(&[id.as_str().as_bytes()]))
    }

    fn hash(self, parts: &[&[u8]]) -> u128 {
        // Lengths go in front of their part, so that no two lists of parts make the same bytes.
        let mut bytes = smallvec::SmallVec::<[u8; 256]>::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        xxh3_128_with_seed(&bytes, self.seed)
    }
}

/// Four bytes of a name's hash. A collision puts two services side by side and does no harm: identity is in the hash.
fn prefix(name: &str) -> u32 {
    (xxh3_64(name.as_bytes()) >> 32) as u32
}
