//! Aligned tables. The last column takes what room the terminal has left.

use std::io::{self, IsTerminal, Write};

use super::colour::{self, Colour};

/// Between two columns.
const GAP: &str = "  ";
/// Least room for the last column, however narrow the terminal.
const LAST_CHARS_MIN: usize = 20;

pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// Columns whose words have colours.
    coloured: Vec<usize>,
}

impl Table {
    pub fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new(), coloured: Vec::new() }
    }

    /// Words in these columns are coloured by what they mean.
    #[must_use]
    pub fn colouring(mut self, columns: &[usize]) -> Self {
        self.coloured = columns.to_vec();
        self
    }

    pub fn add(&mut self, row: Vec<String>) {
        self.rows.push(row.iter().map(|cell| one_line(cell)).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints to standard output.
    ///
    /// # Errors
    /// What the output gives.
    pub fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let paints = colour::is_on(&io::stdout());
        let widths = self.widths();
        let room = room();
        if !self.head.is_empty() {
            let head: Vec<_> = self.head.iter().map(|&name| name.to_owned()).collect();
            let line = line(&head, &widths, room, |_, text| Colour::Bold.paint(text, paints));
            writeln!(out, "{line}")?;
        }
        for row in &self.rows {
            let line = line(row, &widths, room, |column, text| self.paint(column, text, paints));
            writeln!(out, "{line}")?;
        }
        out.flush()
    }

    fn paint(&self, column: usize, text: &str, paints: bool) -> String {
        let colour = if self.coloured.contains(&column) { colour::of_word(text.trim_end()) } else { Colour::Plain };
        colour.paint(text, paints)
    }

    fn widths(&self) -> Vec<usize> {
        let heads = self.head.iter().map(|name| name.chars().count()).collect::<Vec<_>>();
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(heads.len());
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        (0..columns)
            .map(|column| {
                let widest = cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0);
                widest.max(heads.get(column).copied().unwrap_or(0))
            })
            .collect()
    }
}

/// Columns of the terminal; `None` where output is no terminal and nothing is cut.
pub fn room() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// One line with these widths; the last cell is cut to the room.
pub fn line(cells: &[String], widths: &[usize], room: Option<usize>, paint: impl Fn(usize, &str) -> String) -> String {
    let last = widths.len().saturating_sub(1);
    let before: usize = widths.iter().take(last).map(|width| width + GAP.len()).sum();
    let mut line = String::new();
    for (column, cell) in cells.iter().enumerate() {
        if column < last {
            let width = widths.get(column).copied().unwrap_or(0);
            line.push_str(&paint(column, &format!("{cell:<width$}")));
            line.push_str(GAP);
        } else {
            let left = room.map_or(usize::MAX, |room| room.saturating_sub(before).max(LAST_CHARS_MIN));
            line.push_str(&paint(column, &cut(cell, left)));
        }
    }
    line.trim_end().to_owned()
}

/// At most so many characters, the last of them the cut mark where something is missing.
pub fn cut(text: &str, chars: usize) -> String {
    campanile_model::text::cut(text, chars).unwrap_or_else(|| text.to_owned())
}

/// A cell's text may come from anybody: control characters would move the cursor.
pub fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
