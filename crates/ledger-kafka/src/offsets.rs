//! When somebody moved the group's offset: what stands where, and how a person decides. A shard whose offset carries no
//! commit record and is not where its changelog says is refused; only here is that undone, by one ordinary commit.

use std::sync::Arc;

use campanile_ledger::{Card, CommitRecord, Ends};
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::commit_record::COMMIT_KEY;
use crate::inspect;
use crate::options::Options;
use crate::producer_rdkafka::RdkafkaProducer;
use crate::topics::{self, Names, TopicsError, unreachable};
use crate::wire::{Fault, Outgoing, Place, Producer as _, Session};

/// Name in the commit record of what a person decided.
const OWNER: &str = "operator";

#[derive(Debug, thiserror::Error)]
pub enum OffsetsError {
    #[error(transparent)]
    Cluster(#[from] TopicsError),
    #[error("{group} has {members} members; stop every processor, wait for the session time-out (10 s), and try again")]
    InUse { group: String, members: usize },
    #[error("position {asked} lies outside of the lane, which holds {start} to {end}")]
    Outside { asked: u64, start: u64, end: u64 },
    #[error("the commit did not succeed: {0}; look again before trying again")]
    Failed(String),
}

impl From<Fault> for OffsetsError {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.to_string())
    }
}

/// Where a shard stands by its changelog and by the group.
#[derive(Clone, Debug)]
pub struct Standing {
    pub shard: u16,
    /// The last commit, the truth; `None` for a shard that never committed.
    pub last: Option<CommitRecord>,
    /// The group's offset of the main lane, and the commit record with it.
    pub offset: Option<(u64, Option<CommitRecord>)>,
    /// What the main lane holds.
    pub lane: Ends,
}

impl Standing {
    /// Somebody moved the offset: it carries no record of ours and is not where the changelog stands.
    pub fn is_moved(&self) -> bool {
        match (&self.offset, &self.last) {
            (Some((offset, None)), Some(last)) => *offset != last.next[0],
            (Some((_, None)), None) => true,
            _ => false,
        }
    }
}

/// Where every shard stands. Reads each changelog from its start.
///
/// # Errors
/// The cluster is out of reach.
pub fn standings(options: &Options, card: Card) -> Result<Vec<Standing>, TopicsError> {
    let mut standings = Vec::new();
    for progress in inspect::progress(options, card)? {
        let last = topics::last_commit(options, progress.shard)?;
        standings.push(Standing { shard: progress.shard, last, offset: progress.committed, lane: progress.stable });
    }
    Ok(standings)
}

/// Lets the shard go on from `main`, by a commit that changes nothing else: a new record in the changelog and as metadata
/// of the offset. Below the changelog's position, events are judged again, and repeats of what was judged are absorbed only
/// while their alerts are open; above it, events are never judged. The group must be empty.
///
/// # Errors
/// The group has members, the position is outside of the lane, or the cluster refuses.
pub fn go_on_from(options: &Options, card: Card, standing: &Standing, main: u64) -> Result<CommitRecord, OffsetsError> {
    let group = inspect::group(options, card)?;
    if !group.members.is_empty() {
        return Err(OffsetsError::InUse { group: group.name, members: group.members.len() });
    }
    let Ends { start, end } = standing.lane;
    if main < start || main > end {
        return Err(OffsetsError::Outside { asked: main, start, end });
    }
    let last = standing.last.clone().unwrap_or_default();
    let claim = getrandom::u64().map_err(|error| OffsetsError::Failed(error.to_string()))?;
    let record = CommitRecord {
        seq: last.seq + 1,
        owner: OWNER.to_owned(),
        claim,
        next: [main, last.next[1], last.next[2]],
        ..last
    };
    let shard = standing.shard;
    // Of the group and no member of it, which the broker takes from a group that is empty and from no other.
    let mut config = options.reader(card.ledger.0);
    let member: BaseConsumer =
        config.set("group.id", &group.name).create().map_err(|error| unreachable(options, &error))?;
    let metadata = member.group_metadata().ok_or_else(|| OffsetsError::Failed("no group metadata".to_owned()))?;
    let session = Session { generation: -1, native: Arc::new(metadata) };
    let mut producer = RdkafkaProducer::new(options, card.ledger.0, Names::new(options), shard)?;
    let text = record.to_string();
    producer.begin()?;
    producer.produce(Place::Changelog, Outgoing::Row { key: COMMIT_KEY, value: Some(text.as_bytes()) }, true)?;
    producer.drain()?;
    producer.send_offsets(main, &text, &session)?;
    producer.commit()?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offset_without_a_record_elsewhere_than_the_changelog_is_moved() {
        let last = CommitRecord { seq: 3, next: [7, 0, 0], ..CommitRecord::default() };
        let standing = |last: Option<&CommitRecord>, offset| Standing {
            shard: 0,
            last: last.cloned(),
            offset,
            lane: Ends { start: 0, end: 9 },
        };
        assert!(standing(Some(&last), Some((5, None))).is_moved());
        assert!(standing(None, Some((5, None))).is_moved());
        assert!(!standing(Some(&last), Some((7, None))).is_moved(), "where it stands anyway");
        assert!(!standing(Some(&last), Some((7, Some(last.clone())))).is_moved());
        assert!(!standing(Some(&last), None).is_moved(), "the group's offsets expired");
        assert!(!standing(None, None).is_moved());
    }
}
