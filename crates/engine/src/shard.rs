//! The life of one claimed shard: read, judge, seal, and again. Driven by one thread; nothing here waits except `seal`
//! on a commit that is still in the way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use campanile_ledger::{Batch, Intake, MachineId, Publish, Record, Rows, Settled, Shard, Stop, Topic};
use campanile_model::{Epoch, ShardId, Timestamp};
use campanile_record::steps;

use crate::cadence::{self, Cadence};
use crate::lanes;
use crate::machine::{Machine, Taken};
use crate::output::Output;
use crate::quarantine::Quarantine;
use crate::slice::{Bench, Growing, Trouble};
use crate::telemetry::{Oldest, Telemetry};

/// Inputs judged between two looks at the clock and the committer.
const SLICE_INPUTS: usize = 1024;
/// Records a lane holds in memory before they are judged.
const INTAKE_RECORDS: usize = 4096;
/// A shard that waits longer for the directory says so as an error. Source: LEDGER.md 10.
const DIRECTORY_LATE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct RunnerOptions {
    pub cadence: Cadence,
    /// Run on the senders' own times, for benches and back-tests.
    pub event_time: bool,
    /// Note what each commit consumed on the steps topic.
    pub steps: bool,
    /// Whose series it counts in.
    pub machine: MachineId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something was judged: step again at once.
    Worked,
    /// A batch was sealed.
    Sealed,
    /// Nothing to do before this much time has passed, or something becomes readable.
    Idle(Duration),
}

/// Where the shard stands, for status pages and metrics.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub committed_seq: u64,
    pub next: [u64; 3],
    pub now: Timestamp,
    pub epoch: Epoch,
    /// Why nothing is judged or committed now.
    pub halted: Option<String>,
}

/// A sealed batch that is not durable yet.
struct Waiting {
    seq: u64,
    sealed_at: Instant,
    oldest: Option<Oldest>,
}

pub struct Runner<M: Machine, S: Shard> {
    /// Before the shard, so that it is dropped before another process may have the shard.
    machine: M,
    shard: S,
    options: RunnerOptions,
    intake: Intake,
    arena: Vec<u8>,
    taken: VecDeque<Taken>,
    /// Size of the last batch's rows, a guess for the next one's.
    rows_bytes: usize,
    growing: Growing,
    quarantine: Quarantine,
    telemetry: Telemetry,
    sealed_seq: u64,
    sealed_at: Instant,
    sealed_waiting: VecDeque<Waiting>,
    /// The first input of the growing batch, if it has one.
    oldest: Option<Oldest>,
    standing: Standing,
    directory: Awaited,
}

/// The directory that was judged by last. Until this process has it too nothing is read: by an older one the same inputs
/// could be judged otherwise than those before them.
struct Awaited {
    epoch: Epoch,
    since: Instant,
    is_told: bool,
}

impl Awaited {
    fn new(epoch: Epoch) -> Self {
        Self { epoch, since: Instant::now(), is_told: false }
    }

    /// Why nothing may be judged yet, if so.
    fn missing(&mut self, shard: ShardId, newest: Epoch) -> Option<String> {
        if newest >= self.epoch {
            return None;
        }
        let reason = format!("it waits for epoch {} of the directory; here it is {}", self.epoch.0, newest.0);
        if !self.is_told && self.since.elapsed() >= DIRECTORY_LATE {
            self.is_told = true;
            tracing::error!(%shard, reason, "the directory is late");
        }
        Some(reason)
    }
}

impl<M: Machine, S: Shard> Runner<M, S> {
    pub fn new(shard: S, mut machine: M, options: RunnerOptions) -> Self {
        let opening = shard.opening().clone();
        machine.open(&opening);
        machine.switch();
        let commit = opening.commit;
        let growing =
            Growing { output: Output::new(commit.out_seq), next: commit.next, now: commit.now, ..Growing::default() };
        let telemetry = Telemetry::new(options.machine, shard.id());
        let standing = Standing {
            committed_seq: commit.seq,
            next: commit.next,
            now: commit.now,
            epoch: machine.epochs().0,
            halted: None,
        };
        Self {
            shard,
            machine,
            options,
            intake: Intake::default(),
            arena: Vec::new(),
            taken: VecDeque::with_capacity(SLICE_INPUTS),
            rows_bytes: 0,
            growing,
            quarantine: Quarantine::default(),
            telemetry,
            sealed_seq: commit.seq,
            sealed_at: Instant::now(),
            sealed_waiting: VecDeque::new(),
            oldest: None,
            standing,
            directory: Awaited::new(commit.epoch),
        }
    }

    pub fn shard(&self) -> &S {
        &self.shard
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// One round: settle, read, judge a slice, fire what is due, seal when it is time.
    pub fn step(&mut self, wall: Timestamp) -> Result<Progress, Stop> {
        let committer_free = self.settle(Duration::ZERO)?;
        if self.standing.halted.is_none() {
            self.standing.halted = self.directory.missing(self.shard.id(), self.machine.epochs().1);
        }
        if self.standing.halted.is_some() {
            self.gauges(wall);
            return Ok(Progress::Idle(Duration::from_millis(200)));
        }
        if self.growing.is_empty() {
            self.machine.look(&mut self.shard)?;
        }
        let full = self.options.cadence.full(self.changes(), self.growing.bytes());
        let mut judged = 0;
        if !full {
            self.shard.read(INTAKE_RECORDS, Duration::ZERO, &mut self.intake)?;
            self.switch_directory()?;
            if self.oldest.is_none() {
                self.oldest = self.oldest_input(wall);
            }
            judged = match self.judge_slice(wall) {
                Ok(judged) => judged,
                Err(trouble) => return self.recover(trouble),
            };
        }
        let idle = self.intake.main.is_empty() && self.intake.hop.is_empty() && self.intake.door.is_empty();
        if self.seal_is_due(idle, committer_free) {
            self.seal()?;
            return Ok(Progress::Sealed);
        }
        self.gauges(wall);
        Ok(if judged > 0 && !full { Progress::Worked } else { Progress::Idle(self.patience()) })
    }

    /// Stops taking input, commits what was judged, and waits for it at most `within`. True: all of it is durable.
    pub fn drain(&mut self, within: Duration) -> Result<bool, Stop> {
        let deadline = Instant::now() + within;
        if !self.growing.is_empty() {
            self.seal()?;
        }
        while Instant::now() < deadline {
            if self.settle(Duration::from_millis(20))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn gauges(&mut self, wall: Timestamp) {
        if self.telemetry.gauges_due() {
            self.telemetry.gauges(&self.standing, &self.intake, &self.machine.remembered(), wall);
        }
    }

    fn oldest_input(&self, wall: Timestamp) -> Option<Oldest> {
        let heads = [self.intake.main.front(), self.intake.hop.front(), self.intake.door.front()];
        let at = heads.into_iter().flatten().map(|stored| stored.at).min()?;
        let append_to_read = Duration::from_millis(wall.since(at).0.max(0) as u64);
        Some(Oldest { append_to_read, read_at: Instant::now() })
    }

    fn changes(&self) -> usize {
        self.growing.changes(self.machine.pending())
    }

    /// How long nothing can fall due here. Timers of an idle shard are looked at often enough to fire within a second.
    fn patience(&self) -> Duration {
        let gap = self.options.cadence.gap.saturating_sub(self.sealed_at.elapsed());
        if self.growing.is_empty() {
            Duration::from_millis(50)
        } else {
            gap.clamp(Duration::from_millis(1), self.options.cadence.age)
        }
    }

    fn seal_is_due(&self, nothing_to_read: bool, committer_free: bool) -> bool {
        self.options.cadence.due(cadence::Batch {
            empty: self.growing.is_empty(),
            changes: self.changes(),
            bytes: self.growing.bytes(),
            age: self.oldest.map_or(Duration::ZERO, |oldest| oldest.read_at.elapsed()),
            since_seal: self.sealed_at.elapsed(),
            nothing_to_read,
            backlog: self.intake.main.len() + self.intake.hop.len() > SLICE_INPUTS,
            committer_free,
        })
    }

    /// Learns what has become durable. True: nothing is on its way.
    fn settle(&mut self, wait: Duration) -> Result<bool, Stop> {
        self.standing.halted = None;
        let committed = match self.shard.settled(wait)? {
            Settled::Committed(seq) => seq,
            Settled::Pending => return Ok(false),
            Settled::Lost => return Err(Stop::Lost),
            Settled::Halted(reason) => {
                self.standing.halted = Some(reason);
                return Ok(false);
            }
        };
        self.standing.committed_seq = committed;
        self.machine.committed(committed);
        while let Some(waiting) = self.sealed_waiting.pop_front_if(|waiting| waiting.seq <= committed) {
            self.telemetry.committed(waiting.sealed_at.elapsed(), waiting.oldest);
        }
        Ok(self.sealed_waiting.is_empty())
    }

    /// A newer directory is taken between batches, before anything that was accepted under it is judged.
    fn switch_directory(&mut self) -> Result<(), Stop> {
        let (now, newest) = self.machine.epochs();
        if now == newest {
            return Ok(());
        }
        if !self.growing.is_empty() {
            self.seal()?;
        }
        self.machine.switch();
        self.standing.epoch = newest;
        Ok(())
    }

    fn judge_slice(&mut self, wall: Timestamp) -> Result<usize, Trouble> {
        let mut taken = std::mem::take(&mut self.taken);
        taken.clear();
        lanes::take(&mut self.intake, self.shard.id().0, SLICE_INPUTS, &mut taken);
        let mut arena = std::mem::take(&mut self.arena);
        let before = self.growing.inputs + self.growing.fired.iter().map(|(_, n)| *n as usize).sum::<usize>();
        let horizon = self.intake.horizon.filter(|_| taken.is_empty());
        let mut bench = Bench {
            machine: &mut self.machine,
            shard: &mut self.shard,
            growing: &mut self.growing,
            quarantine: &self.quarantine,
            cadence: self.options.cadence,
            event_time: self.options.event_time,
            wall,
        };
        let judged = match horizon {
            // On event time nothing but events moves the clock.
            Some(_) if self.options.event_time => Ok(()),
            Some(horizon) => bench.fire_until(horizon).map(|_| ()),
            None => bench.run(&mut taken, &mut arena),
        };
        self.arena = arena;
        if judged.is_ok() {
            lanes::put_back(&mut self.intake, &mut taken);
        }
        self.taken = taken;
        judged?;
        let after = self.growing.inputs + self.growing.fired.iter().map(|(_, n)| *n as usize).sum::<usize>();
        Ok(after - before)
    }

    fn seal(&mut self) -> Result<(), Stop> {
        let mut rows = Rows::with_capacity(self.rows_bytes, self.machine.pending());
        let partition = self.shard.id().0;
        self.machine.drain(&mut rows, &mut self.growing.output);
        self.rows_bytes = rows.size_bytes();
        let growing = &mut self.growing;
        let (epoch, _) = self.machine.epochs();
        let (serial, out_seq) = (self.machine.serial(), growing.output.out_seq);
        let seq = self.sealed_seq + 1;
        if self.options.steps {
            let standing = steps::Standing { seq, now: growing.now, epoch, serial, out_seq, next: growing.next };
            let record = Record::new(seq.to_string(), steps::encode(&growing.steps, standing));
            growing.output.publish.push(Publish { topic: Topic::Steps, partition, record });
        }
        self.telemetry.sealed(growing, rows.len());
        let batch = Batch {
            rows,
            timers: growing.timers.seal(),
            publish: std::mem::take(&mut growing.output.publish),
            next: growing.next,
            now: growing.now,
            epoch,
            serial,
            out_seq,
        };
        growing.output = Output::new(out_seq);
        growing.steps.clear();
        (growing.bytes_in, growing.inputs, growing.clamped) = (0, 0, 0);
        growing.fired.clear();
        self.standing.next = growing.next;
        self.standing.now = growing.now;
        self.standing.epoch = epoch;
        self.quarantine.committed(growing.next);
        self.sealed_seq = self.shard.seal(batch)?;
        self.machine.sealed(self.sealed_seq);
        debug_assert_eq!(self.sealed_seq, seq, "the ledger numbers batches one after the other");
        self.sealed_at = Instant::now();
        self.sealed_waiting.push_back(Waiting { seq, sealed_at: self.sealed_at, oldest: self.oldest.take() });
        Ok(())
    }

    /// After a panic: back to the last sealed batch, with the culprit remembered. Anything else ends the shard.
    fn recover(&mut self, trouble: Trouble) -> Result<Progress, Stop> {
        let (input, message) = match trouble {
            Trouble::Stop(stop) => return Err(stop),
            Trouble::Panic { input, message } => (input, message),
        };
        self.telemetry.panicked();
        let Some((lane, offset)) = input else {
            // A timer cannot be set aside: firing it again would panic again, and dropping it would lose its deed.
            return Err(Stop::Damaged(format!("a timer broke a law: {message}")));
        };
        tracing::error!(shard = %self.shard.id(), lane = lane.as_str(), offset, message, "the machine panicked on an input");
        self.quarantine.panicked(lane, offset);
        let opening = self.shard.reopen()?;
        self.machine.open(&opening);
        self.machine.switch();
        self.standing.epoch = self.machine.epochs().0;
        self.intake = Intake::default();
        self.growing = Growing {
            output: Output::new(opening.commit.out_seq),
            next: opening.commit.next,
            now: opening.commit.now,
            ..Growing::default()
        };
        self.sealed_seq = opening.commit.seq;
        self.oldest = None;
        Ok(Progress::Worked)
    }
}
