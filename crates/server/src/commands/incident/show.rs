//! `campanile incident show`: the incident, its open alerts, what happened to it.

use std::process::ExitCode;

use anyhow::{Result, bail};
use campanile_model::{IncidentId, Timestamp};
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::find;
use crate::client::Client;
use crate::commands::at::At;
use crate::print::{Table, time};

#[derive(ClapArgs)]
pub(super) struct Args {
    /// Number or id
    incident: String,
    /// The whole as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let mut client = args.at.connect()?;
    let id = find(&mut client, &args.incident)?;
    let Some(incident) = row(&mut client, id)? else {
        bail!("there is no incident {} here; see `campanile incident list --all`", args.incident);
    };
    let history = history(&mut client, id)?;
    let alerts = alerts(&mut client, id)?;
    if args.json {
        println!("{}", json!({ "incident": incident, "alerts": alerts, "history": history }));
        return Ok(ExitCode::SUCCESS);
    }
    print_facts(&incident)?;
    print_alerts(&alerts)?;
    print_history(&history)?;
    Ok(ExitCode::SUCCESS)
}

/// The incident's row: the page of one that begins just before it.
fn row(client: &mut Client, id: IncidentId) -> Result<Option<Value>> {
    let mut found = None;
    let mut before = campanile_rows::keys::incident(&id);
    // The key before: an id is never 0, so taking one away borrows from no other field.
    let low = (id.0 - u64::from(id.0 > 0)).to_be_bytes();
    let start = before.len() - low.len();
    before[start..].copy_from_slice(&low);
    let after: String = before.iter().map(|byte| format!("{byte:02x}")).collect();
    let page = json!({ "op": "rows", "shard": id.shard().0, "kind": "incident", "after": after, "limit": 1 });
    client.ask(&page, |mut line| {
        found = Some(line["value"].take());
        Ok(())
    })?;
    Ok(found.filter(|row| row["id"].as_str() == Some(&id.to_string())))
}

/// The newest record of each of its alerts, by the order in which they were made.
fn alerts(client: &mut Client, id: IncidentId) -> Result<Vec<Value>> {
    let mut alerts: Vec<(String, Value)> = Vec::new();
    each_record(client, "alerts", id, |json| {
        if json["incident"]["id"].as_str() == Some(&id.to_string()) {
            let alert = json["id"].as_str().unwrap_or_default().to_owned();
            match alerts.iter_mut().find(|(known, _)| *known == alert) {
                Some((_, newest)) => *newest = json,
                None => alerts.push((alert, json)),
            }
        }
    })?;
    Ok(alerts.into_iter().map(|(_, alert)| alert).collect())
}

fn history(client: &mut Client, id: IncidentId) -> Result<Vec<Value>> {
    let mut revisions = Vec::new();
    each_record(client, "incidents", id, |json| {
        if json["data"]["id"].as_str() == Some(&id.to_string()) {
            revisions.push(json);
        }
    })?;
    Ok(revisions)
}

fn each_record(client: &mut Client, topic: &str, id: IncidentId, mut take: impl FnMut(Value)) -> Result<()> {
    let partition = id.shard().0;
    let request = json!({ "op": "read", "topic": topic, "partition": partition, "from": "start", "max": u64::MAX });
    client.ask(&request, |line| {
        // Most records are of other incidents: the text is searched before it is read as JSON.
        let value = line["value"].as_str().unwrap_or_default();
        if value.contains(&id.to_string()) {
            take(serde_json::from_str(value).unwrap_or_default());
        }
        Ok(())
    })?;
    Ok(())
}

fn print_facts(incident: &Value) -> Result<()> {
    let now = time::now();
    let at = |value: &Value| match value.as_i64() {
        Some(at) => format!("{} ({})", time::absolute(Timestamp(at)), time::ago(Timestamp(at), now)),
        None => "-".to_owned(),
    };
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut table = Table::new(&[]).colouring(&[1]);
    let mut fact = |name: &str, value: String| table.add(vec![name.to_owned(), value]);
    fact("incident", format!("{} ({})", incident["number"], text(&incident["id"])));
    fact("title", text(&incident["title"]));
    fact("status", text(&incident["status"]));
    fact("priority", text(&incident["priority"]["name"]));
    fact("urgency", text(&incident["urgency"]));
    fact("service", format!("{} ({})", text(&incident["service"]["name"]), text(&incident["service"]["id"])));
    fact("escalation policy", text(&incident["escalation_policy"]["name"]));
    fact("alerts", format!("{} open of {}", incident["open"], incident["alerts"]));
    fact("grouping", text(&incident["grouping"]));
    fact("created", at(&incident["created_at"]));
    fact("changed", at(&incident["status_changed_at"]));
    let times = [
        ("resolved", "resolved_at"),
        ("acknowledged until", "acknowledgement_ends_at"),
        ("resolves itself", "auto_resolve_at"),
        ("urgency rises", "urgency_rises_at"),
    ];
    for (name, key) in times {
        if !incident[key].is_null() {
            fact(name, at(&incident[key]));
        }
    }
    for acknowledgement in incident["acknowledgements"].as_array().into_iter().flatten() {
        fact("acknowledged by", format!("{}, {}", text(&acknowledgement["by"]["id"]), at(&acknowledgement["at"])));
    }
    fact("revision", incident["revision"].to_string());
    table.print()?;
    Ok(())
}

fn print_alerts(alerts: &[Value]) -> Result<()> {
    let mut table = Table::new(&["ALERT", "STATUS", "SEVERITY", "COUNT", "KEY", "SUMMARY"]).colouring(&[1, 2]);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    for alert in alerts {
        table.add(vec![
            text(&alert["id"]),
            text(&alert["status"]),
            text(&alert["severity"]),
            alert["count"].to_string(),
            text(&alert["alert_key"]),
            text(&alert["summary"]),
        ]);
    }
    if !table.is_empty() {
        println!("\nalerts (counts as of each alert's last change)");
        table.print()?;
    }
    Ok(())
}

fn print_history(history: &[Value]) -> Result<()> {
    let mut table = Table::new(&["REVISION", "TIME", "CHANGE", "BY"]).colouring(&[2]);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    for revision in history {
        let by = match (revision["agent"]["id"].as_str(), revision["cause"]["timer"].as_str()) {
            (Some(agent), _) => agent.to_owned(),
            (None, Some(timer)) => format!("timer {timer}"),
            (None, None) => "-".to_owned(),
        };
        table.add(vec![
            revision["revision"].to_string(),
            text(&revision["occurred_at"]),
            text(&revision["event_type"]).trim_start_matches("incident.").to_owned(),
            by,
        ]);
    }
    if !table.is_empty() {
        println!("\nhistory");
        table.print()?;
    }
    Ok(())
}
