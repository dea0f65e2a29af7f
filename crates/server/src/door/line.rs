//! A record as one line of JSON: what the door gives, what `log export` writes, what `tail` reads.

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use campanile_ledger::{Stored, Topic};
use serde::{Deserialize, Serialize};

/// The line. Bytes that are no UTF-8 stand in the `_base64` twin of their member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub topic: String,
    pub partition: u16,
    pub offset: u64,
    /// Append time, in milliseconds since 1970.
    pub at: i64,
    pub key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<String>,
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers_base64: BTreeMap<String, String>,
}

impl Line {
    pub fn of(topic: Topic, partition: u16, stored: &Stored) -> Self {
        let (value, value_base64) = text_or_base64(&stored.record.value);
        let (key, key_base64) = stored.record.key.as_deref().map(text_or_base64).unwrap_or_default();
        let mut line = Self {
            topic: topic.name().to_owned(),
            partition,
            offset: stored.offset,
            at: stored.at.0,
            key,
            key_base64,
            value,
            value_base64,
            headers: BTreeMap::new(),
            headers_base64: BTreeMap::new(),
        };
        for header in &stored.record.headers {
            let name = header.name.to_string();
            let (text, coded) = text_or_base64(&header.value);
            line.headers.extend(text.map(|text| (name.clone(), text)));
            line.headers_base64.extend(coded.map(|coded| (name, coded)));
        }
        line
    }

    /// The value's bytes, as far as they can be read back.
    pub fn value_bytes(&self) -> Vec<u8> {
        match (&self.value, &self.value_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(coded)) => STANDARD.decode(coded).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    /// The value as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        self.value.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// Writes the record as one line.
///
/// # Errors
/// What the writer gives.
pub fn write(out: &mut dyn Write, topic: Topic, partition: u16, stored: &Stored) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line::of(topic, partition, stored))?;
    out.write_all(b"\n")
}

fn text_or_base64(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(STANDARD.encode(bytes))),
    }
}

/// Bytes of a `_base64` member.
///
/// # Errors
/// One sentence.
pub fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("not base64: {error}"))
}
