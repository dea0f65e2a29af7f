//! The roles that this process runs, as the rest of the house sees them: their options, whether they do well, and how
//! they end.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use campanile_ledger::Shards;
use campanile_processor::{Directory, Drained, Handle, Options, Service, ShardStatus, TimeSource};

use crate::config::Settings;

/// Handles of the running roles. Clones share them.
#[derive(Clone, Default)]
pub struct Roles {
    processor: Arc<RwLock<Option<Handle>>>,
    notifier: Arc<RwLock<Option<campanile_notifier::Handle>>>,
}

/// The processor's options. `public_url` is the base of links.
pub fn processor_options(settings: &Settings, public_url: String) -> Options {
    Options {
        threads: settings.processor.threads,
        public_url,
        // The only source of time that a serving role may have: see ARCHITECTURE, "log time".
        time: TimeSource::Append,
        steps: settings.processor.steps,
    }
}

/// The notifier's options. `public_url` is the base of links.
pub fn notifier_options(settings: &Settings, public_url: String) -> campanile_notifier::Options {
    let set = &settings.notifier;
    campanile_notifier::Options {
        threads: set.threads,
        public_url,
        paging: set.paging.clone(),
        deliveries_per_channel_max: set.deliveries_per_channel_max,
    }
}

impl Roles {
    /// Starts the processor on every shard of the ledger.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub fn start_processor<S: Shards + 'static>(
        &self,
        options: Options,
        shards: S,
        directory: Directory,
    ) -> Result<()> {
        let handle = Service::start(options, shards, directory).context("the processor could not be started")?;
        *self.processor.write().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Ok(())
    }

    /// Starts the notifier on every shard of the ledger.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub fn start_notifier<S: Shards + 'static>(
        &self,
        options: campanile_notifier::Options,
        shards: S,
        ports: campanile_notifier::Ports,
    ) -> Result<()> {
        let handle = campanile_notifier::Service::start(options, shards, ports);
        let handle = handle.context("the notifier could not be started")?;
        *self.notifier.write().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Ok(())
    }

    /// Where every shard of the processor stands; empty while none runs.
    pub fn status(&self) -> Vec<ShardStatus> {
        with(&self.processor, Handle::status).unwrap_or_default()
    }

    /// Where every shard of the notifier stands; empty while none runs.
    pub fn notifier_status(&self) -> Vec<ShardStatus> {
        with(&self.notifier, campanile_notifier::Handle::status).unwrap_or_default()
    }

    /// Which role stopped and why, if one did: a sentence.
    pub fn failed(&self) -> Option<String> {
        let processor = with(&self.processor, Handle::failed).flatten();
        let notifier = with(&self.notifier, campanile_notifier::Handle::failed).flatten();
        let of_processor = processor.map(|reason| format!("the processor stopped: {reason}"));
        of_processor.or_else(|| notifier.map(|reason| format!("the notifier stopped: {reason}")))
    }

    /// Brings the gauges of the notifier's orders and errands up to date.
    pub fn show_waiting(&self) {
        with(&self.notifier, campanile_notifier::Handle::show_waiting);
    }

    /// Stops taking input, commits what was taken, ends the threads, the processor before the notifier; `None` if neither
    /// ran.
    pub fn drain(&self, within: Duration) -> Option<Drained> {
        let until = Instant::now() + within;
        let processor = self.processor.write().unwrap_or_else(PoisonError::into_inner).take();
        let processor = processor.map(|handle| handle.drain(within));
        let notifier = self.notifier.write().unwrap_or_else(PoisonError::into_inner).take();
        let notifier = notifier.map(|handle| handle.drain(until.saturating_duration_since(Instant::now())));
        let severity = |drained: &Drained| match drained {
            Drained::Clean => 0,
            Drained::TimedOut => 1,
            Drained::Failed(_) => 2,
        };
        processor.into_iter().chain(notifier).max_by_key(severity)
    }
}

fn with<H, T>(handle: &RwLock<Option<H>>, look: impl FnOnce(&H) -> T) -> Option<T> {
    handle.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
}
