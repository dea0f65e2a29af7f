//! Sending at a rate that does not ask the server: one thread decides what is due, connections carry it.
//!
//! ```text
//!  arrivals + events ──► due? ──► queue of a connection ──► try ──► answer ──► latency from the intended instant
//!                                (by service: order kept)     ▲       │
//!                                                             └─ backoff, while --retry
//! ```
//!
//! When all queues are full the deciding thread waits, but the intended instants do not: the waiting is in the figures.

pub mod append;
pub mod http;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use campanile_model::Timestamp;
use campanile_model::murmur2::murmur2;
use serde_json::json;

use crate::arrivals::{Arrivals, Spacing};
use crate::hostile::{self, Door, Hostile};
use crate::journal::{Event, Journal};
use crate::latency::Histogram;
use crate::organisation;
use crate::report::{grouped, latency_json, latency_table};
use crate::workload::{self, Workload};

/// Events that may wait for one connection.
const QUEUE: usize = 1024;
/// First and longest wait before another try.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mix {
    /// What monitoring sends: the workload of every figure.
    Noise,
    /// Few keys under fire, for exactly-once tests.
    Oracle,
}

impl Mix {
    pub fn services(self, asked: Option<u16>) -> u16 {
        asked.unwrap_or(match self {
            Self::Noise => organisation::SERVICES,
            Self::Oracle => hostile::SERVICES,
        })
    }

    pub fn objects(self, seed: u64, services: u16) -> Vec<organisation::Object> {
        match self {
            Self::Noise => organisation::objects(seed, services),
            Self::Oracle => hostile::objects(seed, services),
        }
    }
}

/// What both doors are told.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// Events a second over all connections; 0 sends as fast as they are taken.
    #[arg(long, default_value_t = 1000.0)]
    pub rate: f64,
    #[arg(long, default_value_t = 10_000)]
    pub events: u64,
    /// Seed of the traffic.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Seed that the organisation was written with: its keys come from it.
    #[arg(long, default_value_t = 42)]
    pub organisation_seed: u64,
    /// Index of the first event; give several senders ranges of their own, and their events can be told apart.
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// Services to speak of [default: 500 for noise, 24 for oracle].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(organisation::SERVICES_MAX)))]
    pub services: Option<u16>,
    #[arg(long, value_enum, default_value = "noise")]
    pub mix: Mix,
    #[arg(long, value_enum, default_value = "steady")]
    pub spacing: Spacing,
    #[arg(long, default_value_t = 8)]
    pub connections: usize,
    /// Stamp events with the wall's time in place of the workload's own.
    #[arg(long)]
    pub now: bool,
    /// Write every try and every answer to this file.
    #[arg(long)]
    pub journal: Option<PathBuf>,
    /// Try again until it is taken, when the server is away, slow or failing.
    #[arg(long)]
    pub retry: bool,
    /// Also write the result as JSON to this file.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// What one connection has seen.
#[derive(Default)]
pub struct Tally {
    pub latency: Histogram,
    /// Final answers by name: `202`, `400`, `done`, `lost` …
    pub answers: BTreeMap<String, u64>,
    pub retries: u64,
}

impl Tally {
    pub fn answer(&mut self, name: impl Into<String>, events: u64) {
        *self.answers.entry(name.into()).or_default() += events;
    }

    fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.retries += other.retries;
        for (name, events) in &other.answers {
            self.answer(name, *events);
        }
    }
}

/// Waits before tries: longer each time, short again after an answer.
pub struct Backoff(Duration);

impl Backoff {
    pub fn new() -> Self {
        Self(BACKOFF.0)
    }

    pub fn wait(&mut self) {
        std::thread::sleep(self.0);
        self.0 = (self.0 * 2).min(BACKOFF.1);
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

enum Stream {
    Noise(Box<Workload>, bool),
    Oracle(Box<Hostile>),
}

impl Stream {
    fn new(options: &Common, door: Door) -> Self {
        let (seed, services) = (options.seed, options.mix.services(options.services));
        let (keys, first) = (options.organisation_seed, options.first);
        match options.mix {
            Mix::Noise => {
                let workload = Workload::new(workload::Options { seed, services });
                Self::Noise(Box::new(workload.keyed_by(keys).starting_at(first)), options.now)
            }
            Mix::Oracle => {
                let hostile = Hostile::new(seed, services, door);
                Self::Oracle(Box::new(hostile.keyed_by(keys).starting_at(first)))
            }
        }
    }

    fn next(&mut self, intended: Instant) -> Event {
        let mut json = Vec::with_capacity(800);
        match self {
            Self::Noise(workload, now) => {
                let fact =
                    if *now { workload.write_next_at(wall(), &mut json) } else { workload.write_next(&mut json) };
                Event {
                    index: fact.index,
                    record_key: workload.routing_key(fact.service).to_owned(),
                    dedup_key: workload.dedup_key(&fact),
                    action: fact.action.as_str(),
                    json,
                    intended,
                }
            }
            Self::Oracle(hostile) => {
                let sent = hostile.write_next(&mut json);
                let action = sent.action.as_str();
                Event {
                    index: sent.index,
                    record_key: sent.record_key,
                    dedup_key: sent.dedup_key,
                    action,
                    json,
                    intended,
                }
            }
        }
    }
}

fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}

/// Carries the events of one connection until its queue ends.
pub type Carrier = dyn Fn(Receiver<Event>, &Journal) -> Result<Tally> + Send + Sync;

/// Sends all events and reports. Says whether every one of them got a good answer.
///
/// # Errors
/// The journal cannot be written, or a connection meets what no retry can mend.
pub fn run(options: &Common, door: Door, carrier: Arc<Carrier>) -> Result<bool> {
    ensure!(options.connections > 0, "no connections: nothing could be sent");
    let journal = Arc::new(Journal::open(options.journal.as_deref())?);
    let mut queues = Vec::new();
    let mut threads: Vec<JoinHandle<Result<Tally>>> = Vec::new();
    for nth in 0..options.connections {
        let (queue, events) = sync_channel(QUEUE);
        let (carrier, journal) = (Arc::clone(&carrier), Arc::clone(&journal));
        let named = std::thread::Builder::new().name(format!("connection-{nth}"));
        threads.push(named.spawn(move || carrier(events, &journal))?);
        queues.push(queue);
    }
    let began = Instant::now();
    let complete = feed(options, door, &queues, began);
    drop(queues);
    let mut tally = Tally::default();
    for thread in threads {
        tally.merge(&thread.join().map_err(|_| anyhow!("a connection's thread panicked"))??);
    }
    ensure!(complete, "a connection gave up before everything was sent");
    report(options, &tally, began.elapsed())
}

/// False: a connection ended early, and its own error says why.
fn feed(options: &Common, door: Door, queues: &[SyncSender<Event>], began: Instant) -> bool {
    let mut stream = Stream::new(options, door);
    let arrivals = Arrivals::new(options.rate, options.spacing, options.seed);
    for (_, due) in (0..options.events).zip(arrivals) {
        let early = due.saturating_sub(began.elapsed());
        if !early.is_zero() {
            std::thread::sleep(early);
        }
        // Without a rate there is no intended instant but now.
        let intended = if options.rate > 0.0 { began + due } else { Instant::now() };
        let event = stream.next(intended);
        // By key, so that a trigger stays before its resolve.
        let queue = &queues[murmur2(event.record_key.as_bytes()) as usize / 4096 % queues.len()];
        if queue.send(event).is_err() {
            return false;
        }
    }
    true
}

fn report(options: &Common, tally: &Tally, took: Duration) -> Result<bool> {
    let rate = options.events as f64 / took.as_secs_f64();
    println!("{} events in {:.2} s, {} a second", grouped(options.events), took.as_secs_f64(), grouped(rate as u64));
    for (name, events) in &tally.answers {
        println!("answer {name}: {}", grouped(*events));
    }
    println!("tries again: {}\n", grouped(tally.retries));
    println!("{}", latency_table(&tally.latency).render());
    if let Some(path) = &options.json {
        let result = json!({
            "events": options.events, "seconds": took.as_secs_f64(), "rate_asked": options.rate, "rate": rate,
            "answers": tally.answers, "retries": tally.retries, "latency": latency_json(&tally.latency),
        });
        std::fs::write(path, format!("{result:#}\n"))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let good: u64 = ["202", "done"].iter().filter_map(|name| tally.answers.get(*name)).sum();
    Ok(good == options.events)
}
