//! The data directory itself: its lock, its free space, and the note of what was confirmed.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use campanile_ledger::OpenError;
use rustix::fs::{FlockOperation, flock, statfs, statvfs};

const LOCK_FILE: &str = "LOCK.campanile";
const CONFIRMED_FILE: &str = "confirmed";

/// File systems that other hosts may write to: a lock there may hold for this host only. Source: statfs(2).
const NETWORK_FILE_SYSTEMS: [(u32, &str); 5] =
    [(0x6969, "NFS"), (0xff53_4d42, "CIFS"), (0xfe53_4d42, "SMB2"), (0x0bd0_0bd0, "Lustre"), (0x6573_5546, "FUSE")];

pub(crate) fn unusable(path: &Path, reason: impl std::fmt::Display) -> OpenError {
    OpenError::Unusable { path: path.display().to_string(), reason: reason.to_string() }
}

/// Takes the directory for this process, for as long as the file is open. Makes the lock file where `create`.
pub(crate) fn lock(data: &Path, create: bool) -> Result<File, OpenError> {
    let path = data.join(LOCK_FILE);
    let file =
        if create { File::options().create(true).truncate(false).write(true).open(path) } else { File::open(path) };
    let file = file.map_err(|error| unusable(data, format_args!("{LOCK_FILE}: {error}")))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { path: data.display().to_string() }),
        Err(error) => Err(unusable(data, format_args!("{LOCK_FILE} cannot be locked: {error}"))),
    }
}

/// The kind of network file system that the directory is on, if it is on one.
pub(crate) fn network_file_system(data: &Path) -> Option<&'static str> {
    let found = statfs(data).ok()?.f_type as u32;
    NETWORK_FILE_SYSTEMS.iter().find(|(number, _)| *number == found).map(|(_, name)| *name)
}

/// Bytes that an unprivileged process may still write below `path`. When it cannot be told, writes will tell.
pub(crate) fn free_bytes(path: &Path) -> u64 {
    statvfs(path).map_or(u64::MAX, |fs| fs.f_bavail.saturating_mul(fs.f_frsize))
}

/// `<data>/confirmed`: the highest RocksDB sequence number that was synced before anybody was told.
///
/// Two slots, written in turn, each with its own sum, so that a torn write leaves the other. Written after each sync
/// without syncing it: the page cache survives the process. Synced about once a second, and at close, for the host.
pub(crate) struct Confirmed {
    file: File,
    turn: AtomicU64,
}

const SLOT_BYTES: usize = 24;

impl Confirmed {
    /// Opens the note and gives what it says; 0 for a new one.
    pub(crate) fn open(data: &Path) -> Result<(Self, u64), OpenError> {
        let path = data.join(CONFIRMED_FILE);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let file = file.map_err(|error| unusable(data, format_args!("{CONFIRMED_FILE}: {error}")))?;
        let bytes = std::fs::read(&path).map_err(|error| unusable(data, format_args!("{CONFIRMED_FILE}: {error}")))?;
        let newest = bytes.chunks_exact(SLOT_BYTES).filter_map(decode).max();
        if newest.is_none() && !bytes.is_empty() {
            let reason = format!("{} is unreadable", path.display());
            return Err(OpenError::Damaged { path: data.display().to_string(), reason });
        }
        let (turn, sequence) = newest.unwrap_or((0, 0));
        Ok((Self { file, turn: AtomicU64::new(turn) }, sequence))
    }

    pub(crate) fn note(&self, sequence: u64) -> std::io::Result<()> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) + 1;
        let mut slot = [0; SLOT_BYTES];
        slot[..8].copy_from_slice(&turn.to_le_bytes());
        slot[8..16].copy_from_slice(&sequence.to_le_bytes());
        let sum = xxhash_rust::xxh3::xxh3_64(&slot[..16]);
        slot[16..].copy_from_slice(&sum.to_le_bytes());
        self.file.write_all_at(&slot, turn % 2 * SLOT_BYTES as u64)
    }

    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }
}

fn decode(slot: &[u8]) -> Option<(u64, u64)> {
    let (body, sum) = slot.split_at_checked(16)?;
    if sum != xxhash_rust::xxh3::xxh3_64(body).to_le_bytes() {
        return None;
    }
    Some((u64::from_le_bytes(*body.first_chunk()?), u64::from_le_bytes(*body.last_chunk()?)))
}
