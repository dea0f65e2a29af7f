//! The funnel on the terminal: redrawn in place where there is one, a line a second where there is none.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use campanile_model::Timestamp;

use super::funnel::sentence;
use super::pages::Pages;
use super::story::{EXPECTED, Totals};
use crate::print::colour::{self, Colour};
use crate::print::time;

/// Width of a full bar, in characters.
const BAR_CHARS: u64 = 40;
/// Time between two lines where nothing can be redrawn.
const LINE_EVERY: Duration = Duration::from_secs(1);

pub struct Screen {
    redraws: bool,
    paints: bool,
    /// Lines of the drawing that stands there now.
    drawn: usize,
    last_line: Option<Instant>,
}

impl Screen {
    pub fn new() -> Self {
        let redraws = io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { redraws, paints: colour::is_on(&io::stdout()), drawn: 0, last_line: None }
    }

    /// Shows the numbers as of log time `now`.
    ///
    /// # Errors
    /// What the output gives.
    pub fn show(&mut self, totals: &Totals, pages: &Pages, now: Timestamp) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.redraws {
            if self.last_line.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
                self.last_line = Some(Instant::now());
                writeln!(out, "{}  {}", time::clock(now), sentence(totals))?;
            }
            return out.flush();
        }
        let lines = self.drawing(totals, pages, now);
        if self.drawn > 0 {
            write!(out, "\x1b[{}A", self.drawn)?;
        }
        for line in &lines {
            writeln!(out, "\x1b[2K{line}")?;
        }
        self.drawn = lines.len();
        out.flush()
    }

    fn drawing(&self, totals: &Totals, pages: &Pages, now: Timestamp) -> Vec<String> {
        let [p1, p2, p3] = totals.priorities;
        let rows = [
            ("raw alerts", totals.raw, Colour::Dim),
            ("after deduplication", totals.alerts, Colour::Plain),
            ("not under maintenance", totals.unsuppressed, Colour::Plain),
            ("incidents", totals.incidents, Colour::Bold),
            ("  P1", p1, Colour::Red),
            ("  P2", p2, Colour::Yellow),
            ("  P3", p3, Colour::Cyan),
        ];
        let clock = format!("log time {}", time::absolute(now));
        let mut lines = vec![Colour::Dim.paint(&clock, self.paints)];
        lines.extend(rows.into_iter().map(|(name, number, colour)| {
            let row = format!("{name:<22} {number:>5}  {}", bar(number));
            colour.paint(row.trim_end(), self.paints)
        }));
        lines.push(Colour::Dim.paint(&pages.sentence(), self.paints));
        lines
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

/// A bar against the raw alerts; whatever is there at all has at least one block.
fn bar(number: u64) -> String {
    let blocks = (number * BAR_CHARS).div_ceil(EXPECTED.raw).min(BAR_CHARS);
    "█".repeat(usize::try_from(blocks).unwrap_or_default())
}
