//! `read` and `ends`: records of one partition, never above what is durable.

use std::time::Duration;

use campanile_ledger::{TailError, Topic};
use serde_json::json;

use super::request::From;
use super::serve::{Answer, Asker, Done, Refusal, members};
use super::{Ports, line};
use crate::supervise::Stop;

/// Records read in one go.
const CHUNK: usize = 1000;
/// How long a follower waits for a record before it looks whether anybody still listens.
const FOLLOW_WAIT: Duration = Duration::from_millis(500);

pub(super) struct Range {
    pub(super) topic: Topic,
    pub(super) partition: u16,
    pub(super) from: From,
    /// Most records; a follower has no most.
    pub(super) max: u64,
    pub(super) follow: bool,
}

pub(super) fn read(ports: &Ports, range: Range, asker: &mut dyn Asker, stop: &Stop) -> Answer {
    let Range { topic, partition, from, max, follow } = range;
    let partitions = ports.appender.partitions(topic);
    if partition >= partitions {
        let name = topic.name();
        return Err(Refusal::said(format!("topic {name} has {partitions} partitions, none numbered {partition}")));
    }
    let ends = ports.tail.ends(topic, partition);
    let mut next = match from {
        From::Start => ends.start,
        From::End => ends.end,
        From::Offset(offset) => offset,
    };
    let mut left = if follow { u64::MAX } else { max };
    while left > 0 {
        let chunk = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
        let records = ports.tail.read(topic, partition, next, chunk).map_err(refusal)?;
        for stored in records.iter().take(chunk) {
            line::write(asker.out(), topic, partition, stored)?;
            next = stored.offset + 1;
            left -= 1;
        }
        if !records.is_empty() {
            continue;
        }
        if !follow {
            break;
        }
        asker.flush()?;
        if stop.is_set() {
            return Err(Refusal::said("the server is stopping"));
        }
        if !ports.tail.wait(topic, partition, next, FOLLOW_WAIT) && asker.has_left() {
            return Err(Refusal::Gone(std::io::ErrorKind::BrokenPipe.into()));
        }
    }
    Ok(members(json!({ "next": next })))
}

fn refusal(error: TailError) -> Refusal {
    let error_text = error.to_string();
    match error {
        TailError::Trimmed { start, .. } => {
            Refusal::Said { error: error_text, more: members(json!({ "start": start })) }
        }
        TailError::Damaged(_) => Refusal::said(error_text),
    }
}

pub(super) fn ends(ports: &Ports, topic: Topic) -> Done {
    let partitions = 0..ports.appender.partitions(topic);
    let ends: Vec<_> = partitions.map(|partition| ports.tail.ends(topic, partition)).collect();
    members(json!({ "ends": ends.iter().map(|ends| [ends.start, ends.end]).collect::<Vec<_>>() }))
}
