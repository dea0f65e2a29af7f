//! Faults on purpose, places to die or stop in, and the in-flight page. Only behind the feature `faults`; nothing of it is
//! in what ships.
//!
//! `CAMPANILE_MUTATE` names one fault, so that a test can show that it would be found. `CAMPANILE_AT=C3:20:die` ends the
//! process at the 20th time that it comes to the place C3 of the crash matrix, `…:stop` stops it there as SIGSTOP does;
//! `probed-2` is that place of shard 2 alone.
//! `CAMPANILE_DISTURB=lost-answer:40` hides the answer of every 40th commit, `lost-commit:40` hides the commit itself.
//! `<data>/flight` is 64 bytes kept up to date with pwrite, from which an outside program tells what a kill hit.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "named by the code that the feature would switch on"))]
pub(crate) enum Fault {
    None,
    /// Record and offset are committed in a transaction of their own, before what they speak of.
    CommitBeforeState,
    /// Nobody waits for the delivery reports of a batch.
    SkippedDrain,
    /// Offsets are sent with the metadata of a consumer that is in no group.
    GenerationMinusOne,
    /// A claimed shard's readers begin where the lanes end.
    ForgottenSeek,
    /// After an unknown outcome the same producer sends the batch again.
    ReusedProducer,
    /// The table says that it holds more of the changelog than it does.
    PositionTooHigh,
    /// A producer is made anew without asking the group.
    NoProbe,
    /// An unknown outcome is judged by the number of published incidents.
    OutSeqForSeq,
    /// A directory that is not continued is deleted at once.
    WipeBeforeVerify,
}

/// Places of the crash matrix, and three more in which a process can become a zombie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "named by the code that the feature would switch on"))]
pub(crate) enum Point {
    /// C1: inputs were read, nothing was produced.
    Read,
    /// C2: half of the records of a transaction are on their way.
    HalfProduced,
    /// C3: all records are acknowledged, the offset is not sent.
    Drained,
    /// C4: the offset is sent, the transaction is open.
    OffsetsSent,
    /// C4 of a transaction that forwards something to a sibling.
    Forwarding,
    /// C5: the end of the transaction is on its way.
    Ending,
    /// C7: committed, and the process does not know it yet.
    Committed,
    /// C8: in the middle of the write to the table's log.
    Writing,
    /// C9: the table was written.
    Written,
    /// C10: the table is being flushed and compacted.
    Compacting,
    /// C11: at a record of a restore.
    Restoring,
    /// C12: in the callback of a revocation.
    Revoking,
    /// C18: half of the first batch under a new epoch is on its way.
    EpochHalfProduced,
    /// A producer is about to be made anew, the group was not asked.
    Renewing,
    /// The group has said that we are a member.
    Probed,
    /// A shard is restored and not claimed yet.
    Restored,
}

/// Words of the in-flight page, eight bytes each, little-endian.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "the page is kept only under the feature"))]
pub(crate) enum Counter {
    /// Appends taken and not answered, inputs of main read and not committed.
    InFlight = 0,
    TransactionsBegun = 1,
    TransactionsEnded = 2,
}

#[cfg(not(feature = "faults"))]
mod off {
    use std::path::Path;

    use super::{Counter, Fault, Point};
    use crate::wire;

    pub(crate) const fn chosen() -> Fault {
        Fault::None
    }

    pub(crate) const fn reach(_point: Point) {}

    pub(crate) const fn reach_of(_point: Point, _shard: u16) {}

    pub(crate) fn reach_if(_point: Point, _holds: impl FnOnce() -> bool) {}

    pub(crate) const fn reach_half(_epoch: u64) {}

    pub(crate) fn reach_compacting(_compact: impl FnOnce()) {}

    pub(crate) fn commit(commit: impl FnOnce() -> Result<(), wire::Fault>) -> Result<(), wire::Fault> {
        commit()
    }

    pub(crate) const fn tear(_table: &Path) {}

    pub(crate) const fn open_page(_data: &Path) {}

    pub(crate) const fn note(_counter: Counter, _by: i64) {}
}

#[cfg(not(feature = "faults"))]
pub(crate) use off::*;

#[cfg(feature = "faults")]
mod on {
    use std::fs::File;
    use std::path::Path;
    use std::process::Command;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Mutex, OnceLock, PoisonError};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{Counter, Fault, Point};
    use crate::wire;

    static CHOSEN: Mutex<Option<Fault>> = Mutex::new(None);

    fn named(name: &str) -> Option<Fault> {
        Some(match name {
            "commit-before-state" => Fault::CommitBeforeState,
            "skipped-drain" => Fault::SkippedDrain,
            "generation-minus-one" => Fault::GenerationMinusOne,
            "forgotten-seek" => Fault::ForgottenSeek,
            "reused-producer" => Fault::ReusedProducer,
            "position-too-high" => Fault::PositionTooHigh,
            "no-probe" => Fault::NoProbe,
            "out-seq-for-seq" => Fault::OutSeqForSeq,
            "wipe-before-verify" => Fault::WipeBeforeVerify,
            // The engine's own.
            "door-moves-now" | "" => Fault::None,
            _ => return None,
        })
    }

    pub(crate) fn chosen() -> Fault {
        let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        *chosen.get_or_insert_with(|| {
            let name = std::env::var("CAMPANILE_MUTATE").unwrap_or_default();
            named(&name).unwrap_or_else(|| panic!("CAMPANILE_MUTATE={name:?} names no fault of this ledger"))
        })
    }

    /// Chooses for the whole process; `""` is none. False: there is no fault of that name here.
    pub fn choose(name: &str) -> bool {
        let found = named(name);
        *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.unwrap_or(Fault::None));
        found.is_some()
    }

    struct Aim {
        point: String,
        nth: u64,
        is_stop: bool,
        reached: AtomicU64,
    }

    fn aim() -> Option<&'static Aim> {
        static AIM: OnceLock<Option<Aim>> = OnceLock::new();
        let read = || {
            let text = std::env::var("CAMPANILE_AT").ok().filter(|text| !text.is_empty())?;
            let parts: Vec<_> = text.split(':').collect();
            let [point, nth, what] = parts[..] else { panic!("CAMPANILE_AT={text:?} is not POINT:NTH:die|stop") };
            let nth = nth.parse().unwrap_or_else(|_| panic!("CAMPANILE_AT={text:?} has no number"));
            Some(Aim { point: point.to_owned(), nth, is_stop: what == "stop", reached: AtomicU64::new(0) })
        };
        AIM.get_or_init(read).as_ref()
    }

    const fn name(point: Point) -> &'static str {
        match point {
            Point::Read => "C1",
            Point::HalfProduced => "C2",
            Point::Drained => "C3",
            Point::OffsetsSent => "C4",
            Point::Forwarding => "forwarding",
            Point::Ending => "C5",
            Point::Committed => "C7",
            Point::Writing => "C8",
            Point::Written => "C9",
            Point::Compacting => "C10",
            Point::Restoring => "C11",
            Point::Revoking => "C12",
            Point::EpochHalfProduced => "C18",
            Point::Renewing => "renewing",
            Point::Probed => "probed",
            Point::Restored => "restored",
        }
    }

    /// Whether this is the time to die or stop.
    fn is_aimed_at(place: &str) -> Option<&'static Aim> {
        let aim = aim().filter(|aim| aim.point == place)?;
        (aim.reached.fetch_add(1, Ordering::SeqCst) + 1 == aim.nth).then_some(aim)
    }

    /// The place as one shard comes to it: `probed-2` is that of shard 2.
    pub(crate) fn reach_of(point: Point, shard: u16) {
        if let Some(aim) = is_aimed_at(&format!("{}-{shard}", name(point))) {
            end_at(point, aim);
        }
    }

    pub(crate) fn reach(point: Point) {
        if let Some(aim) = is_aimed_at(name(point)) {
            end_at(point, aim);
        }
    }

    fn end_at(point: Point, aim: &Aim) {
        if aim.is_stop {
            // Its end is waited for, so this thread goes no further before the signal is there.
            let stopped = Command::new("kill").args(["-STOP", &std::process::id().to_string()]).status();
            assert!(stopped.is_ok_and(|status| status.success()), "a process must be able to stop itself");
            return;
        }
        match point {
            // So that the records have left the client.
            Point::HalfProduced | Point::EpochHalfProduced => std::thread::sleep(Duration::from_millis(20)),
            Point::Ending => return die_soon(),
            _ => {}
        }
        std::process::abort();
    }

    pub(crate) fn reach_if(point: Point, holds: impl FnOnce() -> bool) {
        if holds() {
            reach(point);
        }
    }

    /// Half of a batch's records are on their way; if it is the first one under an epoch, that is a place of its own.
    pub(crate) fn reach_half(epoch: u64) {
        static NEWEST: AtomicU64 = AtomicU64::new(0);
        let newest = NEWEST.fetch_max(epoch, Ordering::SeqCst);
        if newest > 0 && epoch > newest {
            reach(Point::EpochHalfProduced);
        }
        reach(Point::HalfProduced);
    }

    pub(crate) fn reach_compacting(compact: impl FnOnce()) {
        if is_aimed_at(name(Point::Compacting)).is_some() {
            die_soon();
            compact();
            std::process::abort();
        }
    }

    /// Dies within 1.5 ms, at another place of what follows each time.
    fn die_soon() {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
        let later = Duration::from_micros(u64::from(nanos / 1000 % 1500));
        std::thread::spawn(move || {
            std::thread::sleep(later);
            std::process::abort();
        });
    }

    /// Dies with the end of what was just written cut off, as if in the middle of the write.
    pub(crate) fn tear(table: &Path) {
        if is_aimed_at(name(Point::Writing)).is_none() {
            return;
        }
        let logs = std::fs::read_dir(table).into_iter().flatten().flatten().map(|entry| entry.path());
        let newest = logs.filter(|path| path.extension().is_some_and(|it| it == "log")).max();
        let log = newest.and_then(|path| File::options().write(true).open(path).ok());
        let length = log.as_ref().and_then(|log| log.metadata().ok()).map_or(0, |it| it.len());
        assert!(length > 16, "a table that was written has a log");
        let cut = log.map(|log| log.set_len(length - 16));
        assert!(cut.is_some_and(|cut| cut.is_ok()), "a log can be cut");
        std::process::abort();
    }

    pub(crate) fn commit(commit: impl FnOnce() -> Result<(), wire::Fault>) -> Result<(), wire::Fault> {
        static COMMITS: AtomicU64 = AtomicU64::new(0);
        static DISTURB: OnceLock<Option<(String, u64)>> = OnceLock::new();
        let read = || {
            let text = std::env::var("CAMPANILE_DISTURB").ok().filter(|text| !text.is_empty())?;
            let (what, every) = text.split_once(':').unwrap_or((&text, "10"));
            assert!(matches!(what, "lost-answer" | "lost-commit"), "CAMPANILE_DISTURB={text:?} names no disturbance");
            Some((what.to_owned(), every.parse().unwrap_or(10)))
        };
        let Some((what, every)) = DISTURB.get_or_init(read) else { return commit() };
        if !(COMMITS.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(*every) {
            return commit();
        }
        if what == "lost-answer" {
            commit()?;
        }
        Err(wire::Fault::Again("the answer was lost on purpose".to_owned()))
    }

    struct Page {
        file: File,
        words: [AtomicU64; 8],
    }

    static PAGE: OnceLock<Page> = OnceLock::new();

    /// One per process: a process has one ledger.
    pub(crate) fn open_page(data: &Path) {
        let make = || {
            std::fs::create_dir_all(data)?;
            let file = File::create(data.join("flight"))?;
            file.set_len(64)?;
            Ok::<_, std::io::Error>(Page { file, words: Default::default() })
        };
        let page = make().unwrap_or_else(|error| panic!("the in-flight page cannot be made: {error}"));
        drop(PAGE.set(page));
    }

    pub(crate) fn note(counter: Counter, by: i64) {
        use std::os::unix::fs::FileExt as _;
        let Some(page) = PAGE.get() else { return };
        let word = &page.words[counter as usize];
        // Two writers may leave the older of two values for an instant; the next change puts it right.
        let value = word.fetch_add(by as u64, Ordering::SeqCst).wrapping_add(by as u64);
        drop(page.file.write_at(&value.to_le_bytes(), 8 * counter as u64));
    }
}

#[cfg(feature = "faults")]
pub use on::choose;
#[cfg(feature = "faults")]
pub(crate) use on::{chosen, commit, note, open_page, reach, reach_compacting, reach_half, reach_if, reach_of, tear};

/// Keeps the page's count of inputs that one shard has read and not committed.
pub(crate) struct Inputs {
    read: u64,
    committed: u64,
}

impl Inputs {
    pub(crate) const fn new(from: u64) -> Self {
        Self { read: from, committed: from }
    }

    /// Everything of main below `next` was read.
    pub(crate) fn read(&mut self, next: u64) {
        if next > self.read {
            note(Counter::InFlight, (next - self.read) as i64);
            self.read = next;
        }
        reach(Point::Read);
    }

    pub(crate) fn committed(&mut self, next: u64) {
        if next > self.committed {
            note(Counter::InFlight, -((next - self.committed) as i64));
            self.committed = next;
        }
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        self.committed(self.read);
    }
}
