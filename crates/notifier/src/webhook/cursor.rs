//! `campanile.webhooks`: how far each subscription is on this partition, and what operators asked. The last record of a
//! key counts. Keys are `cursor/<subscription>` and `enable/<subscription>`.
//!
//! `{"v":1,"type":"cursor","subscription":"P…","next":7,"pending":[[offset,data offset,first attempt or null,attempts]],
//! "parked_until":null}`. Times are milliseconds since 1970.

use std::collections::BTreeMap;

use campanile_ledger::Record;
use campanile_model::Timestamp;
use serde_json::{Value, json};

use super::line::{Line, Pending};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) next: u64,
    pub(crate) pending: Vec<Pending>,
    pub(crate) parked_until: Option<Timestamp>,
}

/// What stands on a partition, folded.
#[derive(Debug, Default)]
pub(crate) struct Cursors(pub(crate) BTreeMap<String, Cursor>);

/// What a record of the topic asks for beyond what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Nothing,
    Enable(String),
}

impl Cursors {
    /// Takes the next record.
    ///
    /// # Errors
    /// One sentence; nothing of ours writes such a record.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Asked, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if value["v"] != 1 {
            return Err(format!("version {} is not known, expected 1", value["v"]));
        }
        let subscription = value["subscription"].as_str().ok_or("a record about no subscription")?.to_owned();
        match value["type"].as_str() {
            Some("cursor") => {
                self.0.insert(subscription, cursor(&value).ok_or("a cursor without its positions")?);
                Ok(Asked::Nothing)
            }
            Some("removed") => {
                self.0.remove(&subscription);
                Ok(Asked::Nothing)
            }
            Some("enable") => {
                if let Some(cursor) = self.0.get_mut(&subscription) {
                    cursor.parked_until = None;
                }
                Ok(Asked::Enable(subscription))
            }
            other => Err(format!("type {other:?} is not known")),
        }
    }
}

fn cursor(value: &Value) -> Option<Cursor> {
    let pending = value["pending"].as_array()?.iter().map(|it| {
        Some(Pending {
            offset: it[0].as_u64()?,
            data_offset: it[1].as_u64()?,
            since: it[2].as_i64().map(Timestamp),
            attempts: u32::try_from(it[3].as_u64()?).ok()?,
        })
    });
    Some(Cursor {
        next: value["next"].as_u64()?,
        pending: pending.collect::<Option<_>>()?,
        parked_until: value["parked_until"].as_i64().map(Timestamp),
    })
}

/// The record that says how far a line is.
pub(crate) fn record(subscription: &str, line: &Line, parked_until: Option<Timestamp>) -> Record {
    let pending = line.pending();
    let pending: Vec<_> =
        pending.iter().map(|it| json!([it.offset, it.data_offset, it.since.map(|at| at.0), it.attempts])).collect();
    let value = json!({
        "v": 1,
        "type": "cursor",
        "subscription": subscription,
        "next": line.next,
        "pending": pending,
        "parked_until": parked_until.map(|at| at.0),
    });
    Record::new(format!("cursor/{subscription}"), value.to_string())
}

/// The subscription is gone: one of the same id begins anew.
pub(crate) fn removed(subscription: &str) -> Record {
    let value = json!({ "v": 1, "type": "removed", "subscription": subscription });
    Record::new(format!("cursor/{subscription}"), value.to_string())
}

/// An operator wants a parked subscription to go on.
pub(crate) fn enable(subscription: &str) -> Record {
    let value = json!({ "v": 1, "type": "enable", "subscription": subscription });
    Record::new(format!("enable/{subscription}"), value.to_string())
}
