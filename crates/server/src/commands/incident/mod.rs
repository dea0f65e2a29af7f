//! `campanile incident`: what a responder does from a terminal.

mod change;
mod hand;
mod list;
mod show;

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use campanile_model::{IncidentId, LedgerId, ShardId, id::SHARDS_MAX};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use crate::client::Client;

#[derive(ClapArgs)]
#[command(after_help = "\
An incident is named by its number or its id, as `list` and `show` print them.

Examples:
  campanile incident list
  campanile incident list --all --json
  campanile incident show 1001
  campanile incident ack 1001 2003
  campanile incident resolve 1001
  campanile incident priority 1001 P1
  campanile incident title 1001 'Checkout is down'
  campanile incident snooze 1001 8h
  campanile incident reassign 1001 --to PUSER01
  campanile incident escalate 1001
  campanile incident note 1001 'Rolled back to 4.2'")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List open incidents, the newest last
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Show one incident, its alerts and its history
    #[command(visible_alias = "get")]
    Show(show::Args),
    /// Acknowledge: somebody works on it
    #[command(visible_alias = "acknowledge")]
    Ack(change::Many),
    /// Resolve, with all its alerts
    Resolve(change::Many),
    /// Set the priority, such as P1; `none` takes it away
    Priority(change::Priority),
    /// Set the urgency: high or low
    Urgency(change::Urgency),
    /// Set the title
    Title(change::Title),
    /// Quiet for a while, such as 30m or 8h; then it is triggered again, from the first level
    Snooze(hand::Snooze),
    /// Give it to other people, or to another escalation policy
    Reassign(hand::Reassign),
    /// Go on to the next level of its policy, or to the one that is named
    Escalate(hand::Escalate),
    /// Add a note to its history
    Note(hand::Note),
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::List(args) => list::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Ack(args) => change::acknowledge(args),
        Verb::Resolve(args) => change::resolve(args),
        Verb::Priority(args) => change::priority(args),
        Verb::Urgency(args) => change::urgency(args),
        Verb::Title(args) => change::title(args),
        Verb::Snooze(args) => hand::snooze(args),
        Verb::Reassign(args) => hand::reassign(args),
        Verb::Escalate(args) => hand::escalate(args),
        Verb::Note(args) => hand::note(args),
    }
}

/// The incident that a person named by number or id.
///
/// # Errors
/// It is neither.
fn find(client: &mut Client, name: &str) -> Result<IncidentId> {
    let name = name.trim_start_matches('#');
    let Ok(number) = name.parse::<u64>() else {
        return name.parse().map_err(|_| {
            anyhow!("\"{name}\" is no incident; give its number or its id, see `campanile incident list`")
        });
    };
    let card = client.ask_once(&json!({ "op": "card" }))?;
    let ledger = card["ledger"].as_str().and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let ledger = ledger.ok_or_else(|| anyhow!("the server did not tell its ledger"))?;
    let shard = (number % u64::from(SHARDS_MAX)) as u16;
    if u64::from(shard) >= card["shards"].as_u64().unwrap_or(0) {
        bail!(
            "there is no incident {number} here: the last three digits name a shard, and this ledger has {}",
            card["shards"]
        );
    }
    Ok(IncidentId::derive(LedgerId(ledger), ShardId(shard), number / u64::from(SHARDS_MAX)))
}
