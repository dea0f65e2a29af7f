//! Roles on Kafka: gateway, processor, notifier, or several of them in one process.
//!
//! ```text
//!  open    ledger → feed → first directory → gateway bound → processor → notifier → gateway serves
//!  drain   readiness no → gateway → processor → notifier (shards written behind, groups closed) → feed
//! ```
//!
//! No socket here: the log is the cluster's, and the command line goes there itself (`desk`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use campanile_clock::Steady;
use campanile_ledger::MachineId;
use campanile_ledger_kafka::openings::Openings;
use campanile_ledger_kafka::{Ledger, Options};
use campanile_notifier::channels::Sink;
use campanile_pagerduty::objects::File;
use campanile_processor::Drained;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::counted::Counted;
use super::embedded::{notifier_ports, start_feed, told, watch_roles};
use super::gate::{Bound, Gate};
use crate::apply::{Applied, Applier, Change};
use crate::config::{Settings, secret};
use crate::door::Ports;
use crate::feed::Feed;
use crate::readiness::{Readiness, Trouble};
use crate::roles::{Roles, notifier_options, processor_options};
use crate::supervise::{Death, Supervisor};
use crate::telemetry::{Telemetry, start_kafka_sampler};
use crate::watch::Watch;

/// Longest wait for our own threads at the end. A read of the cluster may take some of it.
const THREADS_WAIT: Duration = Duration::from_secs(8);

/// How often it is asked whether another took our name.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// Which roles to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub gateway: bool,
    pub processor: bool,
    pub notifier: bool,
}

/// What to build.
pub struct Plan<'a> {
    pub settings: &'a Settings,
    pub options: Options,
    pub parts: Parts,
    /// Objects to apply before the first event is judged.
    pub directory: Option<Vec<File>>,
    pub telemetry: Telemetry,
    /// `host:port` for health and metrics where no gateway serves them.
    pub watch: Option<&'a str>,
    /// Where the terminal channel prints.
    pub terminal: Sink,
}

/// Everything that runs.
pub struct House {
    pub ports: Ports,
    supervisor: Arc<Supervisor>,
    deaths: mpsc::UnboundedReceiver<Death>,
    gate: Option<Gate>,
    watch: Option<Watch>,
    readiness: Readiness,
    drain_within: Duration,
    pub applied: Option<Applied>,
}

impl House {
    /// Reads the cluster's card and starts the roles.
    ///
    /// # Errors
    /// The cluster is out of reach or its topics are missing, the directory is invalid, the port is taken.
    pub fn open(plan: Plan<'_>, runtime: &Runtime) -> Result<Self> {
        let settings = plan.settings;
        let ledger = Ledger::open(plan.options.clone())?;
        let (supervisor, deaths) = Supervisor::new();
        let ports = ports(&ledger);
        start_feed(&ports.feed, &ports.tail, &supervisor)?;
        let apply = |files| told(ports.applier.apply(Change { files, ..Change::default() }, ports.target()));
        let applied = plan.directory.map(apply).transpose()?;
        // Appends themselves tell when the cluster takes none.
        // A member of its own in a group of its own: one machine's rebalance leaves the other alone.
        let notifier = plan.parts.notifier.then(|| Ledger::open(plan.options.of(MachineId::Notifier))).transpose()?;
        let openings: Vec<_> = [Some(&ledger), notifier.as_ref()].into_iter().flatten().map(Ledger::openings).collect();
        let readiness = Readiness::new(unopened(openings), Arc::clone(&ports.feed), ports.roles.clone());
        let bind = || Bound::new(settings, &ports.appender, &ports.feed, &readiness, &plan.telemetry, runtime);
        let bound = plan.parts.gateway.then(bind).transpose()?;
        let own = bound.as_ref().map(Bound::url);
        let public_url = settings.public_url.clone().or(own).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
        if plan.parts.processor {
            let options = processor_options(settings, public_url.clone());
            ports.roles.start_processor(options, ledger.shards(), Arc::clone(ports.feed.directory()))?;
            watch_name(ledger.fenced(), &supervisor)?;
        }
        if let Some(ledger) = &notifier {
            // Ages are told by our own clock; the cluster's is not asked for them.
            let reach = notifier_ports(&ports, plan.terminal, Arc::new(Steady::new()), runtime);
            ports.roles.start_notifier(notifier_options(settings, public_url), ledger.shards(), reach)?;
            watch_name(ledger.fenced(), &supervisor)?;
        }
        watch_roles(ports.roles.clone(), &supervisor)?;
        start_kafka_sampler(ledger.openings(), &ports, plan.telemetry.clone(), &supervisor)?;
        let watch = match (&bound, plan.watch) {
            (None, Some(listen)) => Some(Watch::serve(listen, readiness.clone(), plan.telemetry, runtime)?),
            _ => None,
        };
        let gate = bound.map(|bound| bound.serve(runtime));
        let drain_within = settings.drain_within;
        Ok(Self { ports, supervisor, deaths, gate, watch, readiness, drain_within, applied })
    }

    /// `http://` and the address that the gateway listens on, if this process has one.
    pub fn url(&self) -> Option<String> {
        self.gate.as_ref().map(Gate::url)
    }

    /// `http://` and the address of health and metrics, where no gateway serves them.
    pub fn watch_url(&self) -> Option<String> {
        self.watch.as_ref().map(Watch::url)
    }

    /// Shards that this process steps now.
    pub fn shards(&self) -> Vec<u16> {
        self.ports.roles.status().into_iter().map(|status| status.shard).collect()
    }

    /// Waits until a part dies.
    pub async fn death(&mut self) -> Death {
        let gate = async {
            match self.gate.as_mut() {
                Some(gate) => gate.death().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = self.deaths.recv() => told.unwrap_or(Death { name: "supervisor", reason: "it is gone".to_owned() }),
            reason = gate => Death { name: "gateway", reason },
        }
    }

    /// Stops everything in the order of the head of this file, telling each step.
    ///
    /// # Errors
    /// What was not clean. Nothing confirmed is lost even then.
    pub fn drain(self, runtime: &Runtime, tell: &dyn Fn(&str)) -> Result<()> {
        self.readiness.drain();
        if let Some(gate) = self.gate {
            tell("taking no more requests; answering those that are here");
            gate.stop(runtime);
        }
        tell("judging and committing what was taken");
        let drained = self.ports.roles.drain(self.drain_within);
        let late = self.supervisor.end(THREADS_WAIT);
        if !late.is_empty() {
            tracing::warn!(threads = late.join(", "), "threads did not end in time");
        }
        match drained {
            None | Some(Drained::Clean) => Ok(()),
            Some(Drained::TimedOut) => {
                tell(
                    "not everything was committed in time; nothing is lost, whoever has the shards next goes on from there",
                );
                Ok(())
            }
            Some(Drained::Failed(reason)) => Err(anyhow!("a role had stopped: {reason}")),
        }
    }
}

/// Ready means that every shard of ours is open: restored, verified, and not refused.
fn unopened(openings: Vec<Openings>) -> Trouble {
    Arc::new(move || {
        if let Some((shard, reason)) = openings.iter().flat_map(Openings::refused).next() {
            return Some(format!("shard {shard} is refused: {reason}"));
        }
        let restore = openings.iter().flat_map(Openings::restores).next()?;
        let eta = restore.eta().map_or_else(String::new, |eta| format!(", about {} s", eta.as_secs()));
        Some(format!("shard {} is being restored, {} records left{eta}", restore.shard, restore.left()))
    })
}

/// What the door and the roles reach on a cluster.
pub fn ports(ledger: &Ledger) -> Ports {
    Ports {
        card: ledger.card(),
        appender: Arc::new(Counted::new(ledger.appender())),
        tail: ledger.tail(),
        table: ledger.table(),
        notifier_table: ledger.table_of(MachineId::Notifier),
        feed: Feed::new(ledger.card().shards),
        applier: Arc::new(Applier::new()),
        roles: Roles::default(),
    }
}

/// Two processes of one name are a mistake that a restart would only repeat.
fn watch_name(fenced: impl Fn() -> Option<String> + Send + 'static, supervisor: &Supervisor) -> Result<()> {
    supervisor.spawn("membership-watch", move |stop| {
        while !stop.wait(WATCH_EVERY) {
            if let Some(reason) = fenced() {
                bail!("another process uses this instance's name; give each its own with --instance ({reason})");
            }
        }
        Ok(())
    })
}

/// Options of the ledger from what was asked on the command line.
///
/// # Errors
/// A passed-through setting is not `name=value`, or names a file after `@` that cannot be read.
pub fn ledger_options(brokers: &str, instance: Option<&str>, data: &Path, client: &[String]) -> Result<Options> {
    let instance = instance.map_or_else(default_instance, str::to_owned);
    let mut options = Options::new(brokers, data.join("kafka").join(&instance), &instance);
    for setting in client {
        let (name, value) = setting.split_once('=').with_context(|| format!("{setting} is not name=value"))?;
        let value = match value.strip_prefix('@') {
            Some(file) => secret::read(Path::new(file)).with_context(|| format!("the value of {name}"))?,
            None => value.to_owned(),
        };
        need_tls(name, &value)?;
        options.client.push((name.to_owned(), value));
    }
    Ok(options)
}

/// Refuses in plain words what this binary was built without; the client's own words name a compile-time option.
fn need_tls(name: &str, value: &str) -> Result<()> {
    let value = value.to_lowercase();
    let is_asked = match name {
        "security.protocol" => value.ends_with("ssl"),
        "sasl.mechanism" | "sasl.mechanisms" => value.starts_with("scram") || value == "oauthbearer",
        _ => false,
    };
    if is_asked && !cfg!(feature = "tls") {
        bail!(
            "{name}={value} needs TLS, and this binary was built without; build it with \
             `cargo build --release -p campanile-server --features tls`, which wants libssl-dev"
        );
    }
    Ok(())
}

/// The host's name: right for one process a host, and the same after a restart.
fn default_instance() -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "campanile".to_owned() } else { name.to_owned() }
}
