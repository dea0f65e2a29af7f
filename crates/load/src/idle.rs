//! Idle to incident: how long an event takes from its intended sending until the incident that it opened can be read by a
//! read_committed consumer, at a rate that leaves the processor idle in between. Beside it, in the same call and on the same
//! broker, a bare loop of transactions of one record: what no exactly-once judgement can be faster than.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use arc_swap::ArcSwap;
use campanile_directory::{Kind, mint_key};
use campanile_ledger::{Appender, Record, Topic};
use campanile_ledger_kafka::{Ledger, bare, topics};
use campanile_model::murmur2::partition_of;
use campanile_model::{Epoch, ScopeId};
use campanile_pagerduty::objects::snapshot_from_records;
use campanile_processor::{Drained, Service};
use serde_json::json;

use crate::arrivals::{Arrivals, Spacing};
use crate::latency::Histogram;
use crate::organisation::{Object, integration, policy, user};
use crate::random::Random;
use crate::report::Table;

const SERVICES: u64 = 64;
const CLAIM_WITHIN: Duration = Duration::from_secs(60);
const SEEN_WITHIN: Duration = Duration::from_secs(20);
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// Events before the measured ones: connections, caches, the first commits.
const WARM_UP_S: u64 = 3;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Brokers of a Kafka cluster, host:port; topics of its own are made there and left in place.
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: String,
    /// Events per second, each of which opens an incident.
    #[arg(long, default_value_t = 1000.0)]
    pub rate: f64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    #[arg(long, default_value_t = 8)]
    pub shards: u16,
    /// Transactions of the bare loop.
    #[arg(long, default_value_t = 2000)]
    pub transactions: usize,
    /// Largest p99 of idle to incident, as a multiple of the bare loop's.
    #[arg(long, default_value_t = 3.0)]
    pub limit: f64,
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// Measures both and prints them. False: over the limit.
///
/// # Errors
/// The cluster is out of reach, or the processor stops.
pub fn run(options: &Options) -> Result<bool> {
    let data = tempfile::tempdir()?;
    let prefix = format!("idle-{}", std::process::id());
    let of_bare = campanile_ledger_kafka::Options { prefix: prefix.clone(), ..ledger_options(options, data.path()) };
    topics::create(&of_bare, 1, 1)?;
    let before = bare_loop(options, &of_bare)?;
    let incidents = idle_to_incident(options, &format!("{prefix}-judged"), data.path())?;
    let after = bare_loop(options, &of_bare)?;
    let mut bare = before;
    bare.merge(&after);
    let mut table = Table::new(["milliseconds", "count", "p50", "p90", "p99", "max"]);
    for (name, found) in [("bare transaction of one record", &bare), ("event to incident, read committed", &incidents)]
    {
        let ms = |took: Duration| format!("{:.1}", took.as_secs_f64() * 1e3);
        let shares = [0.5, 0.9, 0.99].map(|share| ms(found.quantile(share)));
        let [p50, p90, p99] = shares;
        table.row([name.to_owned(), found.count().to_string(), p50, p90, p99, ms(found.max())]);
    }
    println!("{}", table.render());
    let times = incidents.quantile(0.99).as_secs_f64() / bare.quantile(0.99).as_secs_f64();
    println!(
        "p99 {times:.1} × of the bare loop's, limit {:.1} · {:.0} events/s, {} shards",
        options.limit, options.rate, options.shards
    );
    Ok(times <= options.limit)
}

/// Half of the bare transactions, sent as the committer sends: all acknowledged before the commit is asked for.
fn bare_loop(options: &Options, of_ledger: &campanile_ledger_kafka::Options) -> Result<Histogram> {
    let mut found = Histogram::new();
    for took in bare::transactions(of_ledger, options.transactions / 2)? {
        found.record(took);
    }
    Ok(found)
}

fn ledger_options(options: &Options, data: &Path) -> campanile_ledger_kafka::Options {
    campanile_ledger_kafka::Options::new(&options.kafka, data.join("state"), "idle")
}

/// Keys of the services, and their objects: nothing is grouped, so every new dedup key opens an incident.
fn organisation(seed: u64) -> (Vec<String>, Vec<Object>) {
    let mut random = Random::new(seed);
    let mut objects = vec![user(), policy()];
    let mut keys = Vec::new();
    for nth in 0..SERVICES {
        let id = format!("PIDLE{nth:03}");
        let mut entropy =
            || u128::from(random.draw()).wrapping_shl(64).wrapping_add(u128::from(random.draw())).to_be_bytes();
        let key = mint_key(&ScopeId::new(&id), &mut entropy).as_str().to_owned();
        let body = json!({ "service": { "id": id, "type": "service", "name": id, "status": "active",
            "escalation_policy": { "id": "PLOADE1", "type": "escalation_policy_reference" },
            "alert_creation": "create_alerts_and_incidents", "auto_resolve_timeout": null, "acknowledgement_timeout": null,
            "integrations": [integration(&format!("PIDLEI{nth:03}"), "idle", &key)] }});
        objects.push((Kind::Service, id, body.to_string().into_bytes()));
        keys.push(key);
    }
    (keys, objects)
}

fn idle_to_incident(options: &Options, prefix: &str, data: &Path) -> Result<Histogram> {
    let of_ledger = campanile_ledger_kafka::Options { prefix: prefix.to_owned(), ..ledger_options(options, data) };
    topics::create(&of_ledger, options.shards, 1)?;
    let ledger = Ledger::open(of_ledger.clone())?;
    let (keys, objects) = organisation(options.seed);
    let snapshot = snapshot_from_records(objects, Epoch(1), options.shards)
        .map_err(|problems| anyhow!("the organisation is refused: {problems:?}"))?;
    let directory = Arc::new(ArcSwap::from_pointee(snapshot));
    let handle = Service::start(campanile_processor::Options::default(), ledger.shards(), directory)?;
    let until = Instant::now() + CLAIM_WITHIN;
    while handle.status().len() < usize::from(options.shards) {
        ensure!(Instant::now() < until, "not every shard was granted in time");
        std::thread::sleep(Duration::from_millis(50));
    }
    let watch = Watch::start(options, &of_ledger)?;
    send(options, &keys, ledger.appender().as_ref(), &watch)?;
    let found = watch.stop()?;
    match handle.drain(DRAIN_WITHIN) {
        Drained::Clean => Ok(found),
        drained => bail!("the processor did not end cleanly: {drained:?}"),
    }
}

/// An open loop: an event counts from the instant at which it was to be sent.
fn send(options: &Options, keys: &[String], appender: &dyn Appender, watch: &Watch) -> Result<()> {
    let began = Instant::now();
    let warm_up = Duration::from_secs(WARM_UP_S);
    let whole = warm_up + Duration::from_secs(options.seconds);
    for (nth, at) in
        Arrivals::new(options.rate, Spacing::Poisson, options.seed).take_while(|at| *at < whole).enumerate()
    {
        std::thread::sleep((began + at).saturating_duration_since(Instant::now()));
        let key = &keys[nth % keys.len()];
        let dedup_key = format!("idle-{nth}");
        let body = json!({ "routing_key": key, "event_action": "trigger", "dedup_key": dedup_key,
            "payload": { "summary": "idle to incident", "source": "load", "severity": "info" } });
        watch.expect(dedup_key, began + at, at >= warm_up);
        let record = Record::new(key.clone(), body.to_string());
        let partition = partition_of(key.as_bytes(), options.shards);
        appender.append(Topic::Events, partition, vec![record], Box::new(|_| {}));
    }
    Ok(())
}

#[derive(Default)]
struct Expected {
    /// When each was to be sent, and whether it counts.
    waiting: HashMap<String, (Instant, bool)>,
    found: Histogram,
}

/// A read_committed consumer of all incidents.
struct Watch {
    expected: Arc<Mutex<Expected>>,
    is_over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Watch {
    fn start(options: &Options, of_ledger: &campanile_ledger_kafka::Options) -> Result<Self> {
        let follower = bare::Follower::new(of_ledger, Topic::Incidents, options.shards)?;
        let expected: Arc<Mutex<Expected>> = Arc::default();
        let is_over: Arc<AtomicBool> = Arc::default();
        let (seen, over) = (Arc::clone(&expected), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let Some(stored) = follower.next(Duration::from_millis(20)) else { continue };
                let now = Instant::now();
                if let Some(key) = dedup_key(&stored.record.value) {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).saw(&key, now);
                }
            }
        });
        Ok(Self { expected, is_over, thread })
    }

    fn expect(&self, key: String, at: Instant, counts: bool) {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).waiting.insert(key, (at, counts));
    }

    /// Waits for the last incident.
    fn stop(self) -> Result<Histogram> {
        let until = Instant::now() + SEEN_WITHIN;
        let left = || self.expected.lock().unwrap_or_else(PoisonError::into_inner).waiting.len();
        while left() > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let left = left();
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the reader panicked"))?;
        ensure!(left == 0, "{left} events had opened no incident after {} s", SEEN_WITHIN.as_secs());
        let found = self.expected.lock().unwrap_or_else(PoisonError::into_inner).found.clone();
        Ok(found)
    }
}

impl Expected {
    fn saw(&mut self, key: &str, now: Instant) {
        if let Some((at, counts)) = self.waiting.remove(key)
            && counts
        {
            self.found.record(now.saturating_duration_since(at));
        }
    }
}

/// Of the incident's first record: the alert that opened it.
fn dedup_key(payload: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(payload).ok()?;
    value["alert_keys"]
        .as_array()?
        .iter()
        .find_map(|key| key.as_str().filter(|key| key.starts_with("idle-")))
        .map(str::to_owned)
}
