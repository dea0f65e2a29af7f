//! The machine that a role runs on: disk, files, state directories.

use std::path::Path;

use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::Check;

/// Less free than this, and a busy day may fill the disk. Ours: four times the embedded ledger's floor.
const FREE_BYTES_WARN: u64 = 2 << 30;
/// Less, and the embedded ledger takes no more events. Source: `ledger.free_space_floor`.
const FREE_BYTES_MIN: u64 = 512 << 20;
/// Open files that a server with a few thousand senders and some RocksDB needs. Ours.
const FILES_MIN: u64 = 4096;

/// Free space where `data` lies, or would lie.
pub fn disk(data: &Path) -> Check {
    let exists = data.ancestors().find(|path| !path.as_os_str().is_empty() && path.exists());
    let place = exists.unwrap_or_else(|| Path::new("."));
    match statvfs(place) {
        Ok(fs) => free(data, fs.f_bavail.saturating_mul(fs.f_frsize)),
        Err(error) => Check::unknown("disk", format!("{}: {error}", place.display()), "name the directory with --data"),
    }
}

fn free(data: &Path, free_bytes: u64) -> Check {
    let found = format!("{} MiB free for {}", free_bytes >> 20, data.display());
    if free_bytes < FREE_BYTES_MIN {
        Check::bad("disk", found, "free some space; below 512 MiB no more is taken")
    } else if free_bytes < FREE_BYTES_WARN {
        Check::warning("disk", found, "free some space, or give the data a larger disk")
    } else {
        Check::good("disk", found)
    }
}

/// Open files that a process may have.
pub fn files() -> Check {
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < FILES_MIN => Check::warning(
            "open files",
            format!("a process may have {limit}"),
            format!("raise it to {FILES_MIN} or more: LimitNOFILE= of the unit, or ulimit -n"),
        ),
        Some(limit) => Check::good("open files", format!("a process may have {limit}")),
        None => Check::good("open files", "as many as a process wants"),
    }
}

/// State directories that a processor has set aside because it could not trust them.
pub fn set_aside(data: &Path) -> Check {
    let mut found = Vec::new();
    for instance in std::fs::read_dir(data.join("kafka")).into_iter().flatten().flatten() {
        for shard in std::fs::read_dir(instance.path()).into_iter().flatten().flatten() {
            let name = shard.file_name().to_string_lossy().into_owned();
            if name.contains(".aside-") {
                found.push(name);
            }
        }
    }
    if found.is_empty() {
        return Check::good("state directories", format!("none was set aside under {}", data.display()));
    }
    found.sort();
    Check::warning(
        "state directories",
        format!("{} were set aside: {}", found.len(), found.join(", ")),
        "see the log for why; once the shards run well, remove them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn little_space_is_warned_of_and_none_is_bad() {
        let data = Path::new("data");
        let verdict = |bytes| free(data, bytes).verdict;
        assert_eq!(verdict(FREE_BYTES_MIN - 1), Verdict::Bad);
        assert_eq!(verdict(FREE_BYTES_MIN), Verdict::Warning);
        assert_eq!(verdict(FREE_BYTES_WARN), Verdict::Good);
    }
}
