//! `campanile incident list`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use campanile_model::Timestamp;
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::Value;

use crate::commands::at::At;
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
        let of_service = self.service.as_deref().is_none_or(|name| {
            incident["service"]["id"].as_str() == Some(name) || incident["service"]["name"].as_str() == Some(name)
        });
        of_status && of_service
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let mut incidents = Vec::new();
    args.at.connect()?.rows("incident", |incident| {
        if args.takes(&incident) {
            incidents.push(incident);
        }
        Ok(())
    })?;
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
