//! Many seeds, or one told aloud.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::faults::Mutation;
use crate::schedule::lock;
use crate::shrink::shrink;
use crate::story;
use crate::world::tell;

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
            let told = tell(&story, mutation, false);
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
    let first = tell(&story, mutation, false);
    let breach = first.breach.as_deref().filter(|_| !whole);
    let is_shrunk = breach.is_some();
    let shown = breach.map_or_else(|| story.clone(), |breach| shrink(&story, mutation, breach));
    let told = tell(&shown, mutation, true);
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
