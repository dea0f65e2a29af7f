//! `campanile.triage`: an event on its way to the shard where its scope has its home. Key and value are as first
//! received; the place of its first append and the count of hops ride in a header.

use campanile_ledger::{Record, Stored};
use campanile_model::{Source, Timestamp};

use crate::header;

/// The source of a record read from a main lane: itself.
pub fn first_append(partition: u16, stored: &Stored) -> Source {
    Source { partition, offset: stored.offset, at: stored.at, hops: 0 }
}

/// The source that a hop record carries; `None` when its header is missing or unreadable, which no shard of ours writes.
pub fn source(record: &Record) -> Option<Source> {
    let text = std::str::from_utf8(record.header(header::SOURCE)?).ok()?;
    let mut parts = text.split(';');
    let source = Source {
        partition: parts.next()?.parse().ok()?,
        offset: parts.next()?.parse().ok()?,
        at: Timestamp(parts.next()?.parse().ok()?),
        hops: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(source)
}

/// The record to send on: one hop more, everything else as it was.
pub fn forward(record: &Record, source: Source) -> Record {
    let mut onward = record.clone();
    onward.headers.retain(|h| h.name != header::SOURCE);
    let Source { partition, offset, at, hops } = source;
    onward.with_header(header::SOURCE, format!("{partition};{offset};{};{}", at.0, hops + 1))
}
