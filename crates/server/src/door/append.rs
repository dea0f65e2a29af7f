//! `append`: records to one partition, all or none, answered when they are durable.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use campanile_ledger::{Record, Topic};
use campanile_model::murmur2::partition_of;
use serde_json::json;

use super::Ports;
use super::line::from_base64;
use super::request::NewRecord;
use super::serve::{Answer, Refusal, members};

/// Turns of records without a key.
static TURN: AtomicU64 = AtomicU64::new(0);

pub(super) fn append(ports: &Ports, topic: Topic, partition: Option<u16>, records: Vec<NewRecord>) -> Answer {
    match topic {
        Topic::Events | Topic::Commands | Topic::Answers => {}
        Topic::Directory => {
            return Err(Refusal::said("the directory takes only whole, checked applies; use directory_apply"));
        }
        Topic::Triage
        | Topic::Incidents
        | Topic::Alerts
        | Topic::DeadLetters
        | Topic::Steps
        | Topic::Pages
        | Topic::Notifications => {
            let name = topic.short_name();
            return Err(Refusal::said(format!("only the server writes {name}; append to events, commands or answers")));
        }
    }
    let records: Vec<_> = records.into_iter().map(record).collect::<Result<_, _>>().map_err(Refusal::said)?;
    let Some(first) = records.first() else {
        return Err(Refusal::said("\"records\" is empty; give at least one"));
    };
    let partitions = ports.appender.partitions(topic);
    let partition = partition.unwrap_or_else(|| match &first.key {
        Some(key) => partition_of(key, partitions),
        None => (TURN.fetch_add(1, Ordering::Relaxed) % u64::from(partitions.max(1))) as u16,
    });
    match ports.appender.append_wait(topic, partition, records) {
        Ok(appended) => Ok(members(json!({ "partition": partition, "first": appended.first, "at": appended.at.0 }))),
        Err(error) => Err(Refusal::said(error.to_string())),
    }
}

fn record(new: NewRecord) -> Result<Record, String> {
    let value = match (new.value, new.value_base64) {
        (Some(_), Some(_)) => return Err("a record has \"value\" or \"value_base64\", not both".to_owned()),
        (Some(text), None) => Bytes::from(text),
        (None, Some(coded)) => {
            Bytes::from(from_base64(&coded).map_err(|error| format!("\"value_base64\" is {error}"))?)
        }
        (None, None) => Bytes::new(),
    };
    let record = Record { key: new.key.map(Bytes::from), value, ..Record::default() };
    Ok(new.headers.into_iter().fold(record, |record, (name, value)| record.with_header(&name, value)))
}
