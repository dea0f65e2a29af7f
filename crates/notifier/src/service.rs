//! The role's life: the engine's threads step the shards, and carriers do outside what commits have decided.

use std::sync::Arc;
use std::time::{Duration, Instant};

use campanile_clock::Clock;
use campanile_engine::{Drained, ServiceOptions, ShardStatus};
use campanile_ledger::{Appender, MachineId, Shard as _, Shards, Tail, Topic};
use campanile_model::ShardId;
use tokio::runtime;

use crate::channels::Channels;
use crate::courier::{Courier, Tools};
use crate::deeds::Deeds;
use crate::incidents::Incidents;
use crate::machine::{EscalationMachine, Frame};
use crate::message::{Directory, Letterhead};
use crate::options::Options;
use crate::outbox::Outbox;
use crate::telemetry;

/// What the notifier reaches beside its shards.
pub struct Ports {
    pub appender: Arc<dyn Appender>,
    pub tail: Arc<dyn Tail>,
    pub directory: Directory,
    pub channels: Channels,
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
}

impl Carriers {
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
    }
}

pub struct Service;

pub struct Handle {
    engine: campanile_engine::Handle,
    carriers: Carriers,
    clock: Arc<dyn Clock>,
}

impl Service {
    /// Starts threads that step every shard this process is granted, now and later.
    ///
    /// Errors: the operating system gives no thread.
    pub fn start<S: Shards + 'static>(options: Options, shards: S, ports: Ports) -> std::io::Result<Handle> {
        let Ports { appender, tail, directory, channels, clock, runtime } = ports;
        let partitions = appender.partitions(Topic::Incidents);
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
        let carriers = Carriers { outbox, courier: Arc::new(Courier::new(tools)) };
        let service = ServiceOptions {
            machine: MachineId::Notifier,
            name: "notifier",
            threads: Some(options.threads),
            event_time: false,
            // Its inputs and records are all on topics of their own; nothing replays it from steps.
            steps: false,
        };
        let frame = Frame { directory, paging: Arc::new(options.paging), carriers: carriers.clone(), appender };
        let make = move |shard: &S::Shard| EscalationMachine::new(frame.clone(), shard.id());
        let engine = campanile_engine::start(service, shards, make)?;
        Ok(Handle { engine, carriers, clock })
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

    /// Brings the gauges of what waits up to date.
    pub fn show_waiting(&self) {
        telemetry::show_waiting(&self.carriers.courier, &self.carriers.outbox, self.clock.now());
    }

    /// Stops taking input, commits what was judged, and ends the threads; then waits for deliveries under way. At most
    /// `within` in all.
    pub fn drain(self, within: Duration) -> Drained {
        let until = Instant::now() + within;
        let drained = self.engine.drain(within);
        self.carriers.courier.close(until.saturating_duration_since(Instant::now()));
        self.carriers.outbox.close();
        drained
    }
}
