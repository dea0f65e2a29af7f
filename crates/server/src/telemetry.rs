//! Metrics of the process: the recorder behind `/metrics`, and a sampler that copies what the ledger says of itself.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use campanile_catalogue::{Counter, Gauge, Histogram, counter, describe_all, gauge, histogram, metrics};
use campanile_directory::Kind;
use campanile_ledger::{Lane, MachineId};
use campanile_ledger_kafka::openings::{Openings, Restore};
use campanile_ledger_rocks::{Health, Ledger};
use campanile_model::Epoch;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::door::Ports;
use crate::feed::Feed;
use crate::supervise::Supervisor;

/// Time between two samples. A scrape every 15 s sees fresh ones, and a sample costs microseconds.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// The page behind `/metrics`.
#[derive(Clone)]
pub struct Telemetry {
    handle: PrometheusHandle,
}

impl Telemetry {
    /// Installs the recorder. Before any role makes a series, and once per process.
    ///
    /// # Errors
    /// A recorder is there already.
    pub fn install() -> Result<Self> {
        static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
        if let Some(handle) = INSTALLED.get() {
            return Ok(Self { handle: handle.clone() });
        }
        let mut builder = PrometheusBuilder::new();
        for metric in metrics::all().filter(|metric| !metric.buckets.is_empty()) {
            let matcher = Matcher::Full(metric.name.to_owned());
            builder = builder
                .set_buckets_for_metric(matcher, metric.buckets)
                .with_context(|| format!("the buckets of {} are refused", metric.name))?;
        }
        let handle = builder.install_recorder().context("metrics could not be started")?;
        describe_all();
        Ok(Self { handle: INSTALLED.get_or_init(|| handle).clone() })
    }

    /// The page in Prometheus' text format.
    pub fn page(&self) -> String {
        self.handle.render()
    }

    fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Series that nobody else sets.
struct Sampler {
    free: Gauge,
    halted: Gauge,
    write_stopped: Gauge,
    delayed_write_rate: Gauge,
    block_cache: Gauge,
    compactions: Gauge,
    background_errors: Gauge,
    l0_files: Gauge,
    memtables: Gauge,
    pending_compaction: Gauge,
    sst: Gauge,
    blobs: Gauge,
    syncs: Counter,
    sync_duration: Histogram,
    /// Syncs that were shown already, by bucket.
    shown: [u64; 24],
}

/// Series that every ledger has.
struct Common {
    epoch: Gauge,
    shown_epoch: Option<Epoch>,
}

impl Sampler {
    fn new() -> Self {
        Self {
            free: gauge(&metrics::LEDGER_FREE_BYTES, &[]),
            halted: gauge(&metrics::LEDGER_HALTED, &[]),
            write_stopped: gauge(&metrics::ROCKSDB_WRITE_STOPPED, &[]),
            delayed_write_rate: gauge(&metrics::ROCKSDB_DELAYED_WRITE_RATE, &[]),
            block_cache: gauge(&metrics::ROCKSDB_BLOCK_CACHE_BYTES, &[]),
            compactions: gauge(&metrics::ROCKSDB_RUNNING_COMPACTIONS, &[]),
            background_errors: gauge(&metrics::ROCKSDB_BACKGROUND_ERRORS, &[]),
            l0_files: gauge(&metrics::ROCKSDB_L0_FILES, &[]),
            memtables: gauge(&metrics::ROCKSDB_MEMTABLE_BYTES, &[]),
            pending_compaction: gauge(&metrics::ROCKSDB_PENDING_COMPACTION_BYTES, &[]),
            sst: gauge(&metrics::ROCKSDB_SST_BYTES, &[]),
            blobs: gauge(&metrics::ROCKSDB_BLOB_BYTES, &[]),
            syncs: counter(&metrics::LEDGER_SYNCS_TOTAL, &[]),
            sync_duration: histogram(&metrics::LEDGER_SYNC_DURATION_SECONDS, &[]),
            shown: [0; 24],
        }
    }

    fn show(&mut self, health: &Health) {
        let flag = |on: bool| if on { 1.0 } else { 0.0 };
        self.free.set(health.disk_free_bytes as f64);
        self.halted.set(flag(health.halted.is_some()));
        self.write_stopped.set(flag(health.is_write_stopped));
        self.delayed_write_rate.set(health.delayed_write_rate as f64);
        self.block_cache.set(health.block_cache_bytes as f64);
        self.compactions.set(health.compactions_running as f64);
        self.background_errors.set(health.background_errors as f64);
        self.l0_files.set(health.l0_files as f64);
        self.memtables.set(health.memtable_bytes as f64);
        self.pending_compaction.set(health.compaction_pending_bytes as f64);
        self.sst.set(health.sst_bytes as f64);
        self.blobs.set(health.blob_bytes as f64);
        self.show_syncs(&health.syncs.buckets);
    }

    /// The ledger counts syncs by powers of two of their microseconds; each is shown as the middle of its bucket.
    fn show_syncs(&mut self, buckets: &[u64; 24]) {
        for (power, (now, shown)) in buckets.iter().zip(&mut self.shown).enumerate() {
            let new = now.saturating_sub(*shown);
            *shown = *now;
            self.syncs.add(new);
            let upper_us = f64::from(1_u32 << power);
            for _ in 0..new {
                self.sync_duration.record(0.75 * upper_us / 1e6);
            }
        }
    }
}

impl Common {
    /// Also tells what is running, and since when.
    fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge(&metrics::START_TIME_SECONDS, &[]).set(started.as_secs_f64());
        gauge(&metrics::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))]).set(1.0);
        Self { epoch: gauge(&metrics::DIRECTORY_EPOCH, &[]), shown_epoch: None }
    }

    fn show(&mut self, ports: &Ports) {
        Self::show_lag(ports);
        self.show_directory(&ports.feed);
    }

    /// Records that no sealed batch has consumed, by shard and lane.
    fn show_lag(ports: &Ports) {
        let of_triage = ports.roles.status().into_iter().map(|status| (MachineId::Triage, status));
        let of_notifier = ports.roles.notifier_status().into_iter().map(|status| (MachineId::Notifier, status));
        for (machine, status) in of_triage.chain(of_notifier) {
            let shard = status.shard.to_string();
            for (lane, next) in Lane::ALL.into_iter().zip(status.next) {
                let end = ports.tail.ends(machine.topic(lane), status.shard).end;
                let labels = [("machine", machine.as_str()), ("shard", shard.as_str()), ("lane", lane.as_str())];
                gauge(&metrics::LAG_RECORDS, &labels).set(end.saturating_sub(next) as f64);
            }
        }
        ports.roles.show_waiting();
    }

    fn show_directory(&mut self, feed: &Feed) {
        let epoch = feed.current_epoch();
        if self.shown_epoch.replace(epoch) == Some(epoch) {
            return;
        }
        self.epoch.set(epoch.0 as f64);
        let (_, objects) = feed.current();
        let show = |kind: &str, count: usize| gauge(&metrics::DIRECTORY_OBJECTS, &[("kind", kind)]).set(count as f64);
        for kind in Kind::ALL {
            show(kind.folder(), objects.keys().filter(|(of, _)| *of == kind).count());
        }
        show("integrations", feed.directory().load().services().map(|service| service.integrations.len()).sum());
    }
}

/// Starts the thread that samples the ledger, the lanes and the directory.
///
/// # Errors
/// The system has no thread to give.
pub fn start_sampler(ledger: &Arc<Ledger>, ports: &Ports, telemetry: Telemetry, supervisor: &Supervisor) -> Result<()> {
    let (ledger, ports) = (Arc::downgrade(ledger), ports.clone());
    supervisor.spawn("metrics-sampler", move |stop| {
        let (mut sampler, mut common) = (Sampler::new(), Common::new());
        loop {
            if let Some(ledger) = ledger.upgrade() {
                sampler.show(&ledger.health());
            }
            common.show(&ports);
            telemetry.upkeep();
            if stop.wait(SAMPLE_EVERY) {
                return Ok(());
            }
        }
    })
}

/// Starts the thread that samples lanes, restores and the directory of roles on Kafka.
///
/// # Errors
/// The system has no thread to give.
pub fn start_kafka_sampler(
    openings: Openings,
    ports: &Ports,
    telemetry: Telemetry,
    supervisor: &Supervisor,
) -> Result<()> {
    let ports = ports.clone();
    supervisor.spawn("metrics-sampler", move |stop| {
        let mut common = Common::new();
        loop {
            common.show(&ports);
            show_openings(&openings, ports.card.shards);
            telemetry.upkeep();
            if stop.wait(SAMPLE_EVERY) {
                return Ok(());
            }
        }
    })
}

/// What each shard waits for, 0 where it waits for nothing.
fn show_openings(openings: &Openings, shards: u16) {
    let (restores, refused) = (openings.restores(), openings.refused());
    for shard in 0..shards {
        let name = shard.to_string();
        let labels = [("shard", name.as_str())];
        let restore = restores.iter().find(|restore| restore.shard == shard);
        let left_s = restore.and_then(Restore::eta).unwrap_or_default().as_secs_f64();
        gauge(&metrics::RESTORE_LEFT_RECORDS, &labels).set(restore.map_or(0, Restore::left) as f64);
        gauge(&metrics::RESTORE_LEFT_SECONDS, &labels).set(left_s);
        let is_refused = refused.iter().any(|(of, _)| *of == shard);
        gauge(&metrics::SHARD_REFUSED, &labels).set(if is_refused { 1.0 } else { 0.0 });
    }
}
