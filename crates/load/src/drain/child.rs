//! The measured part, in a process of its own.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use arc_swap::ArcSwap;
use campanile_directory::{Kind, Snapshot};
use campanile_ledger::{Intake, Shard as _, Shards, Tail, Topic};
use campanile_ledger_rocks::Ledger;
use campanile_model::Epoch;
use campanile_pagerduty::events_v2::Decoder;
use campanile_pagerduty::objects::snapshot_from_records;
use campanile_processor::{Drained, Options, Service, TimeSource};
use campanile_record::directory::{EPOCH_KEY, epoch};

use super::Measured;
use super::ground::{Ground, claim_all, kafka_options, rocks_options};
use crate::machine;

/// Records asked for at once, as the engine asks for them.
const READ_MAX: usize = 4096;
const POLL: Duration = Duration::from_millis(5);
const DRAIN_WITHIN: Duration = Duration::from_secs(60);
/// The ledger's background work is over when one look finds less CPU used than this since the last; 30 s at most.
const SETTLE_LOOK: Duration = Duration::from_millis(300);
const SETTLED_BELOW: Duration = Duration::from_millis(3);
const SETTLE_LOOKS_MAX: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Job {
    /// Read and decode, nothing else.
    Decode,
    /// The processor.
    Process,
}

impl Job {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Process => "process",
        }
    }
}

#[derive(Clone, Debug, clap::Args)]
pub struct Child {
    #[arg(long)]
    pub job: Job,
    #[arg(long)]
    pub data: PathBuf,
    #[arg(long)]
    pub kafka: Option<String>,
    #[arg(long, default_value = "campanile")]
    pub prefix: String,
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
}

/// Does the job and prints its measures, one JSON object, on standard output.
///
/// # Errors
/// The ledger cannot be read, or the processor stops.
pub fn run(child: &Child) -> Result<()> {
    let measured = match (child.job, Ground::of(&child.data, child.kafka.as_deref(), &child.prefix)) {
        // Read-only, so that no compaction left over by others is counted as reading.
        (Job::Decode, Ground::Rocks { data }) => {
            let ledger = Ledger::open_read_only(&data)?;
            decode(ledger.tail().as_ref(), ledger.card().shards)?
        }
        (Job::Process, Ground::Rocks { data }) => {
            let ledger = Ledger::open(rocks_options(&data, None))?;
            settle();
            let mut measured = process(ledger.card().shards, ledger.tail().as_ref(), ledger.shards(), child.threads)?;
            measured.debt_cpu_seconds = settle().as_secs_f64();
            ledger.close();
            measured
        }
        (Job::Decode, Ground::Kafka { brokers, prefix, data }) => {
            decode_shards(&campanile_ledger_kafka::Ledger::open(kafka_options(&brokers, &prefix, &data))?)?
        }
        (Job::Process, Ground::Kafka { brokers, prefix, data }) => {
            let ledger = campanile_ledger_kafka::Ledger::open(kafka_options(&brokers, &prefix, &data))?;
            process(ledger.card().shards, ledger.tail().as_ref(), ledger.shards(), child.threads)?
        }
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// Waits until the process has nothing to do in the background any more. Gives the CPU time that took.
fn settle() -> Duration {
    let began = machine::cpu_used();
    let mut last = began;
    for _ in 0..SETTLE_LOOKS_MAX {
        std::thread::sleep(SETTLE_LOOK);
        let used = machine::cpu_used();
        if used.saturating_sub(last) < SETTLED_BELOW {
            break;
        }
        last = used;
    }
    machine::cpu_used().saturating_sub(began)
}

/// Since when, by the wall and by the CPU.
struct Watch {
    began: Instant,
    cpu: Duration,
}

impl Watch {
    fn start() -> Self {
        Self { began: Instant::now(), cpu: machine::cpu_used() }
    }

    fn stop(self, events: u64) -> Measured {
        Measured {
            events,
            seconds: self.began.elapsed().as_secs_f64(),
            cpu_seconds: machine::cpu_used().saturating_sub(self.cpu).as_secs_f64(),
            peak_rss_bytes: machine::peak_rss_bytes(),
            debt_cpu_seconds: 0.0,
        }
    }
}

fn decode(tail: &dyn Tail, shards: u16) -> Result<Measured> {
    let mut decoder = Decoder::new();
    let mut scratch = Vec::new();
    let mut events = 0;
    let watch = Watch::start();
    for partition in 0..shards {
        let mut from = 0;
        loop {
            let records = tail.read(Topic::Events, partition, from, READ_MAX)?;
            let Some(last) = records.last() else { break };
            from = last.offset + 1;
            events += records.len() as u64;
            for stored in &records {
                // The decoder destroys what it reads, and the log's bytes are shared: everyone who decodes copies.
                scratch.clear();
                scratch.extend_from_slice(&stored.record.value);
                black_box(decoder.decode(&mut scratch)?);
            }
        }
    }
    Ok(watch.stop(events))
}

/// The same over a cluster: read as the engine reads, from every shard, to the end of its main lane.
fn decode_shards(ledger: &campanile_ledger_kafka::Ledger) -> Result<Measured> {
    let tail = ledger.tail();
    let mut decoder = Decoder::new();
    let mut scratch = Vec::new();
    let mut events = 0;
    let watch = Watch::start();
    let mut reading: Vec<_> = claim_all(ledger)?
        .into_iter()
        .map(|shard| (tail.ends(Topic::Events, shard.id().0).end, shard))
        .filter(|(end, _)| *end > 0)
        .collect();
    let mut intake = Intake::default();
    while !reading.is_empty() {
        let mut done = Vec::with_capacity(reading.len());
        for (end, shard) in &mut reading {
            let read = shard.read(READ_MAX, Duration::from_millis(1), &mut intake);
            read.map_err(|stop| anyhow!("a shard cannot be read: {stop:?}"))?;
            let mut next = 0;
            for stored in intake.main.drain(..) {
                scratch.clear();
                scratch.extend_from_slice(&stored.record.value);
                black_box(decoder.decode(&mut scratch)?);
                events += 1;
                next = stored.offset + 1;
            }
            done.push(next >= *end);
        }
        let mut done = done.into_iter();
        reading.retain(|_| !done.next().unwrap_or(false));
    }
    Ok(watch.stop(events))
}

fn process<S: Shards + 'static>(shards: u16, tail: &dyn Tail, claims: S, threads: usize) -> Result<Measured> {
    let directory = Arc::new(ArcSwap::from_pointee(directory(tail, shards)?));
    let ends: Vec<u64> = (0..shards).map(|shard| tail.ends(Topic::Events, shard).end).collect();
    let options = Options { threads: Some(threads), time: TimeSource::Event, ..Options::default() };
    let watch = Watch::start();
    let handle = Service::start(options, claims, directory)?;
    loop {
        if let Some(reason) = handle.failed() {
            bail!("the processor stopped: {reason}");
        }
        let status = handle.status();
        let done = |shard: u16, end: u64| status.iter().any(|it| it.shard == shard && it.next[0] >= end);
        if (0..shards).zip(&ends).all(|(shard, end)| *end == 0 || done(shard, *end)) {
            break;
        }
        std::thread::sleep(POLL);
    }
    match handle.drain(DRAIN_WITHIN) {
        Drained::Clean => Ok(watch.stop(ends.iter().sum())),
        Drained::TimedOut => bail!("the processor did not commit within {} s", DRAIN_WITHIN.as_secs()),
        Drained::Failed(reason) => bail!("the processor stopped: {reason}"),
    }
}

/// The newest organisation on the directory topic.
fn directory(tail: &dyn Tail, shards: u16) -> Result<Snapshot> {
    let mut objects = BTreeMap::new();
    let mut newest = Epoch(0);
    let mut from = 0;
    loop {
        let records = tail.read(Topic::Directory, 0, from, READ_MAX)?;
        let Some(last) = records.last() else { break };
        from = last.offset + 1;
        for stored in records {
            let key = String::from_utf8_lossy(stored.record.key.as_deref().unwrap_or_default()).into_owned();
            if key == EPOCH_KEY {
                newest = epoch(&stored.record.value).unwrap_or(newest);
            } else if let Some((folder, id)) = key.split_once('/')
                && let Some(kind) = Kind::of_folder(folder)
            {
                objects.insert((kind, id.to_owned()), stored.record.value);
            }
        }
    }
    let objects = objects.into_iter().map(|((kind, id), json)| (kind, id, json));
    snapshot_from_records(objects, newest, shards).map_err(|problems| {
        anyhow!("the directory topic is refused: {}", problems.first().map_or_else(String::new, ToString::to_string))
    })
}
