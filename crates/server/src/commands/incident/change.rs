//! Verbs that change an incident: a command each, and its one answer.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use campanile_model::{Actor, Command, CommandId, IncidentId, Verb};
use campanile_record::command::encode;
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::find;
use crate::client::Client;
use crate::commands::at::At;
use crate::commands::send::new_key;

#[derive(ClapArgs)]
pub(super) struct Who {
    /// Whose name the change carries: a user's id [default: the login name]
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(ClapArgs)]
pub(super) struct Many {
    /// Numbers or ids
    #[arg(required = true)]
    incidents: Vec<String>,
    #[command(flatten)]
    who: Who,
}

#[derive(ClapArgs)]
pub(super) struct Priority {
    /// Number or id
    incident: String,
    /// Name or id of a priority, or none
    priority: String,
    #[command(flatten)]
    who: Who,
}

#[derive(ClapArgs)]
pub(super) struct Urgency {
    /// Number or id
    incident: String,
    /// high or low
    #[arg(value_parser = urgency_word)]
    urgency: campanile_model::Urgency,
    #[command(flatten)]
    who: Who,
}

#[derive(ClapArgs)]
pub(super) struct Title {
    /// Number or id
    incident: String,
    /// The new title
    title: String,
    #[command(flatten)]
    who: Who,
}

fn urgency_word(word: &str) -> Result<campanile_model::Urgency, String> {
    campanile_model::Urgency::parse(word).ok_or_else(|| "allowed are high and low".to_owned())
}

pub(super) fn acknowledge(args: Many) -> Result<ExitCode> {
    each(&args.who, &args.incidents, &Verb::Acknowledge)
}

pub(super) fn resolve(args: Many) -> Result<ExitCode> {
    each(&args.who, &args.incidents, &Verb::Resolve)
}

pub(super) fn priority(args: Priority) -> Result<ExitCode> {
    let priority = Some(args.priority).filter(|name| name != "none").map(Into::into);
    each(&args.who, &[args.incident], &Verb::SetPriority(priority))
}

pub(super) fn urgency(args: Urgency) -> Result<ExitCode> {
    each(&args.who, &[args.incident], &Verb::SetUrgency(args.urgency))
}

pub(super) fn title(args: Title) -> Result<ExitCode> {
    each(&args.who, &[args.incident], &Verb::SetTitle(args.title))
}

/// Asks for every incident; one that is refused does not keep the others from being asked.
pub(super) fn each(who: &Who, incidents: &[String], verb: &Verb) -> Result<ExitCode> {
    let mut client = who.at.connect()?;
    let mut refused = 0;
    for name in incidents {
        let outcome = find(&mut client, name).and_then(|id| ask(&mut client, who, id, verb));
        match outcome.map(|answer| told(name, &answer)) {
            Ok((true, text)) => println!("{text}"),
            Ok((false, text)) => {
                writeln!(io::stderr(), "{text}")?;
                refused += 1;
            }
            Err(error) => {
                writeln!(io::stderr(), "{name}: {error:#}")?;
                refused += 1;
            }
        }
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn ask(client: &mut Client, who: &Who, incident: IncidentId, verb: &Verb) -> Result<Value> {
    let login = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok().filter(|name| !name.is_empty());
    let user = who.user.clone().or_else(login).unwrap_or_else(|| "operator".to_owned());
    let command = Command {
        id: CommandId::new(new_key()?),
        actor: Actor { kind: "user_reference".into(), id: user.into() },
        incident,
        verb: verb.clone(),
        revision: None,
    };
    let command: Value = serde_json::from_slice(&encode(&command)).context("the command could not be written")?;
    let mut last = client.ask_once(&json!({ "op": "command", "command": command }))?;
    Ok(last["answer"].take())
}

/// Whether it was done, and how to say so.
fn told(name: &str, answer: &Value) -> (bool, String) {
    let event = answer["event_type"].as_str().unwrap_or_default();
    match event {
        "command.refused" => {
            let why = match answer["reason"].as_str().unwrap_or_default() {
                "unknown_incident" => "there is no such incident",
                "resolved" => "it is resolved, and a resolved incident does not change any more",
                "stale_revision" => "it changed meanwhile; look at it again",
                "unknown_priority" => "there is no such priority; see `campanile directory show priorities`",
                "blank_title" => "the title is blank",
                "unknown_user" => "there is no such user; see `campanile directory show users`",
                "unknown_policy" => "there is no such policy; see `campanile directory show escalation_policies`",
                "no_such_level" => "its policy has no such level",
                "low_urgency" => "low urgency does not escalate; reassign it",
                "bad_assignees" => "name 1 to 100 people",
                "bad_snooze" => "a snooze lasts 1 second to a week",
                "bad_merge" => "name 1 to 20 other incidents of the same shard",
                "too_many_alerts" => "together they have more than 1000 alerts",
                "bad_note" => "the note is blank, or longer than 25000 characters",
                "acknowledged" => "somebody has it",
                other => other,
            };
            (false, format!("{name}: refused: {why}"))
        }
        "command.unchanged" => (true, format!("{name}: it was so already (revision {})", answer["revision"])),
        "command.applied" => (true, format!("{name}: done (revision {})", answer["revision"])),
        _ => {
            let change = event.trim_start_matches("incident.").replace('_', " ");
            let title = answer["data"]["title"].as_str().unwrap_or_default();
            (true, format!("{name}: {change} (revision {}) {title}", answer["revision"]))
        }
    }
}
