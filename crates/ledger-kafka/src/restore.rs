//! A claimed shard's table: what the local directory has, brought up with the changelog's tail, and judged against what
//! the group witnessed. Nothing is deleted until its replacement is verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use campanile_ledger::{Card, CommitRecord, Lane};

use crate::commit_record::{Subject, share, subject};
use crate::disk::{Disk, DiskError};
use crate::faults::{self, Fault as Mutation, Point};
use crate::host::Host;
use crate::openings::{Openings, Restoring};
use crate::wire::{Change, Fault, Wire, Witness};
use crate::write_behind::{Local, Piece, Store, Value};

/// A directory that was written longer ago may lack deletions: their tombstones are kept for seven days only.
const LOCAL_AGE_MAX_MS: i64 = 3 * 24 * 3600 * 1000;
const PIECE_RECORDS: usize = 20_000;
const PIECE_BYTES: usize = 8 << 20;
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// Why a shard was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Try again.
    #[error("{0}")]
    Again(String),
    /// A person must look; nothing was changed.
    #[error("{0}")]
    Refused(String),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Again(reason) | Fault::Dead(reason) => Self::Again(reason),
            Fault::Refused(reason) => Self::Refused(reason),
        }
    }
}

impl From<DiskError> for Refusal {
    fn from(error: DiskError) -> Self {
        Self::Again(format!("the state directory: {error}"))
    }
}

/// Which shard of which ledger, and where.
pub(crate) struct Place<'a> {
    pub(crate) card: Card,
    pub(crate) machine: &'a str,
    pub(crate) shard: u16,
    pub(crate) data: &'a Path,
    pub(crate) disk: &'a dyn Disk,
    pub(crate) host: &'a Arc<dyn Host>,
    pub(crate) openings: &'a Openings,
}

impl Place<'_> {
    /// What a directory must say to be this shard's.
    fn card_text(&self) -> String {
        format!("1;{:016x};{};{};{}", self.card.ledger.0, self.machine, self.shard, self.card.format)
    }

    fn path(&self) -> PathBuf {
        self.data.join(format!("{}-{}", self.machine, self.shard))
    }

    fn open(&self, path: &Path) -> Result<(Store, Local), DiskError> {
        Store::open(self.disk, path, self.host)
    }
}

pub(crate) struct Restored {
    pub(crate) store: Store,
    /// The last commit; sequence 0 for a shard that never committed.
    pub(crate) record: CommitRecord,
    pub(crate) position: u64,
}

/// Restores and verifies. The last owner's transaction must have ended: `init_transactions` comes first.
pub(crate) fn restore(wire: &dyn Wire, place: &Place<'_>) -> Result<Restored, Refusal> {
    let witness = wire.committed(place.shard)?;
    let ends = wire.changelog_ends(place.shard)?;
    let (store, local) = open_local(place, ends.end)?;
    let is_cold = local.position == 0;
    let (mut restored, digest) = replay(wire, place, store, local, ends.end)?;
    let last = (restored.record.seq > 0).then_some(&restored.record);
    match judge(witness.as_ref(), last, digest) {
        Verdict::Go => {}
        Verdict::DigestDiffers if !is_cold => {
            tracing::error!(shard = place.shard, "the local rows are not those that were committed; restoring anew");
            drop(restored.store);
            set_aside(place, &place.path())?;
            let (store, local) = open_local(place, ends.end)?;
            let (again, digest) = replay(wire, place, store, local, ends.end)?;
            if let Verdict::Refuse(reason) = judge(witness.as_ref(), Some(&again.record), digest).final_word() {
                return Err(Refusal::Refused(reason));
            }
            restored = again;
        }
        verdict => {
            if let Verdict::Refuse(reason) = verdict.final_word() {
                return Err(Refusal::Refused(reason));
            }
        }
    }
    check_lanes(wire, place.shard, &mut restored.record)?;
    Ok(restored)
}

/// The local directory, if it can be continued; otherwise it is set aside and an empty one is made.
fn open_local(place: &Place<'_>, changelog_end: u64) -> Result<(Store, Local), Refusal> {
    let path = place.path();
    let opened = match place.open(&path) {
        Ok(opened) => Some(opened),
        Err(error) if error.is_held => {
            // A zombie of ours still holds it. It can commit nothing; its rows are left to it.
            let sibling = path.with_extension(format!("{:x}", place.host.wall().0));
            tracing::warn!(shard = place.shard, %error, "the state directory is held; beginning in a sibling");
            Some(place.open(&sibling)?)
        }
        Err(error) => {
            tracing::error!(shard = place.shard, %error, "the state directory is damaged; setting it aside");
            None
        }
    };
    if let Some((store, local)) = opened {
        match doubt(place, &local, changelog_end) {
            None => {
                store.write_card(&place.card_text())?;
                return Ok((store, local));
            }
            Some(reason) => tracing::warn!(shard = place.shard, reason, "the state directory is set aside"),
        }
    }
    set_aside(place, &path)?;
    let (store, local) = place.open(&path)?;
    store.write_card(&place.card_text())?;
    Ok((store, local))
}

/// Why a directory must not be continued; `None` also for an empty one.
fn doubt(place: &Place<'_>, local: &Local, changelog_end: u64) -> Option<String> {
    let card = local.card.as_ref()?;
    if *card != place.card_text() {
        return Some(format!("it is of another ledger or shard: {card}"));
    }
    if local.position > changelog_end {
        return Some(format!("it is at {} of a changelog that ends at {changelog_end}", local.position));
    }
    let age = place.host.wall().0 - local.written.0;
    (local.position > 0 && age > LOCAL_AGE_MAX_MS).then(|| "it is older than three days".to_owned())
}

fn set_aside(place: &Place<'_>, path: &Path) -> Result<(), Refusal> {
    if !place.disk.exists(path) {
        return Ok(());
    }
    if faults::chosen() == Mutation::WipeBeforeVerify {
        return Ok(place.disk.remove(path)?);
    }
    let aside = path.with_extension(format!("aside-{}", place.host.wall().0));
    Ok(place.disk.rename(path, &aside)?)
}

/// A restore on its way.
struct Replay<'a> {
    store: Store,
    place: &'a Place<'a>,
    record: CommitRecord,
    digest: u128,
    piece: BTreeMap<Vec<u8>, Value>,
    bytes: usize,
    position: u64,
    read: u64,
    failed: Option<DiskError>,
    told_at: Instant,
    restoring: Restoring,
}

impl Replay<'_> {
    fn take(&mut self, change: &Change<'_>) {
        if self.failed.is_some() {
            return;
        }
        if let Err(error) = self.apply(change) {
            self.failed = Some(error);
        }
    }

    fn apply(&mut self, change: &Change<'_>) -> Result<(), DiskError> {
        self.position = change.offset + 1;
        self.read += 1;
        faults::reach(Point::Restoring);
        match subject(change.key) {
            Some(Subject::Commit) => {
                let text = change.value.and_then(|value| std::str::from_utf8(value).ok());
                if let Some(record) = text.and_then(|text| text.parse().ok()) {
                    self.record = record;
                }
            }
            Some(Subject::Row(_) | Subject::Timer(_)) => {
                let before = match self.piece.get(change.key) {
                    Some(value) => share(change.key, value.as_deref()),
                    None => share(change.key, self.store.raw(change.key)?.as_deref()),
                };
                self.digest = self.digest.wrapping_sub(before).wrapping_add(share(change.key, change.value));
                self.bytes += change.key.len() + change.value.map_or(0, <[u8]>::len);
                self.piece.insert(change.key.to_vec(), change.value.map(Bytes::copy_from_slice));
            }
            None => {}
        }
        if self.piece.len() >= PIECE_RECORDS || self.bytes >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        let (record, position, digest) = (&self.record, self.position, self.digest);
        self.store.restore(Piece { changes: &self.piece, record, position, digest })?;
        self.piece.clear();
        self.bytes = 0;
        let now = self.place.host.now();
        let restore = self.restoring.at(position);
        if let Some(restore) = restore.filter(|_| now.saturating_duration_since(self.told_at) >= PROGRESS_EVERY) {
            self.told_at = now;
            let eta_s = restore.eta().unwrap_or_default().as_secs();
            tracing::info!(
                shard = self.place.shard,
                position,
                until = restore.until,
                eta_s,
                "restoring from the changelog"
            );
        }
        Ok(())
    }
}

/// Reads the changelog's tail into the store. Gives also the digest of what then lies there.
fn replay(
    wire: &dyn Wire,
    place: &Place<'_>,
    store: Store,
    local: Local,
    until: u64,
) -> Result<(Restored, u128), Refusal> {
    let from = local.position;
    let mut replay = Replay {
        store,
        place,
        record: local.record,
        digest: local.digest,
        piece: BTreeMap::new(),
        bytes: 0,
        position: from,
        read: 0,
        failed: None,
        told_at: place.host.now(),
        restoring: place.openings.restore(place.shard, from, until),
    };
    let began = place.host.now();
    // What was committed takes two offsets at least, its record and its marker. One alone is the marker of the last commit
    // that is here, and reading it would cost a connection.
    if from == 0 || until > from + 1 {
        wire.changelog(place.shard, from, until, &mut |change| replay.take(&change))?;
    }
    if let Some(error) = replay.failed {
        return Err(error.into());
    }
    // Markers at the end carry nothing, so all below `until` is in.
    replay.position = replay.position.max(until);
    replay.flush()?;
    let millis = place.host.now().saturating_duration_since(began).as_millis() as u64;
    tracing::info!(shard = place.shard, from, until, records = replay.read, millis, "the shard is restored");
    let digest = replay.digest;
    Ok((Restored { store: replay.store, record: replay.record, position: replay.position }, digest))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Go,
    DigestDiffers,
    Refuse(String),
}

impl Verdict {
    /// After a restore from nothing there is no second try.
    fn final_word(self) -> Self {
        match self {
            Self::DigestDiffers => Self::Refuse("the changelog's rows are not those that were committed".to_owned()),
            other => other,
        }
    }
}

/// Compares what the group witnessed with the last commit record of the changelog, which is the truth.
fn judge(witness: Option<&Witness>, last: Option<&CommitRecord>, digest: u128) -> Verdict {
    let seen = witness.and_then(|witness| witness.metadata.parse::<CommitRecord>().ok());
    let Some(last) = last else {
        return match (witness, seen) {
            (None, _) => Verdict::Go,
            (Some(_), Some(seen)) => {
                Verdict::Refuse(format!("commit {} was witnessed, and the changelog holds none: it was lost", seen.seq))
            }
            (Some(witness), None) => {
                Verdict::Refuse(format!("an offset, {}, was committed that this ledger did not write", witness.offset))
            }
        };
    };
    match (witness, seen) {
        (Some(_), Some(seen)) if seen.seq > last.seq => {
            return Verdict::Refuse(format!(
                "the changelog lost its tail: commit {} was witnessed, it ends with {}",
                seen.seq, last.seq
            ));
        }
        (Some(_), Some(seen)) if seen.seq == last.seq && seen != *last => {
            return Verdict::Refuse(format!("two different commits are numbered {}", last.seq));
        }
        (Some(_), Some(seen)) if seen.seq < last.seq => {
            tracing::error!(
                witnessed = seen.seq,
                last = last.seq,
                "the broker lost committed offsets; going by the changelog"
            );
        }
        (Some(witness), None) if witness.offset != last.next[0] => {
            return Verdict::Refuse(format!(
                "somebody moved the group's offset to {}; the last commit stands at {}; see campanile offsets show",
                witness.offset, last.next[0]
            ));
        }
        _ => {}
    }
    if digest == last.digest { Verdict::Go } else { Verdict::DigestDiffers }
}

/// Positions must lie within their lanes.
fn check_lanes(wire: &dyn Wire, shard: u16, record: &mut CommitRecord) -> Result<(), Refusal> {
    for (lane, next) in Lane::ALL.into_iter().zip(&mut record.next) {
        let ends = wire.lane_ends(lane, shard)?;
        if *next < ends.start {
            if record.seq > 0 {
                let lane = lane.as_str();
                tracing::error!(
                    shard,
                    lane,
                    from = *next,
                    to = ends.start,
                    "records were deleted before they were judged"
                );
            }
            *next = ends.start;
        }
        if *next > ends.end {
            return Err(Refusal::Refused(format!(
                "lane {} ends at {}, below the position {next} that was committed: the topic was made anew or lost its tail",
                lane.as_str(),
                ends.end
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(seq: u64, main: u64) -> CommitRecord {
        CommitRecord { seq, next: [main, 0, 0], digest: 5, ..CommitRecord::default() }
    }

    fn witness(record: &CommitRecord) -> Witness {
        Witness { offset: record.next[0], metadata: record.to_string() }
    }

    #[test]
    fn shard_goes_when_witness_changelog_and_digest_agree() {
        let last = commit(4, 9);
        assert_eq!(judge(Some(&witness(&last)), Some(&last), 5), Verdict::Go);
        assert_eq!(judge(None, None, 0), Verdict::Go, "a new shard");
        assert_eq!(judge(Some(&witness(&last)), Some(&last), 6), Verdict::DigestDiffers);
        assert!(matches!(Verdict::DigestDiffers.final_word(), Verdict::Refuse(_)));
    }

    #[test]
    fn changelog_is_the_truth_when_the_witness_is_older_or_gone() {
        let last = commit(4, 9);
        assert_eq!(judge(None, Some(&last), 5), Verdict::Go, "the group's offsets expired");
        assert_eq!(judge(Some(&witness(&commit(3, 7))), Some(&last), 5), Verdict::Go);
        let cleared = Witness { offset: 9, metadata: String::new() };
        assert_eq!(judge(Some(&cleared), Some(&last), 5), Verdict::Go);
    }

    #[test]
    fn moved_offsets_and_lost_changelogs_are_refused() {
        let last = commit(4, 9);
        let moved = Witness { offset: 2, metadata: String::new() };
        assert!(matches!(judge(Some(&moved), Some(&last), 5), Verdict::Refuse(_)));
        assert!(matches!(judge(Some(&moved), None, 0), Verdict::Refuse(_)));
        assert!(matches!(judge(Some(&witness(&commit(5, 9))), Some(&last), 5), Verdict::Refuse(_)));
        assert!(matches!(judge(Some(&witness(&last)), None, 0), Verdict::Refuse(_)));
        let other = CommitRecord { claim: 1, ..last.clone() };
        assert!(matches!(judge(Some(&witness(&other)), Some(&last), 5), Verdict::Refuse(_)));
    }
}
