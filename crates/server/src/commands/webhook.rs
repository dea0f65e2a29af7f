//! `campanile webhook`: how subscriptions do, and what an operator does about them.

use std::process::ExitCode;

use anyhow::Result;
use campanile_model::Timestamp;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::at::At;
use crate::print::{Table, time};

#[derive(ClapArgs)]
#[command(after_help = "\
Subscriptions are part of the directory, in webhook_subscriptions/ID.json; `campanile directory apply` brings them in.

Examples:
  campanile webhook list
  campanile webhook ping PWHOOK1
  campanile webhook enable PWHOOK1")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show each subscription: what waits, whether it is parked, what its receiver said last
    #[command(visible_alias = "ls")]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: At,
    },
    /// Send a receiver `pagey.ping` and print its answer
    Ping {
        /// Id of the subscription
        id: String,
        #[command(flatten)]
        at: At,
    },
    /// Let a parked subscription go on now; its queue drains
    Enable {
        /// Id of the subscription
        id: String,
        #[command(flatten)]
        at: At,
    },
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::List { json, at } => list(&at, json),
        Verb::Ping { id, at } => ping(&at, &id),
        Verb::Enable { id, at } => {
            at.connect()?.ask_once(&json!({ "op": "webhook_enable", "id": id }))?;
            println!("{id} goes on; what waits is tried now, see `campanile webhook list`");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(at: &At, as_json: bool) -> Result<ExitCode> {
    let mut lines = Vec::new();
    at.connect()?.ask(&json!({ "op": "webhooks" }), |line| {
        lines.push(line);
        Ok(())
    })?;
    if as_json {
        lines.iter().for_each(|line| println!("{line}"));
        return Ok(ExitCode::SUCCESS);
    }
    if lines.is_empty() {
        println!("there is no webhook subscription; write webhook_subscriptions/ID.json and apply the directory");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["ID", "STANDING", "WAITING", "UNREAD", "OLDEST", "LAST FAILURE", "URL"]);
    for line in &lines {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let oldest = line["oldest"].as_i64().map_or_else(String::new, |at| Timestamp(at).rfc3339_seconds().to_string());
        let [waiting, unread] = ["waiting", "unread"].map(|key| line[key].to_string());
        table.add(vec![text("id"), standing(line), waiting, unread, oldest, text("last_failure"), text("url")]);
    }
    table.print()?;
    Ok(ExitCode::SUCCESS)
}

fn standing(line: &Value) -> String {
    if line["active"] == false {
        return "inactive".to_owned();
    }
    if let Some(until) = line["parked_until"].as_i64() {
        return format!("parked until {}", time::clock(Timestamp(until)));
    }
    if line["probe_at"].is_null() { "delivering".to_owned() } else { "failing, probed".to_owned() }
}

fn ping(at: &At, id: &str) -> Result<ExitCode> {
    let answer = at.connect()?.ask_once(&json!({ "op": "webhook_ping", "id": id }))?;
    let (detail, took) =
        (answer["detail"].as_str().unwrap_or_default(), answer["took_ms"].as_f64().unwrap_or_default());
    if answer["delivered"] == true {
        println!("{id} took the ping: {detail}, {took:.0} ms");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{id} did not take the ping: {detail}, {took:.0} ms");
    Ok(ExitCode::FAILURE)
}
