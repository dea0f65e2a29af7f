//! Typed ids.
//!
//! Ids of directory objects are PagerDuty's strings and are taken as they are. Ids of incidents and alerts are
//! *derived* from (ledger, shard, serial) and never drawn, so that a batch that is computed again names the same things.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;

macro_rules! named_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(CompactString);

        impl $name {
            /// Takes the text as it is; the directory has checked its form.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(CompactString::new(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}

named_id! {
    /// A technical service, `P…`.
    ServiceId,
    /// One way into a service; owns a routing key.
    IntegrationId,
    TeamId,
    UserId,
    /// An escalation policy.
    PolicyId,
    ScheduleId,
    BusinessServiceId,
    MaintenanceId,
    PriorityId,
    /// An alert grouping setting, which may join several services in one scope.
    GroupingId,
    /// Where state lives: a service id, or the id of the grouping setting that joins several services.
    ScopeId,
    /// The 32 alphanumerics that senders put in `routing_key`.
    RoutingKey,
    /// Given by whoever sends a command, unique for 24 h.
    CommandId,
}

/// An id with the name that references show as `summary`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named<I> {
    pub id: I,
    pub name: CompactString,
}

/// Most shards one ledger may have. The decimal form of an incident number is `serial` then three digits of shard.
pub const SHARDS_MAX: u16 = 1000;

/// A shard and the number of the partition that it owns on each of its lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a ledger: drawn once when it is made, kept on its card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LedgerId(pub u64);

/// The version of the directory that a decision was made under. Rises by one with each apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

const SERIAL_BITS: u32 = 40;
const SHARD_BITS: u32 = 12;

/// Crockford's base 32: no I, L, O, U, so that an id read aloud survives the phone.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of a derived id: `Q` and 13 digits of base 32, the length PagerDuty's own incident ids have.
pub const DERIVED_ID_CHARS: usize = 14;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id of this system: expected Q and 13 characters of 0-9 and A-Z without I, L, O, U")]
pub struct IdError {
    pub text: String,
}

fn derive(ledger: LedgerId, shard: ShardId, serial: u64) -> u64 {
    debug_assert!(serial < 1 << SERIAL_BITS, "serial {serial} exceeds 40 bits");
    (ledger.0 << (SERIAL_BITS + SHARD_BITS)) | (u64::from(shard.0) << SERIAL_BITS) | serial
}

/// A derived id as people read it.
#[derive(Clone, Copy, Debug)]
pub struct IdText([u8; DERIVED_ID_CHARS]);

impl IdText {
    fn of(id: u64) -> Self {
        let mut text = [b'Q'; DERIVED_ID_CHARS];
        for (i, slot) in text[1..].iter_mut().enumerate() {
            let shift = 5 * (12 - i as u32);
            *slot = DIGITS[((id >> shift) & 31) as usize];
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        // Digits are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn read_id(text: &str) -> Result<u64, IdError> {
    let refuse = || IdError { text: text.chars().take(64).collect() };
    let digits = text.strip_prefix('Q').filter(|d| d.len() == DERIVED_ID_CHARS - 1).ok_or_else(refuse)?;
    let mut id: u128 = 0;
    for byte in digits.bytes() {
        let digit = DIGITS.iter().position(|d| *d == byte).ok_or_else(refuse)?;
        id = id << 5 | digit as u128;
    }
    u64::try_from(id).map_err(|_| refuse())
}

macro_rules! derived_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// The id of the thing with this serial on this shard of this ledger.
            pub fn derive(ledger: LedgerId, shard: ShardId, serial: u64) -> Self {
                Self(derive(ledger, shard, serial))
            }

            /// The text of its display form, for those who write many.
            pub fn text(self) -> IdText {
                IdText::of(self.0)
            }

            /// The shard that made it, and that judges it.
            pub fn shard(self) -> ShardId {
                ShardId(((self.0 >> SERIAL_BITS) & ((1 << SHARD_BITS) - 1)) as u16)
            }

            pub fn serial(self) -> u64 {
                self.0 & ((1 << SERIAL_BITS) - 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text().as_str())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                read_id(text).map(Self)
            }
        }
    )+};
}

derived_id! {
    /// An incident. Its home shard can be read from it, so that a command finds its partition.
    IncidentId,
    /// An alert. Shares the serials of its shard with incidents, so the two never collide.
    AlertId,
    /// A page on its way to one contact method of one person, made by that person's shard.
    OrderId,
}

impl IncidentId {
    /// The integer people see. Unique, rising per shard, not dense: serial, then three digits of the shard.
    pub fn number(self) -> u64 {
        self.serial() * u64::from(SHARDS_MAX) + u64::from(self.shard().0)
    }
}
