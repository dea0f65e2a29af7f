//! A whole schedule, ready to be asked: who is on call, over which window, until when, who is next.

use campanile_model::{Span, Timestamp, UserId};
use jiff::tz::TimeZone;

use crate::layering::{Layer, Override, Shift, Source, flatten};
use crate::rotation::Rotation;
use crate::{calendar, restriction};

/// `[start, end)`; empty if it ends before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Window {
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    pub fn intersection(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// Elapsed time, not days on a calendar.
    pub fn length(self) -> Span {
        if self.is_empty() { Span::ZERO } else { self.end.since(self.start) }
    }
}

/// One person without a break, in `[start, end)`, as far as the window that was asked for reaches.
/// PagerDuty's `rendered_schedule_entry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub start: Timestamp,
    pub end: Timestamp,
    pub user: &'a UserId,
}

/// How much of a window has somebody, in elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    pub covered: Span,
    pub window: Span,
}

impl Coverage {
    /// 0 to 100 with two decimals, as PagerDuty's `rendered_coverage_percentage` has them, and never rounded up: 100 means
    /// whole. Of an empty window 100, for nothing in it is uncovered.
    pub fn percent(self) -> f64 {
        if self.window.0 <= 0 {
            return 100.0;
        }
        let hundredths = i128::from(self.covered.0) * 10_000 / i128::from(self.window.0);
        hundredths as f64 / 100.0
    }

    /// Nobody is missing at any instant.
    pub fn is_whole(self) -> bool {
        self.covered == self.window
    }
}

/// The instant at which somebody else is on call, or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handoff<'a> {
    pub at: Timestamp,
    /// `None`: nobody, as in `to`.
    pub from: Option<&'a UserId>,
    pub to: Option<&'a UserId>,
}

/// A schedule of layers and overrides in one time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Roster {
    zone: TimeZone,
    /// Lowest first, each with its rotation.
    layers: Vec<(Layer, Rotation)>,
    /// Oldest first.
    overrides: Vec<Override>,
    /// What is seen of the overrides from above: window and place, in order.
    overriding: Vec<(Window, usize)>,
}

impl Roster {
    /// `layers` lowest first, `overrides` oldest first, as requests have them.
    pub fn new(zone: TimeZone, layers: Vec<Layer>, overrides: Vec<Override>) -> Self {
        let overriding = flatten(overrides.iter().enumerate().map(override_shift).collect());
        let overriding = overriding.iter().filter_map(|shift| match shift.source {
            Source::Override(place) => Some((Window { start: shift.start, end: shift.end }, place)),
            Source::Layer(_) => None,
        });
        let overriding = overriding.collect();
        let layers = layers.into_iter().map(|layer| {
            let rotation = Rotation::new(&zone, layer.rotation_virtual_start, layer.turn);
            (layer, rotation)
        });
        let layers = layers.collect();
        Self { layers, overrides, overriding, zone }
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub fn layers(&self) -> impl ExactSizeIterator<Item = &Layer> {
        self.layers.iter().map(|(layer, _)| layer)
    }

    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Who is on call at this instant, and why. Costs a search among the overrides and a few look-ups per layer.
    pub fn at(&self, at: Timestamp) -> Option<(&UserId, Source)> {
        let at = calendar::clamp(at);
        let place = self.overriding.partition_point(|(window, _)| window.end <= at);
        if let Some((window, place)) = self.overriding.get(place)
            && window.start <= at
        {
            return Some((&self.overrides[*place].user, Source::Override(*place)));
        }
        let mut from_above = self.layers.iter().enumerate().rev();
        from_above.find_map(|(place, (layer, rotation))| {
            let user = self.user_of(layer, rotation, at)?;
            Some((user, Source::Layer(place)))
        })
    }

    /// Who is on call at this instant.
    pub fn on_call(&self, at: Timestamp) -> Option<&UserId> {
        self.at(at).map(|(user, _)| user)
    }

    /// Who is on call in this window: in order, neighbours of one person joined. Entries are cut at the window's bounds.
    /// Costs as many steps as there are turns, restrictions and overrides in the window.
    pub fn final_schedule(&self, window: Window) -> Vec<Entry<'_>> {
        join(&self.shifts(window))
    }

    /// As [`Self::final_schedule`], each shift with its source and not joined: what made the schedule.
    pub fn shifts(&self, window: Window) -> Vec<Shift<'_>> {
        let mut shifts = Vec::new();
        for place in 0..self.layers.len() {
            self.add_layer(place, window, &mut shifts);
        }
        self.add_overrides(window, &mut shifts);
        flatten(shifts)
    }

    /// The turns of one layer in this window, as if it were alone. `layer` counts from 0, the lowest.
    pub fn layer_schedule(&self, layer: usize, window: Window) -> Vec<Entry<'_>> {
        let mut shifts = Vec::new();
        if layer < self.layers.len() {
            self.add_layer(layer, window, &mut shifts);
        }
        shifts.into_iter().map(entry).collect()
    }

    /// The overrides in this window, as far as newer ones do not hide them.
    pub fn override_schedule(&self, window: Window) -> Vec<Entry<'_>> {
        let mut shifts = Vec::new();
        self.add_overrides(window, &mut shifts);
        shifts.into_iter().map(entry).collect()
    }

    /// How much of the window somebody is on call.
    pub fn coverage(&self, window: Window) -> Coverage {
        coverage(&self.shifts(window).into_iter().map(entry).collect::<Vec<_>>(), window)
    }

    /// How much of the window one layer alone has somebody.
    pub fn layer_coverage(&self, layer: usize, window: Window) -> Coverage {
        coverage(&self.layer_schedule(layer, window), window)
    }

    /// When nobody is on call: in order, apart from each other.
    pub fn gaps(&self, window: Window) -> Vec<Window> {
        let mut gaps = Vec::new();
        let mut from = window.start;
        for shift in self.shifts(window) {
            if from < shift.start {
                gaps.push(Window { start: from, end: shift.start });
            }
            from = shift.end;
        }
        if from < window.end {
            gaps.push(Window { start: from, end: window.end });
        }
        gaps
    }

    /// The first hand-off in the window after its start: from whoever is on call there to somebody else, or nobody.
    /// `None` if the window has none.
    pub fn next_handoff(&self, window: Window) -> Option<Handoff<'_>> {
        let from = self.on_call(window.start);
        let at = self.search(window, |entries, looked| {
            let change = match (from, entries.first()) {
                (Some(_), Some(entry)) => entry.end,
                (None, Some(entry)) => entry.start,
                (_, None) => looked.end,
            };
            Some(change).filter(|change| *change < looked.end)
        })?;
        Some(Handoff { at, from, to: self.on_call(at) })
    }

    /// The first shift in the window of somebody who is not on call at its start: who is next, after a gap if need be.
    /// Its end is cut at the window's.
    pub fn next_on_call(&self, window: Window) -> Option<Entry<'_>> {
        let now = self.on_call(window.start);
        let start = self.search(window, |entries, _| {
            entries.iter().find(|entry| Some(entry.user) != now).map(|entry| entry.start)
        })?;
        self.final_schedule(Window { start, end: window.end }).first().copied()
    }

    /// Looks for an instant in the first day of the window, then in ever longer parts of it, so that what is near is found
    /// without rendering what is far.
    fn search<'a>(
        &'a self,
        window: Window,
        find: impl Fn(&[Entry<'a>], Window) -> Option<Timestamp>,
    ) -> Option<Timestamp> {
        let mut length = Span::hours(24);
        loop {
            let end = (window.start + length).min(window.end);
            let looked = Window { start: window.start, end };
            if let Some(found) = find(&self.final_schedule(looked), looked) {
                return Some(found);
            }
            if end >= window.end {
                return None;
            }
            length = Span(length.0 * 4);
        }
    }

    fn user_of<'a>(&self, layer: &'a Layer, rotation: &Rotation, at: Timestamp) -> Option<&'a UserId> {
        let lives = layer.start <= at && layer.end.is_none_or(|end| at < end);
        if !lives || !restriction::any_covers(&layer.restrictions, &self.zone, at) {
            return None;
        }
        if let [user] = layer.users.as_slice() {
            return Some(user);
        }
        user_in_turn(layer, rotation.turn_at(&self.zone, at).number)
    }

    fn add_layer<'a>(&'a self, place: usize, window: Window, shifts: &mut Vec<Shift<'a>>) {
        let (layer, rotation) = &self.layers[place];
        let source = Source::Layer(place);
        let life = Window { start: layer.start, end: layer.end.unwrap_or(Timestamp::MAX) };
        let bounds = Window { start: calendar::INSTANTS.0, end: calendar::INSTANTS.1 };
        for open in restriction::open(&layer.restrictions, &self.zone, window.intersection(life).intersection(bounds)) {
            if let [user] = layer.users.as_slice() {
                // Whose turn it is needs no calendar.
                shifts.push(Shift { start: open.start, end: open.end, user, source });
                continue;
            }
            let mut start = open.start;
            while start < open.end {
                let turn = rotation.turn_at(&self.zone, start);
                let Some(user) = user_in_turn(layer, turn.number) else { return };
                let end = turn.end.min(open.end);
                shifts.push(Shift { start, end, user, source });
                start = end;
            }
        }
    }

    fn add_overrides<'a>(&'a self, window: Window, shifts: &mut Vec<Shift<'a>>) {
        let first = self.overriding.partition_point(|(it, _)| it.end <= window.start);
        for (it, place) in self.overriding[first..].iter().take_while(|(it, _)| it.start < window.end) {
            let Window { start, end } = it.intersection(window);
            shifts.push(Shift { start, end, user: &self.overrides[*place].user, source: Source::Override(*place) });
        }
    }
}

fn override_shift((place, it): (usize, &Override)) -> Shift<'_> {
    Shift { start: it.start, end: it.end, user: &it.user, source: Source::Override(place) }
}

/// `None` only for a layer without users, which the directory refuses.
fn user_in_turn(layer: &Layer, number: i64) -> Option<&UserId> {
    let users = i64::try_from(layer.users.len()).ok().filter(|users| *users > 0)?;
    layer.users.get(usize::try_from(number.rem_euclid(users)).ok()?)
}

fn entry(shift: Shift<'_>) -> Entry<'_> {
    Entry { start: shift.start, end: shift.end, user: shift.user }
}

fn join<'a>(shifts: &[Shift<'a>]) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = Vec::with_capacity(shifts.len());
    for shift in shifts {
        match entries.last_mut() {
            Some(last) if last.user == shift.user && last.end == shift.start => last.end = shift.end,
            _ => entries.push(entry(*shift)),
        }
    }
    entries
}

fn coverage(entries: &[Entry<'_>], window: Window) -> Coverage {
    let covered = entries.iter().map(|entry| entry.end.since(entry.start).0).sum();
    Coverage { covered: Span(covered), window: window.length() }
}
