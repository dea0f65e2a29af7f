//! `campanile.dead-letters`: the original bytes under the original key; why, where it was noticed, and where they stood.

use bytes::Bytes;
use campanile_ledger::Record;
use campanile_model::Timestamp;
use campanile_model::outcome::DeadReason;

use crate::header;

/// Where bytes stood before they died; `None` for a body that never reached a topic.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub topic: &'static str,
    pub partition: u16,
    pub offset: u64,
    pub at: Timestamp,
}

pub fn record(
    key: Option<Bytes>,
    value: Bytes,
    reason: DeadReason,
    stage: &'static str,
    detail: &str,
    position: Option<Position>,
) -> Record {
    let mut record = Record { key, headers: Default::default(), value }
        .with_header(header::REASON, reason.as_str())
        .with_header(header::STAGE, stage)
        .with_header(header::DETAIL, detail.to_owned());
    if let Some(Position { topic, partition, offset, at }) = position {
        record = record.with_header(header::POSITION, format!("{topic};{partition};{offset};{}", at.0));
    }
    record
}
