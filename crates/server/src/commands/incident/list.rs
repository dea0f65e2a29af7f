//! `campanile incident list`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};
use campanile_directory::Kind;
use campanile_model::Timestamp;
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::Value;

use crate::client::Client;
use crate::commands::at::At;
use crate::config::did_you_mean;
use crate::print::{Table, time};

#[derive(ClapArgs)]
pub(super) struct Args {
    /// Resolved ones too
    #[arg(long, conflicts_with = "status")]
    all: bool,
    /// Only those in this state; may be given several times
    #[arg(long, value_enum)]
    status: Vec<Status>,
    /// Only those of this service, by id or name
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    Triggered,
    Acknowledged,
    Resolved,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

impl Args {
    fn takes(&self, incident: &Value) -> bool {
        let status = incident["status"].as_str().unwrap_or_default();
        let of_status = match self.status.as_slice() {
            [] => self.all || status != Status::Resolved.as_str(),
            chosen => chosen.iter().any(|it| it.as_str() == status),
        };
        of_status && self.is_of_service(incident)
    }

    fn is_of_service(&self, incident: &Value) -> bool {
        let service = &incident["service"];
        self.service.as_deref().is_none_or(|name| service["id"] == name || service["name"] == name)
    }
}

/// Refuses a service that the server does not have, so that a misspelt name is no good news.
fn check_service(client: &mut Client, name: &str) -> Result<()> {
    let mut services = client.objects()?;
    services.retain(|object| object.kind == Kind::Service.folder());
    let words = services.iter().flat_map(|it| [Some(it.id.as_str()), it.body["name"].as_str()]).flatten();
    let words: Vec<_> = words.collect();
    if words.contains(&name) {
        return Ok(());
    }
    let offer = did_you_mean(name, words);
    bail!("there is no service \"{name}\"{offer}; see `campanile directory show services`")
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let mut incidents = Vec::new();
    let mut client = args.at.connect()?;
    let mut is_known = false;
    client.rows("incident", |incident| {
        is_known |= args.is_of_service(&incident);
        if args.takes(&incident) {
            incidents.push(incident);
        }
        Ok(())
    })?;
    // A service that was taken away may still have incidents: those speak for its name.
    if let Some(name) = args.service.as_deref().filter(|_| !is_known) {
        check_service(&mut client, name)?;
    }
    incidents.sort_by_key(|incident| incident["created_at"].as_i64());
    if args.json {
        let mut out = io::stdout().lock();
        for incident in &incidents {
            writeln!(out, "{incident}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if incidents.is_empty() {
        println!("{}", if args.all { "no incidents" } else { "no open incidents; --all shows resolved ones" });
        return Ok(ExitCode::SUCCESS);
    }
    let now = time::now();
    let mut table =
        Table::new(&["NUMBER", "STATUS", "PRIO", "URGENCY", "ALERTS", "CREATED", "AGE", "SERVICE", "TITLE"])
            .colouring(&[1, 2]);
    for incident in &incidents {
        let created = Timestamp(incident["created_at"].as_i64().unwrap_or_default());
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        table.add(vec![
            incident["number"].to_string(),
            text(&incident["status"]),
            text(&incident["priority"]["name"]),
            text(&incident["urgency"]),
            format!("{}/{}", incident["open"], incident["alerts"]),
            time::absolute(created),
            time::ago(created, now),
            text(&incident["service"]["name"]),
            text(&incident["title"]),
        ]);
    }
    table.print()?;
    Ok(ExitCode::SUCCESS)
}
