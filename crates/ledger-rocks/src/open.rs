//! Opening and closing a data directory.

use std::hash::{BuildHasher as _, Hasher as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use campanile_clock::Clock;
use campanile_ledger::{Appender, Card, CommitRecord, Lane, MachineId, OpenError, Tail, Topic};
use campanile_model::id::SHARDS_MAX;
use campanile_model::{LedgerId, Span, Timestamp};
use rocksdb::{Cache, DB, ErrorKind, FlushOptions};

use crate::core::{Core, Door};
use crate::disk::{self, Confirmed, unusable};
use crate::durability::{self, Durability};
use crate::faults::Flight;
use crate::format::{self, CARD_KEY, FORMAT, FORMAT_1};
use crate::health::{self, Health};
use crate::log::{Log, handle, lock};
use crate::retention::{self, Retention};
use crate::shard::RocksShards;
use crate::table::Table;
use crate::tuning::{self, Family};
use crate::upgrade;
use crate::watch::{FreeSpace, Watch};

/// Shards of a new ledger when nobody asks for a number: as many as a small server has cores.
const SHARDS_DEFAULT: u16 = 4;

/// One look at the disk and at RocksDB's backlog.
const WATCH_EVERY: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub struct Options {
    /// The data directory; made if it is not there.
    pub path: PathBuf,
    /// Shards asked for, 1 to 1000. `None`: what the card says, or 4 for a new ledger.
    pub shards: Option<u16>,
    /// Stamps append times.
    pub clock: Arc<dyn Clock>,
    pub retention: Retention,
    /// Time between two passes of retention. Default 1 min.
    pub retention_every: Duration,
    /// Nothing is written while less is free, in bytes. Default 512 MiB: room for memtables to be flushed.
    pub free_space_floor_bytes: u64,
    /// With that much free and writes still refused for so long, shards answer `Damaged`, and the process has to start
    /// again. RocksDB recovers by itself when a table could not be written, but never when its WAL could not.
    /// Default 15 s, three of its own attempts.
    pub refusing_max: Duration,
    /// Block cache, in bytes, shared by all families. Default 128 MiB.
    pub block_cache_bytes: usize,
    /// Largest record, in bytes of key, headers and value. Default 1 000 000, as on Kafka.
    pub record_bytes_max: usize,
    /// Retention cuts at marks this many bytes apart. Default 4 MiB.
    pub mark_bytes: u64,
    /// Tells the free space. Default statvfs(3).
    pub free_space: FreeSpace,
    /// Called by the syncer before each sync; tests hold durability back with it.
    pub before_sync: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Options {
    pub fn new(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            path: path.into(),
            shards: None,
            clock,
            retention: Retention::default(),
            retention_every: Duration::from_secs(60),
            free_space_floor_bytes: 512 << 20,
            refusing_max: Duration::from_secs(15),
            block_cache_bytes: 128 << 20,
            record_bytes_max: campanile_ledger::memory::RECORD_BYTES_MAX,
            mark_bytes: 4 << 20,
            free_space: Arc::new(disk::free_bytes),
            before_sync: None,
        }
    }
}

/// An open data directory. The handles it gives keep the database, and the lock, until they are dropped.
pub struct Ledger {
    core: Arc<Core>,
    stop: Arc<(Mutex<bool>, Condvar)>,
    threads: Vec<JoinHandle<()>>,
}

impl Ledger {
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let data = &options.path;
        // Payloads and integration keys lie here: nobody else's business.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.map_err(|error| unusable(data, error))?;
        let lock = disk::lock(data, true)?;
        if let Some(kind) = disk::network_file_system(data) {
            let path = data.display();
            tracing::warn!(%path, kind, "locks and syncs of the data directory may not hold: it is on a network");
        }
        let (confirmed, confirmed_end) = Confirmed::open(data)?;
        let cache = Cache::new_lru_cache(options.block_cache_bytes);
        let db = DB::open_cf_descriptors(&tuning::database(), data.join("db"), tuning::families(&cache))
            .map_err(|error| refused(data, &error))?;
        let recovered = db.latest_sequence_number();
        if recovered < confirmed_end {
            return Err(OpenError::LostTail { path: data.display().to_string(), recovered, confirmed: confirmed_end });
        }
        let card = match read_card(&db, data)? {
            Some(card) if card.format == FORMAT_1 => upgraded(&db, data, card)?,
            Some(card) => card,
            None => new_card(&db, data, options.shards.unwrap_or(SHARDS_DEFAULT))?,
        };
        if let Some(asked) = options.shards.filter(|asked| *asked != card.shards) {
            return Err(OpenError::Shards { path: data.display().to_string(), found: card.shards, asked });
        }
        // Recovery has put the rest of the WAL into tables and synced them: all that is here is durable.
        // The names of new files are made durable too, by syncing the directories that hold them.
        let parent = data.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let names = [data.as_path(), parent].into_iter().try_for_each(|path| std::fs::File::open(path)?.sync_all());
        names.map_err(|error| unusable(data, error))?;
        let note = confirmed.note(db.latest_sequence_number()).and_then(|()| confirmed.sync());
        note.map_err(|error| unusable(data, error))?;
        let core = Arc::new(assemble(options.clone(), db, cache, card, confirmed, lock)?);
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let syncer = spawn(data, "ledger-syncer", {
            let core = Arc::clone(&core);
            move || durability::run(&core)
        })?;
        let keeper = spawn(data, "ledger-keeper", {
            let (core, stop) = (Arc::clone(&core), Arc::clone(&stop));
            move || keep(&core, &options.retention, options.retention_every, &stop)
        })?;
        Ok(Self { core, stop, threads: vec![syncer, keeper] })
    }

    /// Opens the directory of a stopped server for reading. Refuses while a server holds it.
    pub fn open_read_only(data: impl AsRef<Path>) -> Result<ReadOnly, OpenError> {
        let data = data.as_ref();
        let lock = disk::lock(data, false)?;
        let (confirmed, _) = Confirmed::open(data)?;
        let options = Options::new(data, Arc::new(campanile_clock::Wall));
        let cache = Cache::new_lru_cache(options.block_cache_bytes);
        let (settings, families) = (tuning::database(), tuning::families(&cache));
        refuse_format_1(&settings, data)?;
        let db = DB::open_cf_descriptors_read_only(&settings, data.join("db"), families, false)
            .map_err(|error| refused(data, &error))?;
        let card = read_card(&db, data)?.ok_or_else(|| unusable(data, "there is no ledger in it"))?;
        Ok(ReadOnly { core: Arc::new(assemble(options, db, cache, card, confirmed, lock)?) })
    }

    pub fn card(&self) -> Card {
        self.core.card
    }

    /// All shards of triage that nobody in this process holds, granted at the first call of `claims`.
    pub fn shards(&self) -> RocksShards {
        self.shards_of(MachineId::Triage)
    }

    /// All shards of a machine that nobody in this process holds, granted at the first call of `claims`.
    pub fn shards_of(&self, machine: MachineId) -> RocksShards {
        RocksShards { core: Arc::clone(&self.core), machine, granted: false }
    }

    pub fn appender(&self) -> Arc<dyn Appender> {
        Arc::new(Door(Arc::clone(&self.core)))
    }

    pub fn tail(&self) -> Arc<dyn Tail> {
        Arc::new(Door(Arc::clone(&self.core)))
    }

    /// Rows and timers of triage.
    pub fn table(&self) -> Table {
        self.table_of(MachineId::Triage)
    }

    pub fn table_of(&self, machine: MachineId) -> Table {
        Table { core: Arc::clone(&self.core), machine }
    }

    pub fn health(&self) -> Health {
        health::of(&self.core)
    }

    /// Trims a partition below `below`, or as far as lanes and group borders allow. Gives the new start.
    pub fn trim(&self, topic: Topic, partition: u16, below: u64) -> Result<u64, campanile_ledger::TailError> {
        let Some(partition) = self.core.log.find(topic, partition) else { return Ok(0) };
        let trimmed = retention::trim(&self.core, partition, below);
        trimmed.map_err(|error| campanile_ledger::TailError::Damaged(error.to_string()))
    }

    /// Answers what was taken, flushes, syncs and joins the threads. Shards answer `Closing` from now on.
    pub fn close(mut self) {
        self.stop();
        let mut options = FlushOptions::default();
        options.set_wait(true);
        for family in Family::ALL {
            if let Err(error) = self.core.db.flush_cf_opt(handle(&self.core.db, family), &options) {
                tracing::warn!(%error, family = family.name(), "not flushed at close; the next opening recovers it");
            }
        }
        if let Err(error) = self.core.confirmed.sync() {
            tracing::warn!(%error, "the confirmed end could not be synced at close");
        }
    }

    fn stop(&mut self) {
        self.core.durability.close();
        *lock(&self.stop.0) = true;
        self.stop.1.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the ledger had panicked");
            }
        }
        self.core.durability.wake();
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A stopped data directory, to read.
pub struct ReadOnly {
    core: Arc<Core>,
}

impl ReadOnly {
    pub fn card(&self) -> Card {
        self.core.card
    }

    pub fn tail(&self) -> Arc<dyn Tail> {
        Arc::new(Door(Arc::clone(&self.core)))
    }

    /// Rows and timers of triage.
    pub fn table(&self) -> Table {
        self.table_of(MachineId::Triage)
    }

    pub fn table_of(&self, machine: MachineId) -> Table {
        Table { core: Arc::clone(&self.core), machine }
    }

    /// Last commit of every shard of triage, by its number.
    pub fn commits(&self) -> Vec<CommitRecord> {
        self.commits_of(MachineId::Triage)
    }

    pub fn commits_of(&self, machine: MachineId) -> Vec<CommitRecord> {
        let shards = (0..self.core.card.shards).map(|shard| self.core.place(machine, shard));
        shards.map(|place| lock(&self.core.commits[place]).clone()).collect()
    }
}

fn spawn(data: &Path, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| unusable(data, error))
}

fn refused(data: &Path, error: &rocksdb::Error) -> OpenError {
    let (path, reason) = (data.display().to_string(), error.to_string());
    match error.kind() {
        ErrorKind::Corruption => OpenError::Damaged { path, reason },
        ErrorKind::IOError if reason.contains("lock hold by") || reason.contains("LOCK:") => OpenError::Locked { path },
        _ => OpenError::Unusable { path, reason },
    }
}

fn damaged(data: &Path, reason: impl std::fmt::Display) -> OpenError {
    OpenError::Damaged { path: data.display().to_string(), reason: reason.to_string() }
}

fn assemble(
    options: Options,
    db: DB,
    cache: Cache,
    card: Card,
    confirmed: Confirmed,
    lock_file: std::fs::File,
) -> Result<Core, OpenError> {
    let data = options.path;
    let log = Log::load(&db, card.shards, options.mark_bytes).map_err(|reason| damaged(&data, reason))?;
    let mut commits = Vec::new();
    for machine in MachineId::ALL {
        for shard in 0..card.shards {
            commits.push(last_commit(&db, &log, machine, shard).map_err(|reason| damaged(&data, reason))?);
        }
    }
    warn_of_the_future(&commits, options.clock.now());
    Ok(Core {
        cursors: commits.iter().enumerate().map(|(place, commit)| cursors(place, commit, card)).collect(),
        claimed: commits.iter().map(|_| AtomicBool::new(false)).collect(),
        commits: commits.into_iter().map(Mutex::new).collect(),
        cache,
        card,
        clock: options.clock,
        log,
        durability: Durability::new(db.latest_sequence_number()),
        watch: Watch::new(data.clone(), options.free_space_floor_bytes, options.free_space, options.refusing_max),
        confirmed,
        flight: Flight::open(&data).map_err(|error| unusable(&data, error))?,
        claim: draw(),
        record_bytes_max: options.record_bytes_max,
        before_sync: options.before_sync,
        data,
        db,
        _lock: lock_file,
    })
}

/// Triage holds back what it has not read from the first record on. The notifier does so once it has run: a ledger that
/// has none forgets what it may.
fn cursors(place: usize, commit: &CommitRecord, card: Card) -> [AtomicU64; 3] {
    let is_new = commit.seq == 0 && place >= usize::from(card.shards);
    commit.next.map(|next| AtomicU64::new(if is_new { u64::MAX } else { next }))
}

/// Log time only rises. Where a clock was wrong once, it stands still until the wall has caught up, and so do timers.
fn warn_of_the_future(commits: &[CommitRecord], now: Timestamp) {
    let newest = commits.iter().map(|commit| commit.now).max().unwrap_or_default();
    let ahead = newest.since(now);
    if ahead > Span::minutes(5) {
        let seconds = ahead.whole_seconds();
        tracing::error!(
            seconds,
            "log time is ahead of the clock: timers wait until the clock has caught up; check the clock"
        );
    }
}

/// The commit record of a shard, checked against the log.
fn last_commit(db: &DB, log: &Log, machine: MachineId, shard: u16) -> Result<CommitRecord, String> {
    let key = format::commit_key(format::slot(machine, shard));
    let found = db.get_cf(handle(db, Family::Meta), key).map_err(|error| error.to_string())?;
    let mut commit: CommitRecord = match found {
        Some(text) => String::from_utf8_lossy(&text).parse().map_err(|error| format!("shard {shard}: {error}"))?,
        // It comes to a log that others wrote before, and takes its place when it is claimed.
        None if machine == MachineId::Notifier => return Ok(CommitRecord::default()),
        None => CommitRecord::default(),
    };
    for (lane, next) in Lane::ALL.into_iter().zip(&mut commit.next) {
        let partition = log.find(machine.topic(lane), shard).ok_or_else(|| format!("shard {shard} has no lane"))?;
        let ends = partition.ends();
        if machine == MachineId::Notifier && *next < ends.start {
            let (lane, from, to) = (lane.as_str(), *next, ends.start);
            tracing::error!(
                shard,
                lane,
                from,
                to,
                "records were deleted before the notifier had read them; it goes on behind them: look at open incidents"
            );
            *next = ends.start;
        }
        if *next > ends.end || *next < ends.start {
            let (lane, start, end) = (lane.as_str(), ends.start, ends.end);
            let machine = machine.as_str();
            return Err(format!(
                "shard {shard} of {machine} committed up to {next} of lane {lane}, which holds {start} to {end}"
            ));
        }
        // A horizon that a commit came from binds append times over a restart with a clock set back.
        let mut written = lock(&partition.state);
        written.last_at = written.last_at.max(commit.now);
    }
    Ok(commit)
}

fn read_card(db: &DB, data: &Path) -> Result<Option<Card>, OpenError> {
    let found = db.get_cf(handle(db, Family::Meta), CARD_KEY).map_err(|error| refused(data, &error))?;
    let Some(text) = found else { return Ok(None) };
    let text = String::from_utf8_lossy(&text).into_owned();
    let unreadable = || damaged(data, format_args!("the ledger card {text:?} cannot be read"));
    let mut parts = text.split(';');
    let format: u16 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(unreadable)?;
    if ![FORMAT_1, FORMAT].contains(&format) {
        return Err(OpenError::Format { path: data.display().to_string(), found: format, known: FORMAT });
    }
    let ledger = parts.next().and_then(|part| u64::from_str_radix(part, 16).ok()).ok_or_else(unreadable)?;
    let shards = parts.next().and_then(|part| part.parse().ok()).ok_or_else(unreadable)?;
    if shards == 0 || shards > SHARDS_MAX {
        return Err(unreadable());
    }
    Ok(Some(Card { ledger: LedgerId(ledger), shards, format }))
}

/// Makes the card `format;ledger;shards` and syncs it.
fn new_card(db: &DB, data: &Path, shards: u16) -> Result<Card, OpenError> {
    if shards == 0 || shards > SHARDS_MAX {
        return Err(unusable(data, format_args!("{shards} shards were asked for, 1 to {SHARDS_MAX} are possible")));
    }
    let card = Card { ledger: LedgerId(draw()), shards, format: FORMAT };
    let written = db.put_cf(handle(db, Family::Meta), CARD_KEY, card_text(card)).and_then(|()| db.flush_wal(true));
    written.map_err(|error| refused(data, &error))?;
    Ok(card)
}

fn card_text(card: Card) -> String {
    format!("{};{:016x};{}", card.format, card.ledger.0, card.shards)
}

/// A directory of format 1, after it was brought to this one.
fn upgraded(db: &DB, data: &Path, card: Card) -> Result<Card, OpenError> {
    let card = Card { format: FORMAT, ..card };
    let path = data.display();
    tracing::info!(%path, "upgrading the data directory from format 1 to {FORMAT}");
    let rows = upgrade::from_1(db, card.shards, &card_text(card)).map_err(|error| refused(data, &error))?;
    tracing::info!(%path, rows, "upgraded: an older program refuses this directory from now on");
    Ok(card)
}

/// Reading changes nothing, and so cannot upgrade.
fn refuse_format_1(settings: &rocksdb::Options, data: &Path) -> Result<(), OpenError> {
    let families = DB::list_cf(settings, data.join("db")).map_err(|error| refused(data, &error))?;
    if families.iter().any(|name| name == Family::LargeRows.name()) {
        return Ok(());
    }
    Err(OpenError::Format { path: data.display().to_string(), found: FORMAT_1, known: FORMAT })
}

/// A number that nobody else draws: the standard library seeds its hashers from the system.
fn draw() -> u64 {
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// The keeper: looks at disk and database, notes what is confirmed, and lets retention pass. Runs until told to stop.
fn keep(core: &Core, retention: &Retention, retention_every: Duration, stop: &(Mutex<bool>, Condvar)) {
    let mut synced_at = Instant::now();
    let mut passed_at = Instant::now();
    let mut noted = 0;
    loop {
        let waited = stop.1.wait_timeout_while(lock(&stop.0), WATCH_EVERY, |stop| !*stop);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
        core.watch.look_at_pressure(&core.db);
        if core.watch.look_at_space() {
            core.durability.wake();
        }
        if synced_at.elapsed() >= Duration::from_secs(1) && core.durability.synced() != noted {
            noted = core.durability.synced();
            synced_at = Instant::now();
            if let Err(error) = core.confirmed.sync() {
                tracing::warn!(%error, path = %core.data.display(), "the confirmed end could not be synced");
            }
        }
        if passed_at.elapsed() >= retention_every && core.watch.halted().is_none() {
            passed_at = Instant::now();
            if let Err(error) = retention::pass(core, retention) {
                tracing::error!(%error, "retention failed");
            }
        }
    }
}
