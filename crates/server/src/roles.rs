//! The roles that this process runs, as the rest of the house sees them: their options, whether they do well, and how
//! they end.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result};
use campanile_ledger::Shards;
use campanile_processor::{Directory, Drained, Handle, Options, Service, ShardStatus, TimeSource};

use crate::config::Settings;

/// Handles of the running roles. Clones share them.
#[derive(Clone, Default)]
pub struct Roles {
    processor: Arc<RwLock<Option<Handle>>>,
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

    /// Where every shard stands; empty while no processor runs.
    pub fn status(&self) -> Vec<ShardStatus> {
        self.with(Handle::status).unwrap_or_default()
    }

    /// Why the processor stopped, if it did.
    pub fn failed(&self) -> Option<String> {
        self.with(Handle::failed).flatten()
    }

    fn with<T>(&self, look: impl FnOnce(&Handle) -> T) -> Option<T> {
        self.processor.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Stops taking input, commits what was taken, ends the threads; `None` if no processor ran.
    pub fn drain(&self, within: Duration) -> Option<Drained> {
        let handle = self.processor.write().unwrap_or_else(PoisonError::into_inner).take();
        handle.map(|handle| handle.drain(within))
    }
}
