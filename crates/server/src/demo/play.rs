//! The hour of noise: sent at its times through the gateway, counted from the topics until it stands still.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use campanile_clock::{Clock, Scaled};
use campanile_model::{Span, Timestamp};

use super::funnel::{Funnel, differences, sentence};
use super::organisation::{self, MAINTAINED};
use super::pages::Pages;
use super::screen::Screen;
use super::{sender, story};
use crate::apply::{Change, Refused};
use crate::door::Ports;
use crate::print::say;
use crate::supervise::Stop;

/// Log time left at the end of the hour, so that the last events are not squeezed against it.
const MARGIN: Span = Span::minutes(2);
/// The maintenance begins so much before now: a cluster's clock may be behind ours.
const CLOCK_ALLOWANCE: Span = Span::minutes(5);
const REDRAW_EVERY: Duration = Duration::from_millis(100);
/// Longest wait for the funnel after the last event was answered.
const SETTLE_WAIT: Duration = Duration::from_secs(30);

/// Where the noise is made.
pub struct Stage<'a> {
    pub ports: &'a Ports,
    /// The gateway's address, `http://` and all.
    pub url: &'a str,
    /// When each event is sent.
    pub pace: &'a Arc<Scaled>,
    /// The end of the hour, on that clock.
    pub end: Timestamp,
    /// What the ledger's time is. The same clock where the ledger has it; the broker's real time on Kafka.
    pub log: &'a dyn Clock,
}

/// How the show went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Right,
    Wrong,
    Interrupted,
}

/// Makes the noise and shows the funnel until it stands still.
///
/// # Errors
/// A part failed; a funnel with other numbers than expected is no error but [`Shown::Wrong`].
pub fn play(stage: &Stage<'_>, stop: &Stop) -> Result<Shown> {
    let (ports, pace) = (stage.ports, stage.pace);
    let since = Timestamp(stage.log.now().0 - CLOCK_ALLOWANCE.0);
    let window = organisation::maintenance(&ports.feed.directory().load(), since)?;
    let change = Change { files: vec![window], ..Change::default() };
    let applied = ports.applier.apply(change, ports.target());
    applied.map_err(|refused| match refused {
        Refused::Failed(reason) => anyhow!(reason),
        Refused::Invalid(diagnostics) => anyhow!("the maintenance window is refused: {diagnostics:?}"),
    })?;
    println!("{MAINTAINED} is under maintenance for the next two hours of log time.");
    println!();
    let begin = pace.now();
    let length = Span(stage.end.since(begin).0 - MARGIN.0);
    let lanes = story::lanes(&ports.feed.directory().load(), length);
    let mut senders = Some(sender::start(lanes, stage.url, begin, pace, stop)?);
    let (mut funnel, mut screen) = (Funnel::new(ports.card.shards), Screen::new());
    let mut pages = Pages::new(ports.card.shards);
    let mut all_sent = None;
    loop {
        funnel.read(ports.tail.as_ref())?;
        pages.read(ports.tail.as_ref())?;
        screen.show(&funnel.totals(), &pages, stage.log.now())?;
        if let Some(threads) = senders.take_if(|threads| threads.iter().all(std::thread::JoinHandle::is_finished)) {
            sender::wait(threads)?;
            all_sent = Some(Instant::now());
        }
        let is_late = all_sent.is_some_and(|at: Instant| at.elapsed() > SETTLE_WAIT);
        if all_sent.is_some() && funnel.is_over() || is_late {
            break;
        }
        if let Some(reason) = ports.roles.failed() {
            bail!(reason);
        }
        if stop.wait(REDRAW_EVERY) {
            return Ok(Shown::Interrupted);
        }
    }
    let totals = funnel.totals();
    println!();
    println!("{}", pages.sentence());
    println!("{}", sentence(&totals));
    let wrong = differences(&totals);
    for line in &wrong {
        say(line);
    }
    Ok(if wrong.is_empty() { Shown::Right } else { Shown::Wrong })
}
