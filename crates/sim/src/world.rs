//! The world of one story: processes, broker, disks and a clock, turned step by step until all has come to rest. Every step
//! is followed by the laws.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use arc_swap::ArcSwap;
use campanile_ledger::{Card, Topic};
use campanile_model::{LedgerId, Span, Timestamp};
use campanile_processor::Directory;

use crate::broker::{Broker, Cluster, Happening, Place, at};
use crate::disk::Shelf;
use crate::faults::Mutation;
use crate::oracle::Oracle;
use crate::organisation;
use crate::panics::guarded;
use crate::process::{self, Signs, Start};
use crate::schedule::{Life, Schedule, Shared};
use crate::story::{Act, ShelfFate, Story};
use crate::wire::Network;
use crate::workload;

/// A story that takes more steps does not come to rest.
const STEPS_MAX: u64 = 600_000;
/// How often, in a hundred, an act that is due happens before another step.
const ACTS: u8 = 25;
/// How often, in a hundred, the broker's own work goes before a task.
const BROKER_FIRST: u8 = 35;
/// How long the end is waited for after the last act, with nothing going wrong.
const REST_MS: i64 = 45_000;

/// What is left after a story.
pub(crate) struct Told {
    pub(crate) breach: Option<String>,
    pub(crate) steps: u64,
    pub(crate) commits: u64,
    pub(crate) inputs: u64,
    /// Equal for two runs of one story.
    pub(crate) fold: u64,
    pub(crate) trace: Vec<String>,
}

/// One life of a process that is not buried yet.
struct Living {
    life: Arc<Life>,
    signs: Arc<Signs>,
}

struct Process {
    instance: String,
    shelf: Shelf,
    /// The newest last; more than one while a twin lives.
    lives: Vec<Living>,
    skew: i64,
}

/// What the story set off and still has to end.
enum Later {
    Start(usize),
    Resume(u64),
}

pub(crate) struct World {
    shared: Arc<Shared>,
    schedule: Schedule,
    cluster: Cluster,
    processes: Vec<Process>,
    directory: Directory,
    card: Card,
    oracle: Oracle,
    acts: VecDeque<(Timestamp, Act)>,
    later: Vec<(Timestamp, Later)>,
    lives: u64,
    steps: u64,
    mutation: Option<Mutation>,
    has_lost_tail: bool,
    may_lose_tails: bool,
}

impl World {
    fn new(story: &Story, mutation: Option<Mutation>, is_traced: bool) -> Self {
        let shared = Shared::new(story.seed);
        let cluster = Broker::new(Arc::clone(&shared), story.shards);
        at(&cluster).trace = is_traced.then(Vec::new);
        let card = Card { ledger: LedgerId(7), shards: story.shards, format: 1 };
        let directory: Directory = Arc::new(ArcSwap::from_pointee(organisation::snapshot(story.shards)));
        let oracle = Oracle::new(card, Directory::clone(&directory));
        let processes = (0..story.processes).map(|nth| Process {
            instance: format!("processor-{nth}"),
            shelf: Shelf::default(),
            lives: Vec::new(),
            skew: 0,
        });
        let processes = processes.collect();
        let mut when = shared.now();
        let acts = story.acts.iter().map(|(after, act)| {
            when = when + Span(*after);
            (when, act.clone())
        });
        let acts = acts.collect();
        let schedule = Schedule::new(Arc::clone(&shared));
        let may_lose_tails = story.acts.iter().any(|(_, act)| matches!(act, Act::LoseTail { .. }));
        let (later, lives, steps) = Default::default();
        Self {
            shared,
            schedule,
            cluster,
            processes,
            directory,
            card,
            oracle,
            acts,
            later,
            lives,
            steps,
            mutation,
            has_lost_tail: false,
            may_lose_tails,
        }
    }

    fn start(&mut self, nth: usize) {
        self.lives += 1;
        let process = &mut self.processes[nth];
        let life = Arc::new(Life {
            process: nth,
            number: self.lives,
            is_dead: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            skew: AtomicI64::new(process.skew),
        });
        let signs: Arc<Signs> = Arc::default();
        at(&self.cluster).note(|| format!("process {nth}: life {} begins", life.number));
        let (shared, cluster) = (Arc::clone(&self.shared), Arc::clone(&self.cluster));
        process::start(Start {
            network: Network { shared, life: Arc::clone(&life), cluster },
            instance: process.instance.clone(),
            shelf: process.shelf.clone(),
            card: self.card,
            directory: Directory::clone(&self.directory),
            is_stranger: self.mutation == Some(Mutation::GenerationMinusOne),
            signs: Arc::clone(&signs),
        });
        process.lives.push(Living { life, signs });
    }

    fn bury(&mut self, nth: usize, place: usize) {
        let living = self.processes[nth].lives.remove(place);
        at(&self.cluster).note(|| format!("process {nth}: life {} ends", living.life.number));
        living.life.is_dead.store(true, Ordering::Relaxed);
        self.schedule.bury(&living.life);
        self.processes[nth].shelf.release(living.life.number);
    }

    fn kill(&mut self, nth: usize) {
        while !self.processes[nth].lives.is_empty() {
            self.bury(nth, 0);
        }
    }

    fn in_ms(&mut self, ms: i64, later: Later) {
        self.later.push((self.shared.now() + Span(ms), later));
    }

    fn pause(&mut self, nth: usize, ms: i64) -> bool {
        let Some(living) = self.processes[nth].lives.last() else { return false };
        living.life.is_paused.store(true, Ordering::Relaxed);
        let number = living.life.number;
        self.in_ms(ms, Later::Resume(number));
        true
    }

    fn act(&mut self, act: &Act) {
        at(&self.cluster).note(|| format!("story: {act:?}"));
        match *act {
            Act::Send { partition, service, key, action } => {
                let mut broker = at(&self.cluster);
                let partition = u16::from(partition) % broker.partitions;
                broker.append(Topic::Events, partition, workload::event(service, key, action));
            }
            Act::Command { pick, verb, id } => {
                let known = &self.oracle.incidents;
                let Some((shard, incident)) = known.get(usize::from(pick) % known.len().max(1)) else { return };
                let record = workload::command(incident, verb, id);
                at(&self.cluster).append(Topic::Commands, *shard, record);
            }
            Act::Join { process } => self.start_if_none(process.into()),
            Act::Kill { process, shelf, back_ms } => {
                let nth = usize::from(process);
                if self.processes[nth].lives.is_empty() {
                    return;
                }
                self.kill(nth);
                let disk = &self.processes[nth].shelf;
                match shelf {
                    ShelfFate::Kept => {}
                    ShelfFate::Lost => disk.lose(),
                    ShelfFate::Old(writes) => disk.age(writes.into()),
                    ShelfFate::Broken => disk.damage(),
                }
                self.in_ms(back_ms, Later::Start(nth));
            }
            Act::Pause { process, ms } => drop(self.pause(process.into(), ms)),
            Act::Twin { process, ms } => {
                if self.pause(process.into(), ms) {
                    self.start(process.into());
                }
            }
            Act::Drain { process, back_ms } => {
                let nth = usize::from(process);
                let Some(living) = self.processes[nth].lives.last() else { return };
                living.signs.is_draining.store(true, Ordering::Relaxed);
                self.in_ms(back_ms, Later::Start(nth));
            }
            Act::ProcessClock { process, ms } => {
                let process = &mut self.processes[usize::from(process)];
                process.skew = ms;
                for living in &process.lives {
                    living.life.skew.store(ms, Ordering::Relaxed);
                }
            }
            Act::Turn { ms } => self.shared.clock.turn(Span(ms)),
            Act::LoseTail { shard, entries } => self.lose_tail(shard.into(), entries.into()),
            _ => self.act_at_broker(act),
        }
    }

    /// The broker came back without the newest records of a changelog, which it had acknowledged and not flushed.
    fn lose_tail(&mut self, shard: u16, entries: usize) {
        let mut broker = at(&self.cluster);
        let shard = shard % broker.partitions;
        let log = broker.log(Place::Changelog(shard));
        if log.has_open() {
            return;
        }
        log.lose_tail(entries);
        self.has_lost_tail = true;
        for process in &self.processes {
            process.shelf.excuse();
        }
    }

    fn act_at_broker(&mut self, act: &Act) {
        let now = self.shared.now();
        let mut broker = at(&self.cluster);
        match *act {
            Act::Cut { process, ms } => drop(broker.cut_until.insert(process.into(), now + Span(ms))),
            Act::CoordinatorAway { ms } => broker.away_until = now + Span(ms),
            Act::Network { call, hiccup } => broker.hiccups.push((call, hiccup)),
            Act::Compact { shard } => {
                let shard = u16::from(shard) % broker.partitions;
                broker.compact(shard);
            }
            // Two witnesses lost are one too many: what neither log nor group remembers, nobody can know.
            Act::ExpireOffsets if self.may_lose_tails => {}
            Act::ExpireOffsets => broker.offsets.expire(),
            Act::BrokerClock { ms } => broker.skew = ms,
            Act::Widen { by } => {
                broker.partitions += u16::from(by);
                let partitions = broker.partitions;
                broker.group.widen(partitions);
                drop(broker);
                if self.mutation == Some(Mutation::HomeFromPartitions) {
                    self.directory.store(Arc::new(organisation::snapshot(partitions)));
                }
            }
            _ => {}
        }
    }

    fn start_if_none(&mut self, nth: usize) {
        if self.processes[nth].lives.is_empty() {
            self.start(nth);
        }
    }

    /// What was set off before and falls due now. True: something did.
    fn end_trouble(&mut self) -> bool {
        let now = self.shared.now();
        let Some(nth) = self.later.iter().position(|(when, _)| *when <= now) else { return false };
        match self.later.remove(nth).1 {
            Later::Start(nth) => self.start_if_none(nth),
            Later::Resume(number) => {
                for living in self.processes.iter().flat_map(|process| &process.lives) {
                    if living.life.number == number {
                        living.life.is_paused.store(false, Ordering::Relaxed);
                        at(&self.cluster).note(|| format!("life {number} goes on"));
                    }
                }
            }
        }
        true
    }

    /// Lives that ended by themselves: drained, or fenced by a twin.
    fn bury_the_ended(&mut self) {
        for nth in 0..self.processes.len() {
            let ended = |living: &Living| living.signs.has_ended.load(Ordering::Relaxed);
            while let Some(place) = self.processes[nth].lives.iter().position(ended) {
                self.bury(nth, place);
            }
        }
    }

    fn judge(&mut self) -> Result<(), String> {
        loop {
            let happenings = std::mem::take(&mut at(&self.cluster).happenings);
            if happenings.is_empty() {
                break;
            }
            for happening in happenings {
                match happening {
                    Happening::Committed(commit) => {
                        let mut broker = at(&self.cluster);
                        self.oracle.committed(&mut broker, &commit)?;
                    }
                    Happening::Restored { shard, commit, rows, timers } => {
                        self.oracle.restored(&commit, shard, &rows, &timers)?;
                    }
                    Happening::Breach(text) => return Err(text),
                }
            }
        }
        match self.processes.iter().find_map(|process| process.shelf.take_notes().pop()) {
            Some(note) => Err(format!("disk: {note}")),
            None => Ok(()),
        }
    }

    /// One step of anything. False: nothing can move before the clock does.
    fn step(&mut self) -> bool {
        at(&self.cluster).watch_members();
        if self.shared.percent(BROKER_FIRST) {
            if self.step_broker() {
                return true;
            }
            return self.schedule.step();
        }
        self.schedule.step() || self.step_broker()
    }

    fn step_broker(&self) -> bool {
        at(&self.cluster).step()
    }

    fn next_due(&self) -> Option<Timestamp> {
        let acts = self.acts.front().map(|(when, _)| *when);
        let later = self.later.iter().map(|(when, _)| *when).min();
        let broker = at(&self.cluster).next_due();
        [self.schedule.next_due(), broker, acts, later].into_iter().flatten().min()
    }

    fn turn(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(format!("no rest after {STEPS_MAX} steps; tasks: {}", self.schedule.names().join(" ")));
        }
        let now = self.shared.now();
        let is_due = self.acts.front().is_some_and(|(when, _)| *when <= now);
        if is_due && self.shared.percent(ACTS) {
            if let Some((_, act)) = self.acts.pop_front() {
                self.act(&act);
            }
        } else if !self.end_trouble() && !guarded(|| self.step())? {
            match self.next_due() {
                Some(due) if due > now => self.shared.clock.turn(due.since(now)),
                // Something is due now and could not move; chance passed it over.
                Some(_) => {}
                None => return Err("nothing is left to wait for".to_owned()),
            }
        }
        self.bury_the_ended();
        guarded(|| self.judge())?
    }

    /// Ends all trouble, and sends one event to each partition, by which everybody learns the broker's time.
    fn heal(&mut self) {
        {
            let mut broker = at(&self.cluster);
            broker.note(|| "story: all trouble ends".to_owned());
            broker.cut_until.clear();
            broker.hiccups.clear();
            (broker.away_until, broker.skew) = (self.shared.now(), 0);
            for partition in 0..broker.partitions {
                broker.append(Topic::Events, partition, workload::event(3, 9, 0));
            }
        }
        for nth in 0..self.processes.len() {
            for living in &self.processes[nth].lives {
                living.life.is_paused.store(false, Ordering::Relaxed);
                living.life.skew.store(0, Ordering::Relaxed);
            }
            self.processes[nth].skew = 0;
        }
    }

    /// A supervisor starts what has ended, once the story itself does so no more.
    fn restart_the_ended(&mut self) {
        for nth in 0..self.processes.len() {
            let is_coming = self.later.iter().any(|(_, later)| matches!(later, Later::Start(it) if *it == nth));
            if self.processes[nth].lives.is_empty() && !is_coming {
                self.in_ms(100, Later::Start(nth));
            }
        }
    }

    fn live(&mut self) -> Result<(), String> {
        while !self.acts.is_empty() || !self.later.is_empty() {
            self.turn()?;
        }
        self.heal();
        let until = self.shared.now() + Span(REST_MS);
        while self.shared.now() < until {
            self.restart_the_ended();
            self.turn()?;
        }
        if self.has_lost_tail {
            // A person must look then; until he has, nothing goes on, and nothing wrong was seen.
            return Ok(());
        }
        let assigned = at(&self.cluster).group.assigned();
        let partitions = at(&self.cluster).partitions;
        if assigned != usize::from(partitions) {
            return Err(format!("{assigned} of {partitions} partitions are somebody's at the end"));
        }
        let horizon = self.shared.now() + Span::seconds(-5);
        let mut broker = at(&self.cluster);
        self.oracle.at_rest(&mut broker, horizon)
    }
}

/// Tells a story to its end, or to the first law that breaks.
pub(crate) fn tell(story: &Story, mutation: Option<Mutation>, is_traced: bool) -> Told {
    let mut world = World::new(story, mutation, is_traced);
    let breach = world.live().err();
    for nth in 0..world.processes.len() {
        world.kill(nth);
    }
    let mut broker = at(&world.cluster);
    let (fold, trace) = (broker.fold(), broker.trace.take().unwrap_or_default());
    Told { breach, steps: world.steps, commits: world.oracle.commits, inputs: world.oracle.inputs, fold, trace }
}
