//! Layers on top of each other, overrides above all.

use std::collections::BinaryHeap;

use campanile_model::{Span, Timestamp, UserId};
use compact_str::CompactString;

use crate::restriction::Restriction;

/// People in turn, at some hours. PagerDuty's `schedule_layer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub id: Option<CompactString>,
    pub name: CompactString,
    pub start: Timestamp,
    /// `None`: for ever.
    pub end: Option<Timestamp>,
    /// The phase of the rotation: the first user's turn begins here, which may be before `start` or after it.
    pub rotation_virtual_start: Timestamp,
    pub turn: Span,
    /// In turn.
    pub users: Vec<UserId>,
    /// None: at all hours. Several add up.
    pub restrictions: Vec<Restriction>,
}

/// One person instead of whoever the layers name, in `[start, end)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub id: Option<CompactString>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub user: UserId,
}

/// Where a shift comes from, by its place in the schedule. The greater beats the smaller: a later layer an earlier one, an
/// override every layer, and of two overrides the later in the list, which is the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Layer(usize),
    Override(usize),
}

/// A person on call in `[start, end)`, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift<'a> {
    pub start: Timestamp,
    pub end: Timestamp,
    pub user: &'a UserId,
    pub source: Source,
}

/// What is seen from above: at each instant the shift of the greatest source. In order, none overlapping.
/// Costs n log n of the number of shifts, which may come in any order.
pub fn flatten(mut shifts: Vec<Shift<'_>>) -> Vec<Shift<'_>> {
    shifts.retain(|shift| shift.start < shift.end);
    shifts.sort_by_key(|shift| shift.start);
    // Shifts that have begun, the greatest source on top. One that has ended leaves when it comes to the top.
    let mut begun = BinaryHeap::new();
    let mut coming = shifts.iter().enumerate().peekable();
    let mut seen: Vec<(usize, Shift<'_>)> = Vec::with_capacity(shifts.len());
    let mut now = Timestamp(i64::MIN);
    loop {
        while let Some((place, shift)) = coming.next_if(|(_, shift)| shift.start <= now) {
            begun.push((shift.source, place));
        }
        while begun.peek().is_some_and(|&(_, place)| shifts[place].end <= now) {
            begun.pop();
        }
        let next_start = coming.peek().map(|(_, shift)| shift.start);
        let Some(&(_, place)) = begun.peek() else {
            match next_start {
                Some(start) => now = start,
                None => return seen.into_iter().map(|(_, shift)| shift).collect(),
            }
            continue;
        };
        let until = next_start.map_or(shifts[place].end, |start| start.min(shifts[place].end));
        match seen.last_mut() {
            Some((last, shift)) if *last == place && shift.end == now => shift.end = until,
            _ => seen.push((place, Shift { start: now, end: until, ..shifts[place] })),
        }
        now = until;
    }
}
