//! All roles in one process on the embedded ledger.
//!
//! ```text
//!  open    ledger → feed → first directory → gateway bound → processor → notifier → door → gateway serves
//!  drain   readiness no → gateway → processor → notifier → feed and door → ledger
//! ```
//!
//! The directory is read before any event is judged: an event judged too early would find no owner of its key.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use campanile_clock::Clock;
use campanile_ledger::{MachineId, Tail, Topic};
use campanile_ledger_rocks::{Keep, Ledger, Options, Retention};
use campanile_model::Span;
use campanile_notifier::channels::Sink;
use campanile_pagerduty::objects::File;
use campanile_processor::Drained;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::channels::channels;
use super::counted::Counted;
use super::gate::{Bound, Gate};
use crate::apply::{Applied, Applier, Change, Refused};
use crate::config::{self, Settings};
use crate::door::{Door, Ports};
use crate::feed::Feed;
use crate::readiness::{Readiness, Trouble};
use crate::roles::{Roles, notifier_options, processor_options};
use crate::supervise::{Death, Supervisor};
use crate::telemetry::{self, Telemetry};

/// Longest wait for the stored directory to be read at the start.
const FEED_WAIT: Duration = Duration::from_secs(60);
/// How often it is asked whether the roles still live.
const WATCH_EVERY: Duration = Duration::from_millis(200);
/// Longest wait for our own threads at the end; each looks at the stop more often than that.
const THREADS_WAIT: Duration = Duration::from_secs(3);

/// What to build.
pub struct Plan<'a> {
    pub settings: &'a Settings,
    /// The ledger's clock.
    pub clock: Arc<dyn Clock>,
    /// Objects to apply before the first event is judged.
    pub directory: Option<Vec<File>>,
    pub telemetry: Telemetry,
    /// Where the terminal channel prints.
    pub terminal: Sink,
}

/// Everything that runs.
pub struct House {
    ledger: Arc<Ledger>,
    pub ports: Ports,
    supervisor: Arc<Supervisor>,
    deaths: mpsc::UnboundedReceiver<Death>,
    gate: Gate,
    door: Door,
    readiness: Readiness,
    drain_within: Duration,
    /// What the first directory changed.
    pub applied: Option<Applied>,
}

impl House {
    /// Opens the ledger and starts every role.
    ///
    /// # Errors
    /// The data cannot be opened, the directory is invalid, the port is taken: with what to do.
    pub fn open(plan: Plan<'_>, runtime: &Runtime) -> Result<Self> {
        let settings = plan.settings;
        let ledger = Arc::new(open_ledger(settings, Arc::clone(&plan.clock))?);
        let (supervisor, deaths) = Supervisor::new();
        let ports = ports(&ledger);
        start_feed(&ports.feed, &ports.tail, &supervisor)?;
        let applied = plan.directory.map(|files| apply_first(&ports, files)).transpose()?;
        let readiness = Readiness::new(trouble(&ledger), Arc::clone(&ports.feed), ports.roles.clone());
        let bound = Bound::new(settings, &ports.appender, &ports.feed, &readiness, &plan.telemetry, runtime)?;
        let public_url = settings.public_url.clone().unwrap_or_else(|| bound.url());
        let options = processor_options(settings, public_url.clone());
        ports.roles.start_processor(options, ledger.shards(), Arc::clone(ports.feed.directory()))?;
        if settings.notifier.run {
            let reach = notifier_ports(&ports, plan.terminal, plan.clock, runtime);
            let options = notifier_options(settings, public_url);
            ports.roles.start_notifier(options, ledger.shards_of(MachineId::Notifier), reach)?;
        }
        // The door before the gateway: a start that fails at it has taken no event yet.
        let door = Door::open(&settings.socket, ports.clone(), &supervisor)?;
        let gate = bound.serve(runtime);
        let roles = ports.roles.clone();
        watch_roles(roles, &supervisor)?;
        telemetry::start_sampler(&ledger, &ports, plan.telemetry, &supervisor)?;
        let drain_within = settings.drain_within;
        Ok(Self { ledger, ports, supervisor, deaths, gate, door, readiness, drain_within, applied })
    }

    /// `http://` and the address that the gateway listens on.
    pub fn url(&self) -> String {
        self.gate.url()
    }

    /// Waits until a part dies.
    pub async fn death(&mut self) -> Death {
        tokio::select! {
            told = self.deaths.recv() => told.unwrap_or(Death { name: "supervisor", reason: "it is gone".to_owned() }),
            reason = self.gate.death() => Death { name: "gateway", reason },
        }
    }

    /// Stops everything in the order of the head of this file, telling each step.
    ///
    /// # Errors
    /// What was not clean. Nothing confirmed is lost even then.
    pub fn drain(self, runtime: &Runtime, tell: &dyn Fn(&str)) -> Result<()> {
        self.readiness.drain();
        tell("taking no more requests; answering those that are here");
        self.gate.stop(runtime);
        tell("judging and committing what was taken");
        let drained = self.ports.roles.drain(self.drain_within);
        self.supervisor.stop().set();
        self.door.close();
        let late = self.supervisor.end(THREADS_WAIT);
        drop(self.ports);
        tell("closing the ledger");
        close_ledger(self.ledger);
        if !late.is_empty() {
            tracing::warn!(threads = late.join(", "), "threads did not end in time");
        }
        match drained {
            None | Some(Drained::Clean) => Ok(()),
            Some(Drained::TimedOut) => {
                tell("not everything was committed in time; nothing is lost, the next start goes on from there");
                Ok(())
            }
            Some(Drained::Failed(reason)) => Err(anyhow!("a role had stopped: {reason}")),
        }
    }
}

/// What the notifier reaches beside its shards.
pub(super) fn notifier_ports(
    ports: &Ports,
    terminal: Sink,
    clock: Arc<dyn Clock>,
    runtime: &Runtime,
) -> campanile_notifier::Ports {
    campanile_notifier::Ports {
        appender: Arc::clone(&ports.appender),
        tail: Arc::clone(&ports.tail),
        directory: Arc::clone(ports.feed.directory()),
        channels: channels(terminal),
        clock,
        runtime: runtime.handle().clone(),
    }
}

/// A role that stops is a death.
pub(super) fn watch_roles(roles: Roles, supervisor: &Supervisor) -> Result<()> {
    supervisor.spawn("roles-watch", move |stop| {
        loop {
            if let Some(reason) = roles.failed() {
                bail!(reason);
            }
            if stop.wait(WATCH_EVERY) {
                return Ok(());
            }
        }
    })
}

/// Weak, so that the page that asks does not keep the ledger open.
fn trouble(ledger: &Arc<Ledger>) -> Trouble {
    let ledger = Arc::downgrade(ledger);
    Arc::new(move || match ledger.upgrade() {
        Some(ledger) => ledger.health().halted,
        None => Some("the ledger is closed".to_owned()),
    })
}

fn open_ledger(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Ledger> {
    let mut options = Options::new(&settings.ledger.data, clock);
    options.shards = settings.ledger.shards;
    options.free_space_floor_bytes = settings.ledger.free_space_floor_bytes;
    options.block_cache_bytes = settings.ledger.block_cache_bytes;
    options.retention = retention(&settings.retention);
    Ok(Ledger::open(options)?)
}

fn retention(set: &config::Retention) -> Retention {
    let keep = |set: config::Keep| Keep { bytes: Some(set.bytes), age: Some(Span::hours(set.hours)) };
    Topic::ALL.into_iter().fold(Retention::default(), |retention, topic| match topic {
        Topic::Events | Topic::Triage | Topic::Commands | Topic::Pages | Topic::Answers => {
            retention.with(topic, keep(set.inputs))
        }
        Topic::Incidents | Topic::Alerts | Topic::DeadLetters | Topic::Notifications => {
            retention.with(topic, keep(set.outputs))
        }
        Topic::Steps => retention.with(topic, keep(set.steps)),
        // The ledger keeps all of it, whatever is set.
        Topic::Directory => retention,
    })
}

/// Closes the ledger once the last short-lived user has let go of it.
fn close_ledger(mut ledger: Arc<Ledger>) {
    for _ in 0..100 {
        ledger = match Arc::try_unwrap(ledger) {
            Ok(ledger) => return ledger.close(),
            Err(shared) => shared,
        };
        std::thread::sleep(Duration::from_millis(10));
    }
    tracing::warn!("the ledger is still in use; its write-ahead log is durable and the next start recovers it");
}

fn ports(ledger: &Ledger) -> Ports {
    Ports {
        card: ledger.card(),
        appender: Arc::new(Counted::new(ledger.appender())),
        tail: ledger.tail(),
        table: Arc::new(ledger.table()),
        notifier_table: Arc::new(ledger.table_of(MachineId::Notifier)),
        feed: Feed::new(ledger.card().shards),
        applier: Arc::new(Applier::new()),
        roles: Roles::default(),
    }
}

/// Reads the stored directory, and goes on reading.
pub(crate) fn start_feed(feed: &Arc<Feed>, tail: &Arc<dyn Tail>, supervisor: &Supervisor) -> Result<()> {
    let (following, tail) = (Arc::clone(feed), Arc::clone(tail));
    supervisor.spawn("directory-feed", move |stop| following.run(tail.as_ref(), &stop))?;
    if !feed.wait_until_caught_up(FEED_WAIT) {
        bail!("the stored directory could not be read within {} s; see the log above", FEED_WAIT.as_secs());
    }
    Ok(())
}

fn apply_first(ports: &Ports, files: Vec<File>) -> Result<Applied> {
    let change = Change { files, ..Change::default() };
    told(ports.applier.apply(change, ports.target()))
}

/// What became of the first directory, as an error for people.
pub(super) fn told(applied: Result<Applied, Refused>) -> Result<Applied> {
    applied
        .map_err(|refused| match refused {
            Refused::Failed(reason) => anyhow!(reason),
            Refused::Invalid(diagnostics) => {
                let shown: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
                anyhow!("{}\n\nthe directory has {} problems; nothing was started", shown.join("\n"), shown.len())
            }
        })
        .context("the directory was not applied")
}
