//! The role's life: the engine's, with triage for its machine.

use std::sync::Arc;

use arc_swap::ArcSwap;
use campanile_directory::Snapshot;
use campanile_engine::{Handle, ServiceOptions};
use campanile_ledger::{MachineId, Shard as _, Shards};

use crate::machine::TriageMachine;
use crate::options::{Options, TimeSource};

/// The newest organisation; whoever feeds it stores a snapshot when an apply has ended.
pub type Directory = Arc<ArcSwap<Snapshot>>;

pub struct Service;

impl Service {
    /// Starts threads that step every shard this process is granted, now and later.
    ///
    /// Errors: the operating system gives no thread.
    pub fn start<S: Shards + 'static>(options: Options, shards: S, directory: Directory) -> std::io::Result<Handle> {
        let service = ServiceOptions {
            machine: MachineId::Triage,
            name: "processor",
            threads: options.threads,
            event_time: options.time == TimeSource::Event,
            steps: options.steps,
        };
        let public_url = options.public_url;
        let make = move |shard: &S::Shard| TriageMachine::new(directory.clone(), shard.id(), public_url.clone());
        campanile_engine::start(service, shards, make)
    }
}
