//! The role's life: the engine's threads step the shards, and carriers do outside what commits have decided.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_clock::Clock;
use campanile_engine::{Drained, ServiceOptions, ShardStatus};
use campanile_ledger::{Appender, MachineId, Shard as _, Shards, Tail, Topic};
use campanile_model::ShardId;
use tokio::runtime;

use crate::channels::Channels;
use crate::courier::{Courier, Tools};
use crate::deeds::Deeds;
use crate::egress::Egress;
use crate::figures::OnCallFigures;
use crate::incidents::Incidents;
use crate::lookout::{HeldShards, Lookout, View};
use crate::machine::{EscalationMachine, Frame};
use crate::message::{Directory, Letterhead};
use crate::options::Options;
use crate::outbox::Outbox;
use crate::telemetry;
use crate::webhook::{WebhookOptions, WebhookPorts, Webhooks};

/// What the notifier reaches beside its shards.
pub struct Ports {
    pub appender: Arc<dyn Appender>,
    pub tail: Arc<dyn Tail>,
    pub directory: Directory,
    pub channels: Channels,
    /// How webhooks leave; `None`: none do.
    pub webhooks: Option<(WebhookOptions, Egress)>,
    /// The ledger's clock: ages of orders are told by it.
    pub clock: Arc<dyn Clock>,
    /// Where deliveries run.
    pub runtime: runtime::Handle,
}

/// Who carries out what a commit has decided.
#[derive(Clone)]
pub(crate) struct Carriers {
    outbox: Arc<Outbox>,
    courier: Arc<Courier>,
    webhooks: Option<Arc<Webhooks>>,
}

impl Carriers {
    /// A shard was opened here.
    pub(crate) fn own(&self, shard: ShardId) {
        if let Some(webhooks) = &self.webhooks {
            webhooks.own(shard.0);
        }
    }

    pub(crate) fn take(&self, shard: ShardId, deeds: Deeds) {
        for (key, errand) in deeds.errands {
            self.outbox.take(shard, key, errand);
        }
        for (id, order) in deeds.orders {
            self.courier.take(id, order);
        }
        deeds.offers.into_iter().for_each(|id| self.courier.offer(id));
        deeds.levels.into_iter().for_each(telemetry::entered);
    }

    pub(crate) fn forget(&self, shard: ShardId) {
        self.outbox.forget(shard);
        self.courier.forget(shard);
        if let Some(webhooks) = &self.webhooks {
            webhooks.disown(shard.0);
        }
    }
}

pub struct Service;

pub struct Handle {
    engine: campanile_engine::Handle,
    carriers: Carriers,
    lookout: Lookout,
    clock: Arc<dyn Clock>,
    directory: Directory,
    on_call: Mutex<OnCallFigures>,
}

impl Service {
    /// Starts threads that step every shard this process is granted, now and later.
    ///
    /// Errors: the operating system gives no thread.
    pub fn start<S: Shards + 'static>(options: Options, shards: S, ports: Ports) -> std::io::Result<Handle> {
        let Ports { appender, tail, directory, channels, webhooks, clock, runtime } = ports;
        let partitions = appender.partitions(Topic::Incidents);
        let webhooks = webhooks.map(|(options, egress)| {
            let (appender, tail) = (Arc::clone(&appender), Arc::clone(&tail));
            let (directory, clock, runtime) = (Arc::clone(&directory), Arc::clone(&clock), runtime.clone());
            Arc::new(Webhooks::new(options, WebhookPorts { appender, tail, directory, egress, clock, runtime }))
        });
        let carried = channels.kinds().collect();
        let tools = Tools {
            channels,
            letterhead: Letterhead { directory: directory.clone(), public_url: options.public_url },
            incidents: Incidents::new(tail, partitions),
            appender: Arc::clone(&appender),
            clock: Arc::clone(&clock),
            runtime: runtime.clone(),
            per_channel_max: options.deliveries_per_channel_max.max(1),
        };
        let outbox = Arc::new(Outbox::new(Arc::clone(&appender), runtime));
        let carriers = Carriers { outbox, courier: Arc::new(Courier::new(tools)), webhooks };
        let service = ServiceOptions {
            machine: MachineId::Notifier,
            name: "notifier",
            threads: Some(options.threads),
            event_time: false,
            // Its inputs and records are all on topics of their own; nothing replays it from steps.
            steps: false,
        };
        let (paging, held) = (Arc::new(options.paging), Arc::new(HeldShards::default()));
        let view = View {
            directory: directory.clone(),
            paging: Arc::clone(&paging),
            held: Arc::clone(&held),
            appender: Arc::clone(&appender),
            clock: Arc::clone(&clock),
            carried,
        };
        let of_ledger = Arc::clone(&clock);
        let frame = Frame {
            directory: directory.clone(),
            paging,
            carriers: carriers.clone(),
            appender,
            held,
            clock: of_ledger,
        };
        let make = move |shard: &S::Shard| EscalationMachine::new(frame.clone(), shard.id());
        let engine = campanile_engine::start(service, shards, make)?;
        let lookout = Lookout::start(view)?;
        Ok(Handle { engine, carriers, lookout, clock, directory, on_call: Mutex::default() })
    }
}

impl Handle {
    /// Where each shard stands, by shard.
    pub fn status(&self) -> Vec<ShardStatus> {
        self.engine.status()
    }

    /// The reason a shard stopped, if one did: the process should end then.
    pub fn failed(&self) -> Option<String> {
        self.engine.failed()
    }

    /// Brings the gauges of what waits, and of who is on call, up to date.
    pub fn show_figures(&self) {
        let now = self.clock.now();
        telemetry::show_waiting(&self.carriers.courier, &self.carriers.outbox, now);
        self.on_call.lock().unwrap_or_else(PoisonError::into_inner).show(&self.directory.load(), now);
        if let Some(webhooks) = &self.carriers.webhooks {
            webhooks.show_waiting();
        }
    }

    /// The webhooks of this process, if any leave.
    pub fn webhooks(&self) -> Option<Arc<Webhooks>> {
        self.carriers.webhooks.clone()
    }

    /// Stops taking input, commits what was judged, and ends the threads; then waits for deliveries under way. At most
    /// `within` in all.
    pub fn drain(self, within: Duration) -> Drained {
        let until = Instant::now() + within;
        self.lookout.stop();
        if let Some(webhooks) = &self.carriers.webhooks {
            webhooks.close();
        }
        let drained = self.engine.drain(until.saturating_duration_since(Instant::now()));
        self.lookout.close(until);
        self.carriers.courier.close(until.saturating_duration_since(Instant::now()));
        self.carriers.outbox.close();
        drained
    }
}
