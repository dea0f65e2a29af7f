//! `campanile tail`: a topic as it grows.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context, Result, anyhow};
use campanile_ledger::Topic;
use campanile_model::Timestamp;
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::{Value, json};

use super::at::At;
use crate::client::Client;
use crate::door::line::Line;
use crate::door::request::unknown_topic;
use crate::print::colour::{self, Colour};
use crate::print::table::{line, one_line, room};
use crate::print::time;

/// Lines that wait to be printed; then reading waits too.
const QUEUE: usize = 1000;

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile tail incidents
  campanile tail alerts --from start
  campanile tail dead-letters --from start --no-follow
  campanile tail incidents --kafka 127.0.0.1:9092
  campanile tail incidents --json | jq -c '.value | fromjson | select(.event_type == \"incident.triggered\")'

Topics: incidents, alerts, notifications, dead-letters, events, commands, triage, pages, answers, directory, steps.
Without --no-follow it goes on until Ctrl-C. Records of one partition come in order.")]
pub(super) struct Args {
    /// Topic, with or without `campanile.` in front
    topic: String,
    /// One JSON object a line, in the form of the operator's door
    #[arg(long)]
    json: bool,
    /// Where to begin
    #[arg(long, value_enum, default_value = "end")]
    from: Start,
    /// End at the end of the topic
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, ValueEnum)]
enum Start {
    Start,
    End,
}

impl Start {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let topic = Topic::parse(&args.topic).ok_or_else(|| anyhow!(unknown_topic(&args.topic)))?;
    let mut first = args.at.connect()?;
    let ends = first.ask_once(&json!({ "op": "ends", "topic": topic.name() }))?;
    let partitions = ends["ends"].as_array().map_or(0, Vec::len);
    let (lines, arriving) = sync_channel(QUEUE);
    for partition in 0..partitions {
        let request = json!({
            "op": "read",
            "topic": topic.name(),
            "partition": partition,
            "from": args.from.as_str(),
            "max": u64::MAX,
            "follow": !args.no_follow,
        });
        let client = first.another()?;
        let lines = lines.clone();
        let name = format!("tail-{partition}");
        let read = std::thread::Builder::new().name(name).spawn(move || follow(client, &request, &lines));
        read.context("a thread for the partition could not be started")?;
    }
    drop(lines);
    print_all(topic, &arriving, args.json)
}

/// Hands lines on until the server or the printer is gone.
fn follow(mut client: Client, request: &Value, lines: &SyncSender<Result<Value>>) {
    let outcome = client.ask(request, |line| lines.send(Ok(line)).map_err(|_| anyhow!("nobody prints any more")));
    if let Err(error) = outcome {
        // The printer left first: there is nobody to tell.
        let _ = lines.send(Err(error));
    }
}

fn print_all(topic: Topic, arriving: &Receiver<Result<Value>>, as_json: bool) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    let view = View::of(topic);
    let paints = colour::is_on(&io::stdout());
    if !as_json {
        let head: Vec<_> = view.head.iter().map(|&name| name.to_owned()).collect();
        writeln!(out, "{}", line(&head, view.widths, room(), |_, text| Colour::Bold.paint(text, paints)))?;
        out.flush()?;
    }
    while let Ok(next) = arriving.recv() {
        let record: Line = serde_json::from_value(next?).context("the server sent a line that is no record")?;
        if as_json {
            // Written anew, so that its members come in the order of an export.
            serde_json::to_writer(&mut out, &record).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            let cells: Vec<_> = (view.row)(&record).iter().map(|cell| one_line(cell)).collect();
            let paint = |_: usize, text: &str| colour::of_word(text.trim_end()).paint(text, paints);
            writeln!(out, "{}", line(&cells, view.widths, room(), paint))?;
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How records of a topic look as a table.
struct View {
    head: &'static [&'static str],
    widths: &'static [usize],
    row: fn(&Line) -> Vec<String>,
}

impl View {
    fn of(topic: Topic) -> Self {
        match topic {
            Topic::Incidents => Self {
                head: &["TIME", "NUMBER", "CHANGE", "PRIO", "URGENCY", "SERVICE", "ALERTS", "TITLE"],
                widths: &[9, 8, 18, 4, 7, 20, 6, 0],
                row: incident,
            },
            Topic::Alerts => Self {
                head: &["TIME", "ALERT", "STATUS", "SEVERITY", "COUNT", "SERVICE", "INCIDENT", "SUMMARY"],
                widths: &[9, 14, 10, 8, 5, 20, 14, 0],
                row: alert,
            },
            Topic::DeadLetters => Self {
                head: &["TIME", "REASON", "STAGE", "BYTES", "DETAIL"],
                widths: &[9, 13, 8, 7, 0],
                row: dead_letter,
            },
            Topic::Notifications => Self {
                head: &["TIME", "TYPE", "INCIDENT", "LEVEL", "USER", "CHANNEL", "DETAIL"],
                widths: &[9, 10, 14, 5, 14, 10, 0],
                row: notification,
            },
            Topic::Events
            | Topic::Triage
            | Topic::Commands
            | Topic::Directory
            | Topic::Steps
            | Topic::Pages
            | Topic::Answers => {
                Self { head: &["TIME", "PARTITION", "OFFSET", "KEY", "VALUE"], widths: &[9, 9, 9, 32, 0], row: record }
            }
        }
    }
}

fn at(record: &Line) -> String {
    time::clock(Timestamp(record.at))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn incident(record: &Line) -> Vec<String> {
    let json = record.json();
    let kind = json["event_type"].as_str().unwrap_or_default();
    let data = &json["data"];
    if data.is_null() {
        let (incident, reason) = (text(&json["incident"]), text(&json["reason"]));
        let kind = kind.to_owned();
        let rest = if reason == "-" { incident } else { format!("{incident}: {reason}") };
        return vec![
            at(record),
            "-".to_owned(),
            kind,
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            rest,
        ];
    }
    vec![
        at(record),
        text(&data["number"]),
        kind.trim_start_matches("incident.").to_owned(),
        text(&data["priority"]["summary"]),
        text(&data["urgency"]),
        text(&data["service"]["summary"]),
        text(&data["alert_counts"]["all"]),
        text(&data["title"]),
    ]
}

fn alert(record: &Line) -> Vec<String> {
    let json = record.json();
    let is_hidden = json["suppressed"] == true && json["status"] == "triggered";
    vec![
        at(record),
        text(&json["id"]),
        if is_hidden { "suppressed".to_owned() } else { text(&json["status"]) },
        text(&json["severity"]),
        text(&json["count"]),
        text(&json["service"]["summary"]),
        text(&json["incident"]["id"]),
        text(&json["summary"]),
    ]
}

fn notification(record: &Line) -> Vec<String> {
    let json = record.json();
    let users = json["users"].as_array().map(|users| users.iter().map(text).collect::<Vec<_>>().join(" "));
    let known = ["detail", "provider", "reason", "until", "verb", "escalation_policy", "contact_method"];
    let detail = known.into_iter().map(|name| &json[name]).find(|value| !value.is_null());
    vec![
        at(record),
        text(&json["type"]),
        text(&json["incident"]),
        text(&json["place"][2]),
        users.unwrap_or_else(|| text(&json["user"])),
        text(&json["channel"]),
        detail.map_or_else(|| "-".to_owned(), text),
    ]
}

fn dead_letter(record: &Line) -> Vec<String> {
    let header = |name: &str| record.headers.get(name).cloned().unwrap_or_else(|| "-".to_owned());
    let bytes = record.value_bytes();
    let detail = header("campanile-detail");
    let shown = if detail == "-" { String::from_utf8_lossy(&bytes).into_owned() } else { detail };
    vec![at(record), header("campanile-reason"), header("campanile-stage"), bytes.len().to_string(), shown]
}

fn record(record: &Line) -> Vec<String> {
    vec![
        at(record),
        record.partition.to_string(),
        record.offset.to_string(),
        record.key.clone().unwrap_or_else(|| "-".to_owned()),
        record.value.clone().unwrap_or_else(|| format!("{} bytes", record.value_bytes().len())),
    ]
}
