//! Keys of the changelog, and the reckoning of its digest.

use campanile_ledger::batch::ROW_KEY_BYTES;
use campanile_ledger::{RowKey, TimerKey};
use campanile_model::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

/// The truth of a shard: its commit record, last of every batch. Sorts apart from rows and timers.
pub(crate) const COMMIT_KEY: &[u8] = b"~commit";

const ROW: u8 = b'r';
const TIMER: u8 = b't';

pub(crate) fn row_key(key: RowKey) -> [u8; 1 + ROW_KEY_BYTES] {
    let mut bytes = [ROW; 1 + ROW_KEY_BYTES];
    bytes[1..].copy_from_slice(&key.0);
    bytes
}

pub(crate) fn timer_key(key: TimerKey) -> [u8; 18] {
    let mut bytes = [TIMER; 18];
    bytes[1] = key.kind;
    bytes[2..].copy_from_slice(&key.object.to_be_bytes());
    bytes
}

pub(crate) fn due_value(due: Timestamp) -> [u8; 8] {
    due.0.to_be_bytes()
}

pub(crate) fn due_of(value: &[u8]) -> Option<Timestamp> {
    Some(Timestamp(i64::from_be_bytes(value.try_into().ok()?)))
}

/// What a changelog record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Row(RowKey),
    Timer(TimerKey),
    Commit,
}

pub(crate) fn subject(key: &[u8]) -> Option<Subject> {
    if key == COMMIT_KEY {
        return Some(Subject::Commit);
    }
    match key.split_first()? {
        (&ROW, rest) => Some(Subject::Row(RowKey(rest.try_into().ok()?))),
        (&TIMER, rest) if rest.len() == 17 => {
            Some(Subject::Timer(TimerKey { kind: rest[0], object: u128::from_be_bytes(rest[1..].try_into().ok()?) }))
        }
        _ => None,
    }
}

/// One row's or timer's share of the digest; nothing that is absent has a share. The digest is their sum, so that it
/// can be carried along: minus old, plus new.
pub(crate) fn share(key: &[u8], value: Option<&[u8]>) -> u128 {
    let Some(value) = value else { return 0 };
    let mut bytes = Vec::with_capacity(4 + key.len() + value.len());
    bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
    xxh3_128(&bytes)
}
