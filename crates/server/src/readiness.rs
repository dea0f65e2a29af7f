//! Whether senders should come here: the ledger takes input, the directory is known, processor and notifier work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::feed::Feed;
use crate::roles::Roles;

/// Asks a ledger why it takes no input; `None` if it does.
pub type Trouble = Arc<dyn Fn() -> Option<String> + Send + Sync>;

#[derive(Clone)]
pub struct Readiness {
    /// Why the ledger takes no input now, if it does not.
    ledger: Trouble,
    feed: Arc<Feed>,
    roles: Roles,
    is_draining: Arc<AtomicBool>,
}

impl Readiness {
    pub fn new(ledger: Trouble, feed: Arc<Feed>, roles: Roles) -> Self {
        Self { ledger, feed, roles, is_draining: Arc::default() }
    }

    /// From now on the answer is no, so that balancers look elsewhere.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Says yes, or why not, for people.
    ///
    /// # Errors
    /// The first reason found.
    pub fn check(&self) -> Result<(), String> {
        if self.is_draining.load(Ordering::Acquire) {
            return Err("the server is stopping".to_owned());
        }
        if let Some(reason) = (self.ledger)() {
            return Err(reason);
        }
        if !self.feed.is_caught_up() {
            return Err("the directory is being read".to_owned());
        }
        if let Some(reason) = self.roles.failed() {
            return Err(reason);
        }
        let shards = self.roles.status().into_iter().chain(self.roles.notifier_status());
        let halted = shards.into_iter().find_map(|shard| Some((shard.shard, shard.halted?)));
        match halted {
            Some((shard, reason)) => Err(format!("shard {shard} cannot commit: {reason}")),
            None => Ok(()),
        }
    }
}
