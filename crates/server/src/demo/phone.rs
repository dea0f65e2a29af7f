//! The demo's phone: silent while the funnel is drawn, it rings on the terminal afterwards.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use campanile_notifier::channels::Sink;

use crate::print::colour::{self, Colour};

/// Clones share it.
#[derive(Clone, Default)]
pub struct Phone {
    rings: Arc<AtomicBool>,
}

impl Phone {
    /// Where the terminal channel prints.
    pub fn sink(&self) -> Sink {
        let rings = Arc::clone(&self.rings);
        Arc::new(move |page: &str| {
            if rings.load(Ordering::Acquire) {
                ring(page);
            }
        })
    }

    /// From now on it rings.
    pub fn switch_on(&self) {
        self.rings.store(true, Ordering::Release);
    }
}

fn ring(page: &str) {
    let mut out = std::io::stdout().lock();
    let bell = if out.is_terminal() { "\x07" } else { "" };
    let head = Colour::Red.paint("RING", colour::is_on(&std::io::stdout()));
    // Nobody can be told that telling failed.
    let _ = writeln!(out, "{bell}{head}  {}", page.replace('\n', "\n      "));
}
