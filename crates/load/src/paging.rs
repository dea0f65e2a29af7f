//! Very many open incidents at once, each with its ladder: do deadlines come in time, never early, and never after an
//! acknowledgement?
//!
//! Processor and notifier run in this process on an embedded ledger, in real time. Everything that is judged is read
//! back from the topics: what the machines decided is on `notifications`, when a step was asked is the append time of its
//! command.

mod judge;
mod organisation;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use arc_swap::ArcSwap;
use campanile_clock::Wall;
use campanile_directory::Channel as Kind;
use campanile_ledger::{Appender, MachineId, Record, Tail, Topic};
use campanile_ledger_rocks::Ledger;
use campanile_model::murmur2::partition_of;
use campanile_model::{Epoch, IncidentId};
use campanile_notifier::channels::{Channels, Terminal};
use campanile_notifier::{Drained, Ports};
use campanile_pagerduty::objects::snapshot_from_records;
use serde_json::json;

use self::judge::Verdict;
use crate::drain::rocks_options;
use crate::machine;
use crate::report::grouped;

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(600);
/// Events of one append.
const GROUP: usize = 100;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Incidents, all open at once.
    #[arg(long, default_value_t = 100_000)]
    incidents: u64,
    /// Services, each with a policy and a person of its own.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=9999))]
    services: u64,
    /// Incidents opened in a second.
    #[arg(long, default_value_t = 2000)]
    rate: u64,
    /// Of so many incidents one is acknowledged before its deadline.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..))]
    acknowledge_each: u64,
    #[arg(long, default_value_t = 8)]
    shards: u16,
}

/// Runs it and prints the figures. False: one of them is not what it has to be.
///
/// # Errors
/// The ledger cannot be made, or a role stops.
pub fn run(options: &Options) -> Result<bool> {
    for (name, value) in machine::facts() {
        println!("{name:<12} {value}");
    }
    let folder = tempfile::tempdir().context("no room for the ledger")?;
    let ledger = Ledger::open(rocks_options(folder.path(), Some(options.shards)))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let rung = Arc::new(AtomicU64::new(0));
    let roles = Roles::start(options, &ledger, &runtime, &rung)?;
    let acknowledged = play(options, ledger.appender().as_ref(), ledger.tail().as_ref())?;
    let open_rss = machine::rss_bytes();
    await_steps(options, ledger.tail().as_ref(), options.incidents - acknowledged)?;
    // What must not come would come now.
    std::thread::sleep(Duration::from_secs(3));
    let verdict = Verdict::of(ledger.tail().as_ref(), options.shards, organisation::DELAY)?;
    roles.stop()?;
    ledger.close();
    println!(
        "incidents {} open at once · acknowledged before their deadline {} · escalated {}",
        grouped(options.incidents),
        grouped(acknowledged),
        grouped(verdict.escalated)
    );
    println!("step asked after its deadline:   {}", verdict.asked.line());
    println!("page ordered after its deadline: {}", verdict.entered.line());
    println!(
        "asked before the deadline {} · escalated after an acknowledgement {}",
        verdict.early, verdict.after_answer
    );
    println!(
        "memory with all open {} MiB, at most {} MiB · messages to {} people: {}",
        open_rss >> 20,
        machine::peak_rss_bytes() >> 20,
        grouped(options.services),
        grouped(rung.load(Ordering::Relaxed))
    );
    let is_whole = verdict.escalated == options.incidents - acknowledged;
    let is_good = is_whole && verdict.early == 0 && verdict.after_answer == 0 && verdict.asked.quantile(0.99) <= 1000;
    println!(
        "{}",
        if is_good { "as it has to be" } else { "NOT as it has to be: p99 of at most 1000 ms, and the zeros" }
    );
    Ok(is_good)
}

struct Roles {
    processor: campanile_processor::Handle,
    notifier: campanile_notifier::Handle,
}

impl Roles {
    fn start(
        options: &Options,
        ledger: &Ledger,
        runtime: &tokio::runtime::Runtime,
        rung: &Arc<AtomicU64>,
    ) -> Result<Self> {
        let objects = organisation::objects(options.services);
        let snapshot = snapshot_from_records(objects, Epoch(1), options.shards)
            .map_err(|problems| anyhow!("the organisation is refused: {}", problems[0]))?;
        let directory = Arc::new(ArcSwap::from_pointee(snapshot));
        let count = Arc::clone(rung);
        let terminal = Terminal::new(Arc::new(move |_: &str| {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        let ports = Ports {
            appender: ledger.appender(),
            tail: ledger.tail(),
            directory: Arc::clone(&directory),
            channels: Channels::default().with(Kind::Terminal, Arc::new(terminal)),
            webhooks: None,
            clock: Arc::new(Wall),
            runtime: runtime.handle().clone(),
        };
        let processor = campanile_processor::Service::start(
            campanile_processor::Options { threads: Some(1), ..Default::default() },
            ledger.shards(),
            directory,
        )?;
        let shards = ledger.shards_of(MachineId::Notifier);
        let notifier = campanile_notifier::Service::start(Default::default(), shards, ports)?;
        Ok(Self { processor, notifier })
    }

    fn stop(self) -> Result<()> {
        let within = Duration::from_secs(60);
        for drained in [self.processor.drain(within), self.notifier.drain(within)] {
            ensure!(drained == Drained::Clean, "a role did not end well: {drained:?}");
        }
        Ok(())
    }
}

/// Opens every incident at the rate and acknowledges one of so many as soon as it is assigned. Gives how many.
fn play(options: &Options, appender: &dyn Appender, tail: &dyn Tail) -> Result<u64> {
    let began = Instant::now();
    let mut opened = 0;
    let mut answering = Answering::new(options);
    while opened < options.incidents {
        let due = Duration::from_secs_f64(opened as f64 / options.rate as f64);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let count = (GROUP as u64).min(options.incidents - opened);
        let mut groups: Vec<Vec<Record>> = vec![Vec::new(); usize::from(options.shards)];
        for nth in opened..opened + count {
            let key = organisation::routing_key(nth % options.services);
            let event = json!({ "routing_key": key, "event_action": "trigger", "dedup_key": format!("{nth}"), "payload":
                { "summary": format!("trouble {nth}"), "source": "load", "severity": "critical" } });
            let partition = partition_of(key.as_bytes(), options.shards);
            groups[usize::from(partition)].push(Record::new(key, event.to_string()));
        }
        for (partition, records) in (0..options.shards).zip(groups).filter(|(_, records)| !records.is_empty()) {
            appender.append_wait(Topic::Events, partition, records)?;
        }
        opened += count;
        answering.read_on(appender, tail)?;
        eprint!("\ropened {} of {}", grouped(opened), grouped(options.incidents));
        std::io::stderr().flush()?;
    }
    eprintln!();
    let until = Instant::now() + PATIENCE;
    while answering.assigned < options.incidents {
        ensure!(Instant::now() < until, "{} incidents were assigned in time", answering.assigned);
        std::thread::sleep(Duration::from_millis(50));
        answering.read_on(appender, tail)?;
    }
    Ok(answering.answered)
}

/// Reads what is assigned, and acknowledges some of it.
struct Answering {
    next: Vec<u64>,
    each: u64,
    assigned: u64,
    answered: u64,
}

impl Answering {
    fn new(options: &Options) -> Self {
        Self { next: vec![0; usize::from(options.shards)], each: options.acknowledge_each, assigned: 0, answered: 0 }
    }

    fn read_on(&mut self, appender: &dyn Appender, tail: &dyn Tail) -> Result<()> {
        for (partition, next) in (0..).zip(&mut self.next) {
            let records = tail.read(Topic::Incidents, partition, *next, 4096)?;
            let mut commands = Vec::new();
            for stored in &records {
                *next = stored.offset + 1;
                let record: serde_json::Value = serde_json::from_slice(&stored.record.value)?;
                if record["event_type"] != "incident.assigned" {
                    continue;
                }
                self.assigned += 1;
                if self.assigned.is_multiple_of(self.each) {
                    let id: IncidentId = record["data"]["id"].as_str().unwrap_or_default().parse()?;
                    let command = json!({ "v": 1, "id": format!("ack-{id}"), "incident": id.to_string(),
                        "actor": { "type": "user_reference", "id": "PLOAD0000" }, "verb": "acknowledge" });
                    commands.push(Record::new(id.to_string(), command.to_string()));
                    self.answered += 1;
                }
            }
            if !commands.is_empty() {
                appender.append_wait(Topic::Commands, partition, commands)?;
            }
        }
        Ok(())
    }
}

/// Waits until so many incidents have entered their second level.
fn await_steps(options: &Options, tail: &dyn Tail, wanted: u64) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut next = vec![0; usize::from(options.shards)];
    let mut entered = 0;
    while entered < wanted {
        if Instant::now() > until {
            bail!("{entered} of {wanted} incidents escalated in time");
        }
        std::thread::sleep(Duration::from_millis(200));
        for (partition, next) in (0..).zip(&mut next) {
            for stored in tail.read(Topic::Incidents, partition, *next, 100_000)? {
                *next = stored.offset + 1;
                entered += u64::from(judge::is_event(&stored.record.value, "incident.escalated"));
            }
        }
        eprint!("\rescalated {} of {}", grouped(entered), grouped(wanted));
        std::io::stderr().flush()?;
    }
    eprintln!();
    Ok(())
}
