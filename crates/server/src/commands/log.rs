//! `campanile log`: the topics themselves.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use campanile_ledger::{OpenError, Tail, TailError, Topic};
use campanile_ledger_rocks::Ledger;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::at::At;
use crate::door::line;
use crate::door::request::unknown_topic;
use crate::print::Table;

/// Records read in one go.
const CHUNK: usize = 1000;

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile log topics
  campanile log export --data ./campanile-data > everything.ndjson
  campanile log export --topic incidents --topic alerts | jq -r .value

A line of an export is a line of `campanile tail --json`. A running server is read with `campanile tail --from start`.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List topics and how many records each partition holds
    Topics {
        #[command(flatten)]
        at: At,
    },
    /// Write every record of a stopped server's data as one JSON object a line
    Export {
        #[command(flatten)]
        at: At,
        /// Only this topic; may be given several times
        #[arg(long, value_name = "TOPIC")]
        topic: Vec<String>,
    },
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::Topics { at } => topics(&at),
        Verb::Export { at, topic } => export(&at, &topic),
    }
}

fn export(at: &At, names: &[String]) -> Result<ExitCode> {
    let chosen: Vec<_> = names
        .iter()
        .map(|name| Topic::parse(name).ok_or_else(|| anyhow!(unknown_topic(name))))
        .collect::<Result<_>>()?;
    if let Some(brokers) = at.kafka() {
        bail!(
            "a cluster's log is not exported; read it with `campanile tail TOPIC --json --from start --kafka {brokers}`"
        );
    }
    let ledger = open(&at.data())?;
    let tail = ledger.tail();
    let mut out = BufWriter::new(io::stdout().lock());
    for topic in Topic::ALL.into_iter().filter(|topic| chosen.is_empty() || chosen.contains(topic)) {
        for partition in 0..topic.partitions(ledger.card().shards) {
            export_partition(tail.as_ref(), topic, partition, &mut out)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn open(data: &Path) -> Result<campanile_ledger_rocks::ReadOnly> {
    if !data.is_dir() {
        return Err(anyhow!("{} is no data directory; name one with --data", data.display()));
    }
    Ledger::open_read_only(data).map_err(|error| match error {
        OpenError::Locked { path } => anyhow!(
            "a server runs on {path}; stop it first, or read it with `campanile tail TOPIC --from start --no-follow --json`"
        ),
        other => other.into(),
    })
}

fn export_partition(tail: &dyn Tail, topic: Topic, partition: u16, out: &mut dyn Write) -> Result<()> {
    let mut next = tail.ends(topic, partition).start;
    loop {
        let records = match tail.read(topic, partition, next, CHUNK) {
            Ok(records) => records,
            Err(TailError::Trimmed { start, .. }) => {
                next = start;
                continue;
            }
            Err(error) => return Err(error).context(format!("{} partition {partition} at {next}", topic.name())),
        };
        let Some(last) = records.last() else { return Ok(()) };
        next = last.offset + 1;
        for stored in &records {
            line::write(out, topic, partition, stored)?;
        }
    }
}

fn topics(at: &At) -> Result<ExitCode> {
    let mut table = Table::new(&["TOPIC", "PARTITIONS", "RECORDS", "FROM..TO OF EACH PARTITION"]);
    let ends = match at.connect() {
        Ok(mut client) => Topic::ALL
            .into_iter()
            .map(|topic| Ok((topic, pairs(&client.ask_once(&json!({ "op": "ends", "topic": topic.name() }))?["ends"]))))
            .collect::<Result<Vec<_>>>()?,
        // Nobody runs on it, so it can be opened.
        Err(_) => {
            let ledger = open(&at.data())?;
            let tail = ledger.tail();
            let of = |topic: Topic, partition| {
                let ends = tail.ends(topic, partition);
                (ends.start, ends.end)
            };
            let partitions = |topic: Topic| 0..topic.partitions(ledger.card().shards);
            Topic::ALL
                .into_iter()
                .map(|topic| (topic, partitions(topic).map(|partition| of(topic, partition)).collect()))
                .collect()
        }
    };
    for (topic, pairs) in ends {
        let records: u64 = pairs.iter().map(|(start, end)| end - start).sum();
        let each: Vec<_> = pairs.iter().map(|(start, end)| format!("{start}..{end}")).collect();
        table.add(vec![topic.name().to_owned(), pairs.len().to_string(), records.to_string(), each.join(" ")]);
    }
    table.print()?;
    Ok(ExitCode::SUCCESS)
}

fn pairs(ends: &Value) -> Vec<(u64, u64)> {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    ends.as_array()
        .map(|list| list.iter().map(|pair| (number(&pair[0]), number(&pair[1]))).collect())
        .unwrap_or_default()
}
