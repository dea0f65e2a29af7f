//! What was sent, written down before it is sent, and what was answered: so that somebody else can say whether every
//! event that was taken is there.
//!
//! One JSON object a line: `{"send":7,"try":1,"action":"trigger","key":"…","dedup_key":"…"}`, then
//! `{"answer":7,"try":1,"status":202}`; an append's answer has `"status":"done"`, `partition` and `offset`. A try that
//! got no answer has `"status":"lost"` and the reason: it may or may not have arrived.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Shared by all connections; without a file it writes nothing.
pub struct Journal {
    out: Option<Mutex<BufWriter<File>>>,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub struct Event {
    pub index: u64,
    pub record_key: String,
    pub dedup_key: String,
    pub action: &'static str,
    pub json: Vec<u8>,
    /// When it should have been sent.
    pub intended: std::time::Instant,
}

impl Journal {
    /// # Errors
    /// The file cannot be made.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { out: None }) };
        let file = File::create(path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { out: Some(Mutex::new(BufWriter::new(file))) })
    }

    /// Notes a try; on return it is with the operating system.
    ///
    /// # Errors
    /// The file takes no more.
    pub fn sends(&self, events: &[Event], attempt: u32) -> Result<()> {
        self.write(events.iter().map(|it| {
            json!({ "send": it.index, "try": attempt, "action": it.action, "key": it.record_key, "dedup_key": it.dedup_key })
        }))
    }

    /// # Errors
    /// The file takes no more.
    pub fn answered(&self, index: u64, attempt: u32, status: u16) -> Result<()> {
        self.write([json!({ "answer": index, "try": attempt, "status": status })])
    }

    /// # Errors
    /// The file takes no more.
    pub fn appended(&self, events: &[Event], attempt: u32, partition: u64, offsets: &[u64]) -> Result<()> {
        self.write(events.iter().zip(offsets).map(|(it, offset)| {
            json!({ "answer": it.index, "try": attempt, "status": "done", "partition": partition, "offset": offset })
        }))
    }

    /// # Errors
    /// The file takes no more.
    pub fn lost(&self, events: &[Event], attempt: u32, reason: &str) -> Result<()> {
        self.write(
            events.iter().map(|it| json!({ "answer": it.index, "try": attempt, "status": "lost", "reason": reason })),
        )
    }

    fn write(&self, lines: impl IntoIterator<Item = Value>) -> Result<()> {
        let Some(out) = &self.out else { return Ok(()) };
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            writeln!(out, "{line}")?;
        }
        out.flush().context("the journal takes no more")
    }
}
