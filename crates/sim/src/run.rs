//! Many seeds, or one told aloud.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::faults::Mutation;
use crate::schedule::lock;
use crate::shrink::shrink;
use crate::story::{self, Story};
use crate::world::{Told, tell};

pub use crate::story::Weather;

/// What a search came to.
#[derive(Debug, Default)]
pub struct Report {
    pub seeds: u64,
    pub steps: u64,
    pub commits: u64,
    pub inputs: u64,
    pub faults: u64,
    /// The smallest seed that breaks a law, and the law.
    pub breach: Option<(u64, String)>,
}

/// Panics are breaches too; what a task's cancellation unwinds with is none.
fn told(story: &Story, mutation: Option<Mutation>, is_traced: bool) -> Told {
    tell(story, mutation, is_traced)
}

/// Tells the stories of seeds from `first` on, on `threads` threads, until `seeds` are told or one breaks a law.
pub fn search(first: u64, seeds: u64, threads: usize, weather: Weather, mutation: Option<Mutation>) -> Report {
    let next = AtomicU64::new(first);
    let report = Mutex::new(Report::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let is_over = lock(&report).breach.as_ref().is_some_and(|(found, _)| *found < seed);
            if seed >= first + seeds || is_over {
                return;
            }
            let story = story::draw(seed, weather);
            let told = told(&story, mutation, false);
            let mut report = lock(&report);
            report.seeds += 1;
            report.steps += told.steps;
            report.commits += told.commits;
            report.inputs += told.inputs;
            report.faults += story.acts.iter().filter(|(_, act)| act.is_fault()).count() as u64;
            if let Some(breach) = told.breach
                && report.breach.as_ref().is_none_or(|(found, _)| seed < *found)
            {
                report.breach = Some((seed, breach));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Tells one seed's story aloud; a failing one is made short first, unless `whole`.
pub fn replay(seed: u64, weather: Weather, mutation: Option<Mutation>, whole: bool) -> (String, bool) {
    let story = story::draw(seed, weather);
    let first = told(&story, mutation, false);
    let is_shrunk = first.breach.is_some() && !whole;
    let shown = if is_shrunk { shrink(&story, mutation) } else { story.clone() };
    let told = told(&shown, mutation, true);
    let mut text =
        format!("seed {seed}: {} shards, {} processes, {} acts", shown.shards, shown.processes, shown.acts.len());
    if is_shrunk {
        let _ = write!(text, " (of {})", story.acts.len());
    }
    text.push('\n');
    for (after, act) in &shown.acts {
        let _ = writeln!(text, "  +{after:>5} ms  {act:?}");
    }
    for line in &told.trace {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(
        text,
        "{} steps, {} commits, {} inputs, logs {:016x}",
        told.steps, told.commits, told.inputs, told.fold
    );
    match &told.breach {
        Some(breach) => drop(writeln!(text, "BREACH: {breach}")),
        None => text.push_str("all laws hold\n"),
    }
    (text, told.breach.is_some())
}
