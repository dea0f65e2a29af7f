//! The channels there are: one file each, and the table that says which of them carries what.

mod terminal;

use std::collections::HashMap;
use std::sync::Arc;

use campanile_directory::Channel as Kind;

use crate::channel::Channel;

pub use terminal::{Sink, Terminal};

/// Which channel carries which kind of contact method. What has none here is refused for good, in words.
#[derive(Clone, Default)]
pub struct Channels(HashMap<Kind, Arc<dyn Channel>>);

impl Channels {
    #[must_use]
    pub fn with(mut self, kind: Kind, channel: Arc<dyn Channel>) -> Self {
        self.0.insert(kind, channel);
        self
    }

    pub fn of(&self, kind: Kind) -> Option<&Arc<dyn Channel>> {
        self.0.get(&kind)
    }

    /// The kinds that are carried, in the order of the directory.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        Kind::ALL.into_iter().filter(|kind| self.0.contains_key(kind))
    }
}
