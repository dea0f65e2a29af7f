//! `command`: what a person asks of an incident, and the one answer it gets.

use std::time::{Duration, Instant};

use campanile_ledger::{Record, Topic};
use campanile_record::command::decode;
use serde_json::{Value, json};

use super::Ports;
use super::serve::{Answer, Refusal, members};
use crate::supervise::Stop;

/// Longest wait for the answer. A command is judged within one step of its shard, behind at most one sealed batch.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
const WAIT: Duration = Duration::from_millis(250);
/// Records read in one go.
const CHUNK: usize = 1000;

pub(super) fn command(ports: &Ports, command: &Value, stop: &Stop) -> Answer {
    let bytes = command.to_string();
    let decoded = decode(bytes.as_bytes()).map_err(Refusal::said)?;
    let partition = decoded.incident.shard().0;
    if partition >= ports.card.shards {
        let shards = ports.card.shards;
        let error =
            format!("{} was made on shard {partition} and this ledger has {shards}; it is another's", decoded.incident);
        return Err(Refusal::said(error));
    }
    // From before the append, so that the answer cannot slip by.
    let from = ports.tail.ends(Topic::Incidents, partition).end;
    let record = Record::new(decoded.incident.to_string(), bytes);
    let appended = ports.appender.append_wait(Topic::Commands, partition, vec![record]);
    appended.map_err(|error| Refusal::said(error.to_string()))?;
    match wait_for_answer(ports, partition, from, decoded.id.as_str(), stop)? {
        Some(answer) => Ok(members(json!({ "answer": answer }))),
        None => Err(Refusal::said(format!(
            "no answer within {} s; the command is stored and will be carried out, {}",
            ANSWER_WAIT.as_secs(),
            why_late(ports, partition)
        ))),
    }
}

fn wait_for_answer(ports: &Ports, partition: u16, from: u64, id: &str, stop: &Stop) -> Result<Option<Value>, Refusal> {
    let until = Instant::now() + ANSWER_WAIT;
    let mut next = from;
    while Instant::now() < until && !stop.is_set() {
        let records = ports.tail.read(Topic::Incidents, partition, next, CHUNK);
        let records = records.map_err(|error| Refusal::said(error.to_string()))?;
        for stored in &records {
            next = stored.offset + 1;
            if let Some(answer) = answer_to(&stored.record.value, id) {
                return Ok(Some(answer));
            }
        }
        if records.is_empty() {
            ports.tail.wait(Topic::Incidents, partition, next, WAIT);
        }
    }
    Ok(None)
}

/// The record, if the command caused it.
fn answer_to(value: &[u8], id: &str) -> Option<Value> {
    let json: Value = serde_json::from_slice(value).ok()?;
    (json["cause"]["command"].as_str() == Some(id)).then_some(json)
}

fn why_late(ports: &Ports, partition: u16) -> String {
    let shard = ports.roles.status().into_iter().find(|shard| shard.shard == partition);
    match shard.and_then(|shard| shard.halted) {
        Some(reason) => format!("when shard {partition} goes on: {reason}"),
        None => format!("when shard {partition} gets to it"),
    }
}
