//! The operator's door: a Unix socket in the data directory, one JSON object a line.
//!
//! ```text
//!  → {"op":"ends","topic":"events"}
//!  ← {"done":true,"ends":[[0,1000],[0,12]]}         zero or more lines, then one with "done" or "error"
//! ```
//!
//! A running server holds the lock on its data, so the command line, the oracle and other programs come in here. Who may
//! connect is decided by the file's mode, 0600. Each connection has a thread: they are few, and `follow` blocks.

mod append;
mod command;
mod directory;
pub mod line;
mod read;
pub mod request;
mod rows;
mod serve;
mod socket;
mod status;
pub mod table;
mod within;

use std::sync::Arc;

use campanile_ledger::{Appender, Card, Tail};

use crate::apply::{Applier, Target};
use crate::feed::Feed;
use crate::roles::Roles;
use table::Table;

pub use socket::Door;
pub(crate) use within::ask;

/// What the door reaches.
#[derive(Clone)]
pub struct Ports {
    pub card: Card,
    pub appender: Arc<dyn Appender>,
    pub tail: Arc<dyn Tail>,
    pub table: Arc<dyn Table>,
    /// Rows of the notifier; the other has those of triage.
    pub notifier_table: Arc<dyn Table>,
    pub feed: Arc<Feed>,
    pub applier: Arc<Applier>,
    pub roles: Roles,
}

impl Ports {
    /// Where a directory apply goes.
    pub fn target(&self) -> Target<'_> {
        let Self { feed, appender, roles, table, card, .. } = self;
        Target { feed, appender: appender.as_ref(), roles, shards: card.shards, table: table.as_ref() }
    }
}
