//! The channels that this process's notifier has.

use std::sync::Arc;

use campanile_directory::Channel as Kind;
use campanile_notifier::Channels;
use campanile_notifier::channels::{Sink, Terminal};

use crate::print::say;

/// Pages of the terminal channel, told on standard error as everything about the process is.
pub fn to_the_terminal() -> Sink {
    Arc::new(|page: &str| page.lines().for_each(say))
}

pub(super) fn channels(terminal: Sink) -> Channels {
    Channels::default().with(Kind::Terminal, Arc::new(Terminal::new(terminal)))
}
