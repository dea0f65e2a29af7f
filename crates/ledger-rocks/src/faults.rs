//! Faults on purpose, and the in-flight page. Only behind the feature `faults`; nothing of it is in what ships.
//!
//! `CAMPANILE_MUTATE` names one fault, so that a test can show that it would be found. `<data>/flight` is 64 bytes kept
//! up to date with pwrite: from them an outside program tells, after kill -9, what the kill hit.

use std::path::Path;

#[cfg(feature = "faults")]
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "named by the code that the feature would switch on"))]
pub(crate) enum Fault {
    None,
    /// The commit record is durable before what it speaks of is written.
    CommitBeforeState,
    /// Every 5th commit does not move the lanes on disk.
    ForgottenCursor,
    /// Appends are answered before they are written.
    AckBeforeAppend,
    /// Bytes reach the operating system and are never synced.
    SkipFsync,
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn chosen() -> Fault {
    Fault::None
}

#[cfg(feature = "faults")]
pub(crate) fn chosen() -> Fault {
    static CHOSEN: std::sync::OnceLock<Fault> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| match std::env::var("CAMPANILE_MUTATE").as_deref() {
        Ok("commit-before-state") => Fault::CommitBeforeState,
        Ok("forgotten-cursor") => Fault::ForgottenCursor,
        Ok("ack-before-append") => Fault::AckBeforeAppend,
        Ok("skip-fsync") => Fault::SkipFsync,
        Ok("") | Err(_) => Fault::None,
        Ok(other) => panic!("CAMPANILE_MUTATE={other:?} names no fault"),
    })
}

/// Words of the in-flight page, eight bytes each, little-endian.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "the page is kept only under the feature"))]
pub(crate) enum Counter {
    /// Appends taken and not answered yet.
    Appends = 0,
    SealsBegun = 1,
    SealsSettled = 2,
    Syncs = 3,
}

#[cfg(feature = "faults")]
pub(crate) struct Flight {
    file: std::fs::File,
    words: [AtomicU64; 8],
}

#[cfg(feature = "faults")]
impl Flight {
    pub(crate) fn open(data: &Path) -> std::io::Result<Self> {
        let file = std::fs::File::create(data.join("flight"))?;
        file.set_len(64)?;
        Ok(Self { file, words: Default::default() })
    }

    pub(crate) fn add(&self, counter: Counter, by: i64) {
        use std::os::unix::fs::FileExt as _;
        let word = &self.words[counter as usize];
        // Two writers may leave the older of two values for an instant; the next change puts it right.
        let value = word.fetch_add(by as u64, Ordering::SeqCst).wrapping_add(by as u64);
        drop(self.file.write_at(&value.to_le_bytes(), 8 * counter as u64));
    }
}

#[cfg(not(feature = "faults"))]
pub(crate) struct Flight;

#[cfg(not(feature = "faults"))]
impl Flight {
    #[expect(clippy::unnecessary_wraps, reason = "the same form as with the feature")]
    pub(crate) fn open(_data: &Path) -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn add(&self, _counter: Counter, _by: i64) {}
}
