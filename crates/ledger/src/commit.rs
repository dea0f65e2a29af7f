//! The commit record: where a shard stands, written by the same commit as everything it speaks of.

use std::fmt;
use std::str::FromStr;

use campanile_model::{Epoch, LedgerId, Timestamp};

/// The three inputs of a shard. The engine knows lanes, not topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    Main,
    Hop,
    Door,
}

impl Lane {
    pub const ALL: [Self; 3] = [Self::Main, Self::Hop, Self::Door];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Hop => "hop",
            Self::Door => "door",
        }
    }
}

/// Made once with the ledger; says what its numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    pub ledger: LedgerId,
    /// Shards, 1 to 1000. Never follows a partition count.
    pub shards: u16,
    pub format: u16,
}

/// Text form: `1;seq;owner;claim;main;hop;door;out_seq;serial;now;epoch;digest`, under 300 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitRecord {
    /// Rises by one per commit.
    pub seq: u64,
    /// Instance that wrote it; no semicolon in it.
    pub owner: String,
    /// Drawn per claim.
    pub claim: u64,
    /// Next offset to read of each lane, in the order of [`Lane::ALL`].
    pub next: [u64; 3],
    /// Records so far on the topic that this machine alone writes: incidents for triage, notifications for the
    /// notifier. Contiguous per partition.
    pub out_seq: u64,
    /// Ids derived so far.
    pub serial: u64,
    /// Log time of the shard.
    pub now: Timestamp,
    pub epoch: Epoch,
    /// Sum of row hashes where the adapter keeps one, else 0.
    pub digest: u128,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a commit record of format 1")]
pub struct CommitRecordError {
    pub text: String,
}

impl fmt::Display for CommitRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, owner, claim, next: [main, hop, door], out_seq, serial, now, epoch, digest } = self;
        write!(
            f,
            "1;{seq};{owner};{claim:016x};{main};{hop};{door};{out_seq};{serial};{};{};{digest:032x}",
            now.0, epoch.0
        )
    }
}

impl FromStr for CommitRecord {
    type Err = CommitRecordError;

    fn from_str(text: &str) -> Result<Self, CommitRecordError> {
        parse(text).ok_or_else(|| CommitRecordError { text: text.chars().take(300).collect() })
    }
}

fn parse(text: &str) -> Option<CommitRecord> {
    let mut parts = text.split(';');
    if parts.next()? != "1" {
        return None;
    }
    let record = CommitRecord {
        seq: parts.next()?.parse().ok()?,
        owner: parts.next()?.to_owned(),
        claim: u64::from_str_radix(parts.next()?, 16).ok()?,
        next: [parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?],
        out_seq: parts.next()?.parse().ok()?,
        serial: parts.next()?.parse().ok()?,
        now: Timestamp(parts.next()?.parse().ok()?),
        epoch: Epoch(parts.next()?.parse().ok()?),
        digest: u128::from_str_radix(parts.next()?, 16).ok()?,
    };
    parts.next().is_none().then_some(record)
}

/// What a shard finds when it opens: restored, verified, its claim committed.
#[derive(Clone, Debug)]
pub struct Opening {
    pub card: Card,
    pub commit: CommitRecord,
}
