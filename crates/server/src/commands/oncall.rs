//! `campanile oncall`: who is on call, level by level of every policy.

use std::process::ExitCode;

use anyhow::Result;
use campanile_directory::policy::Target;
use campanile_directory::{Policy, Schedule, Snapshot};
use campanile_model::{Span, Timestamp, UserId};
use campanile_oncall::{Roster, Window};
use clap::Args as ClapArgs;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::moment;
use super::organisation::{Organisation, user_name};
use crate::print::{Table, time, wall};

/// How far the end and the beginning of a shift are looked for. One that reaches farther is shown without.
pub(super) const REACH: Span = Span::hours(400 * 24);

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile oncall
  campanile oncall --at 2026-12-25T12:00 --time-zone Europe/Berlin
  campanile oncall --directory examples/seed-organisation --json")]
pub(super) struct Args {
    /// At this time instead of now, such as 2026-12-25T12:00
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Read and show times in this zone [default: UTC to read, each schedule's own to show]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// PagerDuty's answer to GET /oncalls, as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    organisation: Organisation,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let zone = args.time_zone.as_deref().map(moment::zone).transpose()?;
    let at = moment::instant(args.at.as_deref().unwrap_or("now"), zone.as_ref().unwrap_or(&TimeZone::UTC))?;
    let snapshot = args.organisation.snapshot()?;
    let rows = rows(&snapshot);
    if args.json {
        let shown = zone.unwrap_or(TimeZone::UTC);
        let rows: Vec<_> = rows.iter().filter_map(|row| row.json(&snapshot, &shown, at)).collect();
        println!("{}", json!({ "oncalls": rows }));
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        println!("there is no escalation policy and no schedule yet; `campanile directory apply DIR` brings them in");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n", wall::moment(zone.as_ref().unwrap_or(&TimeZone::UTC), at, time::now()));
    let mut table = Table::new(&["POLICY", "LEVEL", "ON CALL", "BY", "UNTIL", "THEN"]).colouring(&[2, 5]);
    let mut last = None;
    for row in &rows {
        let policy = if last == Some(row.policy_name()) { "" } else { row.policy_name() };
        last = Some(row.policy_name());
        table.add(row.cells(policy, &snapshot, zone.as_ref(), at));
    }
    table.print()?;
    Ok(ExitCode::SUCCESS)
}

/// One target of one level; a schedule that no policy names has neither.
struct Row<'s> {
    level: Option<(&'s Policy, usize)>,
    by: By<'s>,
}

enum By<'s> {
    Schedule(&'s Schedule, &'s Roster),
    User(&'s UserId),
}

/// Every target of every policy in its order, then the schedules that no policy names.
fn rows(snapshot: &Snapshot) -> Vec<Row<'_>> {
    let schedule = |id: &str| Some(By::Schedule(snapshot.schedule(id)?, snapshot.roster(id)?));
    let mut rows = Vec::new();
    for policy in snapshot.policies() {
        for (level, rule) in policy.rules.iter().enumerate() {
            let of_level = rule.targets.iter().filter_map(|target| {
                let by = match target {
                    Target::User(user) => Some(By::User(user)),
                    Target::Schedule(id) => schedule(id.as_str()),
                };
                by.map(|by| Row { level: Some((policy, level + 1)), by })
            });
            rows.extend(of_level);
        }
    }
    let named = |id: &str| {
        let mut targets = snapshot.policies().flat_map(|policy| &policy.rules).flat_map(|rule| &rule.targets);
        targets.any(|target| matches!(target, Target::Schedule(it) if it.as_str() == id))
    };
    let left = snapshot.schedules().filter(|it| !named(it.id.as_str()));
    rows.extend(left.filter_map(|it| Some(Row { level: None, by: schedule(it.id.as_str())? })));
    rows
}

impl<'s> Row<'s> {
    fn policy_name(&self) -> &'s str {
        self.level.map_or("(no policy)", |(policy, _)| policy.name.as_str())
    }

    fn on_call(&self, at: Timestamp) -> Option<&'s UserId> {
        match self.by {
            By::User(user) => Some(user),
            By::Schedule(_, roster) => roster.on_call(at),
        }
    }

    fn cells(&self, policy: &str, snapshot: &Snapshot, zone: Option<&TimeZone>, at: Timestamp) -> Vec<String> {
        let name = |user: Option<&UserId>| user.map_or("nobody".to_owned(), |it| user_name(snapshot, it.as_str()));
        let (by, until, then) = match self.by {
            By::User(_) => ("always".to_owned(), "-".to_owned(), "-".to_owned()),
            By::Schedule(schedule, roster) => {
                let handoff = roster.next_handoff(Window { start: at, end: at + REACH });
                let zone = zone.unwrap_or(&schedule.zone);
                let until = handoff
                    .map(|it| format!("{} (in {})", wall::moment(zone, it.at, at), wall::length(it.at.since(at))));
                let then = handoff.map(|it| name(it.to));
                (schedule.name.to_string(), until.unwrap_or("-".to_owned()), then.unwrap_or("-".to_owned()))
            }
        };
        let level = self.level.map_or("-".to_owned(), |(_, level)| level.to_string());
        vec![policy.to_owned(), level, name(self.on_call(at)), by, until, then]
    }

    /// PagerDuty's row; none for a level where nobody is on call, and none without a policy.
    fn json(&self, snapshot: &Snapshot, zone: &TimeZone, at: Timestamp) -> Option<Value> {
        let (policy, level) = self.level?;
        let user = self.on_call(at)?;
        let (schedule, start, end) = match self.by {
            By::User(_) => (Value::Null, None, None),
            By::Schedule(schedule, roster) => {
                let reference = reference("schedule", schedule.id.as_str(), &schedule.name);
                let end = roster.next_handoff(Window { start: at, end: at + REACH }).map(|it| it.at);
                (reference, beginning(roster, at), end)
            }
        };
        let text = |at: Option<Timestamp>| at.map(|at| wall::rfc3339(zone, at));
        Some(json!({
            "user": reference("user", user.as_str(), &user_name(snapshot, user.as_str())),
            "schedule": schedule,
            "escalation_policy": reference("escalation_policy", policy.id.as_str(), &policy.name),
            "escalation_level": level,
            "start": text(start),
            "end": text(end),
        }))
    }
}

/// When the shift that has this instant began; `None` if that is too long ago to be looked for.
fn beginning(roster: &Roster, at: Timestamp) -> Option<Timestamp> {
    let window = Window { start: at - REACH, end: at + Span(1) };
    let entries = roster.final_schedule(window);
    entries.last().map(|entry| entry.start).filter(|start| *start > window.start)
}

pub(super) fn reference(kind: &str, id: &str, name: &str) -> Value {
    json!({ "id": id, "type": format!("{kind}_reference"), "summary": name })
}
