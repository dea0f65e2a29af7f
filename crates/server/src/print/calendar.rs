//! A schedule as a calendar: days down, the hours of each lane across.
//!
//! ```text
//!              Weekly                    final
//!              0     6     12    18      0     6     12    18
//! Mon 23 Nov   L────────J──────────────  ·········J────────······
//! Tue 24 Nov   J───────────────────────  ·········J────────······
//! ```
//!
//! A letter stands where somebody's shift or the day begins. Cells are hours on the clock of the zone: one that a change
//! of clocks leaves out is blank, and a repeated one is one cell.

use campanile_model::{Span, Timestamp};
use campanile_oncall::{Window, calendar};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::colour::Colour;
use super::table::cut;

/// Cells per day from fine to coarse; the first that fits is taken.
const CELLS: [usize; 5] = [24, 12, 8, 6, 4];
/// Room where output is no terminal.
const ROOM_DEFAULT: usize = 100;
/// `Mon 23 Nov` and what is between it and the first lane.
const DATE_CHARS: usize = 13;
const GAP: &str = "  ";

const NOBODY: char = '·';
const PARTLY: char = '╌';
const GOES_ON: char = '─';

/// Colours of people, in turn. Red is kept for gaps.
const PEOPLE: [Colour; 5] = [Colour::Cyan, Colour::Green, Colour::Yellow, Colour::Blue, Colour::Magenta];

/// Who is on call in one lane, in order.
pub struct Lane {
    pub title: String,
    pub stretches: Vec<(Window, usize)>,
    /// Where it has nobody, nobody is on call.
    pub is_final: bool,
}

pub struct Calendar<'a> {
    pub zone: &'a TimeZone,
    pub window: Window,
    pub lanes: Vec<Lane>,
    /// One for each person that a stretch may name.
    pub letters: Vec<char>,
    pub paints: bool,
}

impl Calendar<'_> {
    /// All lines. `room` is the columns of the terminal.
    pub fn draw(&self, room: Option<usize>) -> String {
        let room = room.unwrap_or(ROOM_DEFAULT);
        let width = |cells: usize| DATE_CHARS + self.lanes.len() * (cells + GAP.len());
        let cells = CELLS.into_iter().find(|cells| width(*cells) <= room + GAP.len()).unwrap_or(CELLS[CELLS.len() - 1]);
        let mut text = self.head(cells);
        let last = calendar::wall(self.zone, Timestamp(self.window.end.0 - 1)).date();
        let mut date = calendar::wall(self.zone, self.window.start).date();
        while date <= last {
            text.push_str(&self.day(date, cells));
            match date.tomorrow() {
                Ok(tomorrow) => date = tomorrow,
                Err(_) => break,
            }
        }
        text
    }

    /// The colour of a person's marks.
    pub fn colour_of(&self, person: usize) -> Colour {
        PEOPLE[person % PEOPLE.len()]
    }

    /// Titles, and the hours below them where there is room for two digits side by side.
    fn head(&self, cells: usize) -> String {
        let indent = " ".repeat(DATE_CHARS);
        let titles: Vec<_> = self.lanes.iter().map(|lane| format!("{:<cells$}", cut(&lane.title, cells))).collect();
        let titles = Colour::Bold.paint(titles.join(GAP).trim_end(), self.paints);
        let quarter = cells / 4;
        if quarter < 3 {
            return format!("{indent}{titles}\n");
        }
        let ruler: String = [0, 6, 12, 18].iter().map(|hour| format!("{hour:<quarter$}")).collect();
        let rulers = vec![ruler; self.lanes.len()].join(GAP);
        format!("{indent}{titles}\n{indent}{}\n", Colour::Dim.paint(rulers.trim_end(), self.paints))
    }

    fn day(&self, date: Date, cells: usize) -> String {
        let whole = Window { start: self.midnight(date), end: self.midnight(date.tomorrow().unwrap_or(date)) };
        let mut line = format!("{:<DATE_CHARS$}", date.strftime("%a %e %b").to_string());
        if whole.is_empty() {
            return format!("{line}this day was left out\n");
        }
        for (place, lane) in self.lanes.iter().enumerate() {
            if place > 0 {
                line.push_str(GAP);
            }
            line.push_str(&self.lane(lane, date, cells));
        }
        let hours = whole.length();
        if hours != Span::hours(24) {
            let longer = hours > Span::hours(24);
            let by = Span((hours.0 - Span::hours(24).0).abs());
            let note =
                format!("{}{}", if longer { "clocks back " } else { "clocks forward " }, super::wall::length(by));
            line = format!("{}{GAP}{}", line.trim_end(), Colour::Dim.paint(&note, self.paints));
        }
        format!("{}\n", line.trim_end())
    }

    fn lane(&self, lane: &Lane, date: Date, cells: usize) -> String {
        let mut line = String::new();
        let mut run = (Colour::Plain, String::new());
        let mut drawn = None;
        for cell in 0..cells {
            let (mark, colour) = self.cell(lane, self.bounds(date, cell, cells), &mut drawn);
            if colour != run.0 {
                line.push_str(&run.0.paint(&run.1, self.paints && !run.1.is_empty()));
                run = (colour, String::new());
            }
            run.1.push(mark);
        }
        line.push_str(&run.0.paint(&run.1, self.paints && !run.1.is_empty()));
        line
    }

    /// The mark of one cell. `drawn` is whose shift the cells to the left show.
    fn cell(&self, lane: &Lane, bounds: Window, drawn: &mut Option<usize>) -> (char, Colour) {
        if bounds.is_empty() {
            return (' ', Colour::Plain);
        }
        let first = lane.stretches.partition_point(|(window, _)| window.end <= bounds.start);
        let inside = lane.stretches[first..].iter().take_while(|(window, _)| window.start < bounds.end);
        let inside: Vec<_> = inside.map(|(window, who)| (window.intersection(bounds).length(), *who)).collect();
        let covered: i64 = inside.iter().map(|(length, _)| length.0).sum();
        // Of several people in a cell the one with most of it, of equals the last.
        let Some((_, who)) = inside.into_iter().max_by_key(|(length, _)| *length) else {
            *drawn = None;
            return if lane.is_final { (NOBODY, Colour::Red) } else { (' ', Colour::Plain) };
        };
        if lane.is_final && covered < bounds.length().0 {
            *drawn = None;
            return (PARTLY, Colour::Red);
        }
        let goes_on = *drawn == Some(who);
        *drawn = Some(who);
        (if goes_on { GOES_ON } else { self.letters[who] }, self.colour_of(who))
    }

    /// The part of a cell that was asked for.
    fn bounds(&self, date: Date, cell: usize, cells: usize) -> Window {
        let edge = |cell: usize| {
            if cell == cells {
                return self.midnight(date.tomorrow().unwrap_or(date));
            }
            let hour = i8::try_from(cell * (24 / cells)).unwrap_or(0);
            calendar::instant(self.zone, date.at(hour, 0, 0, 0))
        };
        Window { start: edge(cell), end: edge(cell + 1) }.intersection(self.window)
    }

    fn midnight(&self, date: Date) -> Timestamp {
        calendar::instant(self.zone, date.at(0, 0, 0, 0))
    }
}

/// A letter for each name: one of its own where that is free, so that it can be remembered.
pub fn letters<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<char> {
    let mut taken: Vec<char> = Vec::new();
    for name in names {
        let own = name.chars().filter(|it| it.is_alphabetic()).flat_map(char::to_uppercase);
        let free = own.chain('A'..='Z').chain('a'..='z').chain('0'..='9').find(|letter| !taken.contains(letter));
        // More people than letters share the last mark; the list below tells them apart.
        taken.push(free.unwrap_or('*'));
    }
    taken
}
