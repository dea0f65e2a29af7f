//! `campanile who`: whom an incident would page, level by level, if nobody answered.
//!
//! Who is on call is looked up at the moment of each step, as it will be then: a hand-off between two levels counts.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use campanile_directory::policy::{Rule, Strategy, Target};
use campanile_directory::{Policy, Service, Snapshot};
use campanile_model::{Severity, Span, Timestamp, Urgency, UserId};
use campanile_oncall::Window;
use clap::Args as ClapArgs;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::moment;
use super::oncall::{REACH, reference};
use super::organisation::{self, Organisation, user_name};
use crate::print::colour::{self, Colour};
use crate::print::{time, wall};

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile who --service api-gateway
  campanile who --service api-gateway --at 2026-12-25T03:00
  campanile who --service PAPIGW1 --directory examples/seed-organisation")]
pub(super) struct Args {
    /// Id or name of the service
    #[arg(long, value_name = "SERVICE")]
    service: String,
    /// An incident that opens at this time instead of now, such as 2026-12-25T03:00
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Read and show times in this zone [default: that of the policy's first schedule]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    organisation: Organisation,
}

/// One level when its turn comes.
struct Step<'s> {
    /// From 1.
    level: usize,
    /// From the incident's opening.
    after: Span,
    people: Vec<Person<'s>>,
    /// Targets that have nobody then.
    empty: Vec<&'s str>,
    rule: &'s Rule,
}

struct Person<'s> {
    user: &'s UserId,
    /// The schedule that names them, and until when; none for a user who is a target.
    by: Option<(&'s str, Option<Timestamp>)>,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let snapshot = args.organisation.snapshot()?;
    let service = organisation::service(&snapshot, &args.service)?;
    let policy = snapshot.policy(service.policy.as_str());
    let policy = policy.ok_or_else(|| anyhow!("{} has no escalation policy {}", service.name, service.policy))?;
    let zone = match &args.time_zone {
        Some(name) => moment::zone(name)?,
        None => first_zone(&snapshot, policy).unwrap_or(TimeZone::UTC),
    };
    let at = moment::instant(args.at.as_deref().unwrap_or("now"), &zone)?;
    let (steps, length) = ladder(&snapshot, policy, at, Span::ZERO);
    if args.json {
        println!("{}", to_json(&snapshot, service, policy, &steps, &zone, at));
        return Ok(ExitCode::SUCCESS);
    }
    let told = Told { snapshot: &snapshot, zone: &zone, at, paints: colour::is_on(&std::io::stdout()) };
    told.head(service, policy);
    told.steps(&steps);
    told.end(policy, &steps, length);
    Ok(ExitCode::SUCCESS)
}

fn first_zone(snapshot: &Snapshot, policy: &Policy) -> Option<TimeZone> {
    let mut targets = policy.rules.iter().flat_map(|rule| &rule.targets);
    targets.find_map(|target| match target {
        Target::Schedule(id) => snapshot.schedule(id.as_str()).map(|schedule| schedule.zone.clone()),
        Target::User(_) => None,
    })
}

/// One pass over the rules, `begun` after the incident opened, and how long it takes. A level with nobody takes no time.
fn ladder<'s>(snapshot: &'s Snapshot, policy: &'s Policy, at: Timestamp, begun: Span) -> (Vec<Step<'s>>, Span) {
    let mut after = begun;
    let mut steps = Vec::new();
    for (place, rule) in policy.rules.iter().enumerate() {
        let mut step = Step { level: place + 1, after, people: Vec::new(), empty: Vec::new(), rule };
        for target in &rule.targets {
            step.add(snapshot, target, at + after);
        }
        if !step.people.is_empty() {
            after = Span(after.0 + rule.delay.0);
        }
        steps.push(step);
    }
    (steps, Span(after.0 - begun.0))
}

impl<'s> Step<'s> {
    fn add(&mut self, snapshot: &'s Snapshot, target: &'s Target, at: Timestamp) {
        let person = match target {
            Target::User(user) => Person { user, by: None },
            Target::Schedule(id) => {
                let name = snapshot.schedule(id.as_str()).map_or(id.as_str(), |it| it.name.as_str());
                let Some(roster) = snapshot.roster(id.as_str()) else { return };
                let Some(user) = roster.on_call(at) else {
                    self.empty.push(name);
                    return;
                };
                let until = roster.next_handoff(Window { start: at, end: at + REACH }).map(|it| it.at);
                Person { user, by: Some((name, until)) }
            }
        };
        // Twice in one level is paged once.
        if !self.people.iter().any(|it| it.user == person.user) {
            self.people.push(person);
        }
    }
}

/// How it is told to people.
struct Told<'a> {
    snapshot: &'a Snapshot,
    zone: &'a TimeZone,
    at: Timestamp,
    paints: bool,
}

impl Told<'_> {
    fn head(&self, service: &Service, policy: &Policy) {
        let bold = |text: &str| Colour::Bold.paint(text, self.paints);
        println!("{} ({}), by {} ({})", bold(&service.name), service.id, bold(&policy.name), policy.id);
        println!("an incident that opens {} and that nobody answers", self.moment(self.at));
        let yellow = |text: &str| println!("{}", Colour::Yellow.paint(text, self.paints));
        if service.disabled {
            yellow("the service is disabled: alerts are kept and open no incident");
        } else if let Some(window) = service.maintenance_at(self.at) {
            let until = self.moment(window.end);
            yellow(&format!("in maintenance until {until}: alerts are kept and open no incident"));
        }
        let urgency = |severity| service.urgency(severity, self.at);
        match (urgency(Severity::Critical), urgency(Severity::Info)) {
            (Urgency::Low, _) => {
                yellow("low urgency at this time: only the first of these are told, and nothing escalates")
            }
            (Urgency::High, Urgency::Low) => {
                println!("of severity critical or error; warning and info are of low urgency and do not escalate");
            }
            (Urgency::High, Urgency::High) => {}
        }
        println!();
    }

    fn steps(&self, steps: &[Step<'_>]) {
        let width = steps.iter().flat_map(|step| &step.people).map(|it| self.name(it).chars().count()).max();
        let width = width.unwrap_or(0).max("nobody".len());
        for step in steps {
            let level = format!("level {}", step.level);
            if step.people.is_empty() {
                let text = format!("  {:<10} {level:<9} {:<width$}  {}", "skipped", "nobody", self.why_nobody(step));
                println!("{}", Colour::Red.paint(&text, self.paints));
                continue;
            }
            for (place, person) in step.people.iter().enumerate() {
                let (when, level) = if place == 0 { (delay(step.after), level.as_str()) } else { (String::new(), "") };
                let name = format!("{:<width$}", self.name(person));
                println!("  {when:<10} {level:<9} {}  {}", Colour::Bold.paint(&name, self.paints), self.by(person));
            }
            if step.rule.strategy == Strategy::RoundRobin && step.people.len() > 1 {
                println!("  {:<10} {:<9} one of these, in turn", "", "");
            }
            for name in &step.empty {
                let text = format!("  {:<10} {:<9} {:<width$}  {name} has nobody then", "", "", "nobody");
                println!("{}", Colour::Red.paint(&text, self.paints));
            }
        }
    }

    fn end(&self, policy: &Policy, first: &[Step<'_>], length: Span) {
        println!();
        if first.iter().all(|step| step.people.is_empty()) {
            println!("{}", Colour::Red.paint("nobody would be paged at all", self.paints));
            return;
        }
        let mut begun = length;
        let mut others = Vec::new();
        for pass in 1..=policy.loops {
            let (steps, length) = ladder(self.snapshot, policy, self.at, begun);
            if !same_people(&steps, first) {
                others.push((pass, begun));
            }
            begun = Span(begun.0 + length.0);
        }
        let first_repeat = wall::length(length);
        match policy.loops {
            0 => println!("once, without a repeat"),
            1 => println!("then once more from the first level, after {first_repeat}"),
            2 => println!("then twice more from the first level, the first time after {first_repeat}"),
            loops => println!("then {loops} times more from the first level, the first time after {first_repeat}"),
        }
        if let Some((pass, begun)) = others.first() {
            let start = self.at + *begun;
            let (from, see) = (self.moment(start), wall::rfc3339(self.zone, start));
            println!("repeat {pass}, from {from}, meets other people: see --at {see}");
        }
        println!("it ends after {} and stays with the last level", wall::length(begun));
    }

    fn name(&self, person: &Person<'_>) -> String {
        user_name(self.snapshot, person.user.as_str())
    }

    fn by(&self, person: &Person<'_>) -> String {
        match person.by {
            None => "always".to_owned(),
            Some((schedule, None)) => schedule.to_owned(),
            Some((schedule, Some(until))) => format!("{schedule}, until {}", self.moment(until)),
        }
    }

    fn why_nobody(&self, step: &Step<'_>) -> String {
        let back = step.rule.targets.iter().filter_map(|target| match target {
            Target::Schedule(id) => {
                let start = self.at + step.after;
                let roster = self.snapshot.roster(id.as_str())?;
                roster.next_handoff(Window { start, end: start + REACH }).map(|it| it.at)
            }
            Target::User(_) => None,
        });
        let names = step.empty.join(" and ");
        match back.min() {
            Some(back) => format!("{names}, nobody until {}", self.moment(back)),
            None => format!("{names}, nobody for more than a year"),
        }
    }

    fn moment(&self, at: Timestamp) -> String {
        wall::moment(self.zone, at, time::now())
    }
}

fn same_people(some: &[Step<'_>], others: &[Step<'_>]) -> bool {
    let users = |steps: &[Step<'_>]| -> Vec<Vec<String>> {
        steps.iter().map(|step| step.people.iter().map(|it| it.user.to_string()).collect()).collect()
    };
    users(some) == users(others)
}

/// `at once`, `+5m`, `+1h 30m`.
fn delay(after: Span) -> String {
    if after == Span::ZERO { "at once".to_owned() } else { format!("+{}", wall::length(after)) }
}

fn to_json(
    snapshot: &Snapshot,
    service: &Service,
    policy: &Policy,
    steps: &[Step<'_>],
    zone: &TimeZone,
    at: Timestamp,
) -> Value {
    let person = |it: &Person<'_>| {
        json!({
            "user": reference("user", it.user.as_str(), &user_name(snapshot, it.user.as_str())),
            "schedule": it.by.map(|(name, _)| name),
            "until": it.by.and_then(|(_, until)| until).map(|until| wall::rfc3339(zone, until)),
        })
    };
    let steps = steps.iter().map(|step| {
        json!({
            "escalation_level": step.level,
            "after_seconds": step.after.whole_seconds(),
            "delay_seconds": step.rule.delay.whole_seconds(),
            "on_call": step.people.iter().map(person).collect::<Value>(),
        })
    });
    json!({
        "at": wall::rfc3339(zone, at),
        "service": reference("service", service.id.as_str(), &service.name),
        "escalation_policy": reference("escalation_policy", policy.id.as_str(), &policy.name),
        "num_loops": policy.loops,
        "levels": steps.collect::<Value>(),
    })
}
