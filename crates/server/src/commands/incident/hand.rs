//! Verbs that pass an incident from hand to hand: snooze, reassign, escalate, note.

use std::process::ExitCode;

use anyhow::Result;
use campanile_model::command::SNOOZE_SECONDS;
use campanile_model::{Heir, PolicyId, Span, UserId, Verb};
use clap::Args as ClapArgs;

use super::change::{Who, each};

#[derive(ClapArgs)]
pub(super) struct Snooze {
    /// Number or id
    incident: String,
    /// How long: 45s, 30m, 8h or 2d, at most a week
    #[arg(value_parser = span_word)]
    duration: Span,
    #[command(flatten)]
    who: Who,
}

#[derive(ClapArgs)]
pub(super) struct Reassign {
    /// Number or id
    incident: String,
    /// Ids of users who have it from now on; it escalates no further
    #[arg(long = "to", value_name = "USER", required_unless_present = "policy", conflicts_with = "policy")]
    users: Vec<String>,
    /// Id of an escalation policy that has it from now on, from its first level
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    #[command(flatten)]
    who: Who,
}

#[derive(ClapArgs)]
pub(super) struct Escalate {
    /// Number or id
    incident: String,
    /// The level, from 1 [default: the next one]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(1..))]
    level: Option<u32>,
    #[command(flatten)]
    who: Who,
}

#[derive(ClapArgs)]
pub(super) struct Note {
    /// Number or id
    incident: String,
    /// The note
    text: String,
    #[command(flatten)]
    who: Who,
}

pub(super) fn snooze(args: Snooze) -> Result<ExitCode> {
    each(&args.who, &[args.incident], &Verb::Snooze(args.duration))
}

pub(super) fn reassign(args: Reassign) -> Result<ExitCode> {
    let heir = match args.policy {
        Some(policy) => Heir::Policy(PolicyId::new(policy)),
        None => Heir::Users(args.users.iter().map(UserId::new).collect()),
    };
    each(&args.who, &[args.incident], &Verb::Reassign(heir))
}

pub(super) fn escalate(args: Escalate) -> Result<ExitCode> {
    each(&args.who, &[args.incident], &Verb::RequestEscalation(args.level))
}

pub(super) fn note(args: Note) -> Result<ExitCode> {
    each(&args.who, &[args.incident], &Verb::Note(args.text))
}

/// A length of time as people write it; bare numbers would leave the unit to be guessed.
fn span_word(word: &str) -> Result<Span, String> {
    const UNITS: [(char, i64); 4] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let seconds = UNITS.into_iter().find_map(|(unit, length)| {
        let number = word.strip_suffix(unit)?.parse::<i64>().ok()?;
        number.checked_mul(length)
    });
    let (least, most) = SNOOZE_SECONDS;
    let seconds = seconds.filter(|seconds| (least..=most).contains(seconds));
    seconds.map(Span::seconds).ok_or_else(|| "write a length such as 45s, 30m, 8h or 2d, at most a week".to_owned())
}
