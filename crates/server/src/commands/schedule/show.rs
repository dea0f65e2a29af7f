//! `campanile schedule show`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use campanile_directory::{Schedule, Snapshot};
use campanile_model::{Span, Timestamp, UserId};
use campanile_oncall::{Entry, Roster, Source, Window, calendar};
use clap::Args as ClapArgs;
use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::render::render;
use crate::commands::moment;
use crate::commands::oncall::REACH;
use crate::commands::organisation::{self, Organisation, user_name};
use crate::print::calendar::{Calendar, Lane, letters};
use crate::print::colour::{self, Colour};
use crate::print::{Table, table, time, wall};

/// Days that are shown where nobody says how many. Source: PagerDuty REST, which renders two weeks where one bound is given.
const DAYS_DEFAULT: i32 = 14;
/// Longest window, so that a misspelt year does not print for minutes.
const WINDOW_MAX: Span = Span::hours(400 * 24);

#[derive(ClapArgs)]
pub(in crate::commands) struct Args {
    /// Id or name of the schedule
    schedule: String,
    /// First day or time [default: today]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to this day or time, not including it [default: 14 days later]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Read and show times in this zone [default: the schedule's]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// List shifts and gaps to the minute instead of the calendar
    #[arg(long, conflicts_with = "json")]
    list: bool,
    /// PagerDuty's answer to GET /schedules/{id}, rendered, as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    organisation: Organisation,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let snapshot = args.organisation.snapshot()?;
    let (schedule, roster) = organisation::schedule(&snapshot, &args.schedule)?;
    let zone = args.time_zone.as_deref().map(moment::zone).transpose()?;
    let zone = zone.unwrap_or_else(|| schedule.zone.clone());
    let window = window(&args, &zone)?;
    if args.json {
        println!("{}", render(&snapshot, schedule, roster, &zone, window));
        return Ok(ExitCode::SUCCESS);
    }
    let paints = colour::is_on(&std::io::stdout());
    let view = View { snapshot: &snapshot, schedule, roster, zone: &zone, window, now: time::now(), paints };
    view.head();
    if args.list {
        view.list()?;
    } else {
        view.calendar();
    }
    view.facts()?;
    Ok(ExitCode::SUCCESS)
}

fn window(args: &Args, zone: &TimeZone) -> Result<Window> {
    let days = |at: Timestamp, days: i32| {
        let date = calendar::wall(zone, at).date();
        calendar::instant(zone, date.saturating_add(days.days()).at(0, 0, 0, 0))
    };
    let given = |text: &Option<String>| text.as_deref().map(|text| moment::instant(text, zone)).transpose();
    let (since, until) = (given(&args.since)?, given(&args.until)?);
    let start = since.unwrap_or_else(|| until.map_or_else(|| days(time::now(), 0), |until| days(until, -DAYS_DEFAULT)));
    let end = until.unwrap_or_else(|| days(start, DAYS_DEFAULT));
    let window = Window { start, end };
    if window.is_empty() {
        bail!("--until {} is not after --since {}", wall::rfc3339(zone, end), wall::rfc3339(zone, start));
    }
    if window.length() > WINDOW_MAX {
        let most = WINDOW_MAX.whole_seconds() / 86_400;
        bail!("{} days are more than the {most} that are shown at once", window.length().whole_seconds() / 86_400);
    }
    Ok(window)
}

struct View<'a> {
    snapshot: &'a Snapshot,
    schedule: &'a Schedule,
    roster: &'a Roster,
    zone: &'a TimeZone,
    window: Window,
    now: Timestamp,
    paints: bool,
}

impl View<'_> {
    fn head(&self) {
        let name = Colour::Bold.paint(&self.schedule.name, self.paints);
        let zone = self.zone.iana_name().unwrap_or("UTC");
        println!("{name} ({}), times of {zone}", self.schedule.id);
        if !self.schedule.description.is_empty() {
            println!("{}", Colour::Dim.paint(&table::one_line(&self.schedule.description), self.paints));
        }
        println!();
    }

    fn calendar(&self) {
        let people = self.people();
        let names: Vec<_> = people.iter().map(|user| self.name(user)).collect();
        let place = |user: &UserId| people.iter().position(|it| *it == user).unwrap_or(0);
        let stretches = |entries: Vec<Entry<'_>>| -> Vec<_> {
            entries.iter().map(|it| (Window { start: it.start, end: it.end }, place(it.user))).collect()
        };
        let lane = |title: &str, entries: Vec<Entry<'_>>| Lane {
            title: title.to_owned(),
            stretches: stretches(entries),
            is_final: false,
        };
        let mut lanes: Vec<_> =
            self.layers().map(|(place, title)| lane(&title, self.roster.layer_schedule(place, self.window))).collect();
        let overrides = self.roster.override_schedule(self.window);
        if !overrides.is_empty() {
            lanes.push(lane("overrides", overrides));
        }
        // One layer alone is the final schedule already.
        let title = if lanes.len() == 1 { lanes.remove(0).title } else { "final".to_owned() };
        lanes.push(Lane { is_final: true, ..lane(&title, self.roster.final_schedule(self.window)) });
        let letters = letters(names.iter().map(String::as_str));
        let drawing = Calendar { zone: self.zone, window: self.window, lanes, letters, paints: self.paints };
        println!("{}", drawing.draw(table::room()));
        for (place, (user, name)) in people.iter().zip(&names).enumerate() {
            let letter = drawing.colour_of(place).paint(&drawing.letters[place].to_string(), self.paints);
            println!("  {letter}  {name} ({user})");
        }
        if !self.roster.coverage(self.window).is_whole() {
            println!("  {}  nobody;  {}  nobody for a part", self.red("·"), self.red("╌"));
        }
        println!();
    }

    /// Layers that live in the window: place and title.
    fn layers(&self) -> impl Iterator<Item = (usize, String)> {
        let lives = |start: Timestamp, end: Option<Timestamp>| {
            let life = Window { start, end: end.unwrap_or(Timestamp::MAX) };
            !life.intersection(self.window).is_empty()
        };
        self.roster.layers().enumerate().filter(move |(_, layer)| lives(layer.start, layer.end)).map(
            |(place, layer)| {
                let name = layer.name.as_str();
                (place, if name.is_empty() { format!("layer {}", place + 1) } else { name.to_owned() })
            },
        )
    }

    /// Everybody whom the window can name: in turn of the layers, then those of overrides.
    fn people(&self) -> Vec<&UserId> {
        let layers: Vec<_> = self.layers().map(|(place, _)| place).collect();
        let of_layers = self.roster.layers().enumerate().filter(|(place, _)| layers.contains(place));
        let of_layers = of_layers.flat_map(|(_, layer)| &layer.users);
        let of_overrides = self.roster.override_schedule(self.window);
        let mut people: Vec<&UserId> = Vec::new();
        for user in of_layers.chain(of_overrides.iter().map(|entry| entry.user)) {
            if !people.contains(&user) {
                people.push(user);
            }
        }
        people
    }

    fn list(&self) -> Result<()> {
        let mut table = Table::new(&["FROM", "LENGTH", "ON CALL", "BY"]).colouring(&[2]);
        let mut from = self.window.start;
        let row = |start: Timestamp, end: Timestamp, who: String, by: String| {
            vec![wall::moment(self.zone, start, self.now), wall::length(end.since(start)), who, by]
        };
        for shift in self.roster.shifts(self.window) {
            if from < shift.start {
                table.add(row(from, shift.start, "nobody".to_owned(), String::new()));
            }
            let by = match shift.source {
                Source::Override(_) => "override".to_owned(),
                Source::Layer(place) => {
                    self.layers().find(|(it, _)| *it == place).map(|(_, title)| title).unwrap_or_default()
                }
            };
            table.add(row(shift.start, shift.end, self.name(shift.user), by));
            from = shift.end;
        }
        if from < self.window.end {
            table.add(row(from, self.window.end, "nobody".to_owned(), String::new()));
        }
        table.print()?;
        println!();
        Ok(())
    }

    fn facts(&self) -> Result<()> {
        let mut facts = Table::new(&[]);
        let mut fact = |name: &str, value: String| facts.add(vec![name.to_owned(), value]);
        let ahead = Window { start: self.now, end: self.now + REACH };
        let moment = |at: Timestamp| {
            format!("{} (in {})", wall::moment(self.zone, at, self.now), wall::length(at.since(self.now)))
        };
        let handoff = self.roster.next_handoff(ahead);
        let name = |user: Option<&UserId>| user.map_or("nobody".to_owned(), |user| self.name(user));
        let now = name(self.roster.on_call(self.now));
        fact(
            "on call now",
            match handoff {
                Some(handoff) => format!("{now}, until {}, then {}", moment(handoff.at), name(handoff.to)),
                None => now,
            },
        );
        if let Some(next) = self.roster.next_on_call(ahead)
            && handoff.is_none_or(|handoff| handoff.at != next.start)
        {
            fact("next person", format!("{}, from {}", self.name(next.user), moment(next.start)));
        }
        let layers: Vec<_> = self.layers().collect();
        for (place, title) in layers.iter().filter(|_| layers.len() > 1) {
            fact("coverage", format!("{} % by {title}", self.roster.layer_coverage(*place, self.window).percent()));
        }
        facts.print()?;
        println!("{}", self.coverage());
        Ok(())
    }

    /// The last line, in red if somebody must be found.
    fn coverage(&self) -> String {
        let coverage = self.roster.coverage(self.window);
        let gaps = self.roster.gaps(self.window);
        let percent = coverage.percent();
        let all = if self.layers().count() > 1 { " in all" } else { "" };
        let Some(longest) = gaps.iter().map(|gap| gap.length()).max() else {
            return format!("coverage     {percent} %{all}, somebody at every instant shown");
        };
        let missing = wall::length(Span(coverage.window.0 - coverage.covered.0));
        let longest = wall::length(longest);
        let text = match gaps.len() {
            1 => format!("coverage     {percent} %{all}, nobody for {missing} in one gap"),
            gaps => {
                format!("coverage     {percent} %{all}, nobody for {missing} in {gaps} gaps, the longest of {longest}")
            }
        };
        self.red(&text)
    }

    fn red(&self, text: &str) -> String {
        Colour::Red.paint(text, self.paints)
    }

    fn name(&self, user: &UserId) -> String {
        user_name(self.snapshot, user.as_str())
    }
}
