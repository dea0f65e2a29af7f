//! Records: what is put on a topic, and what is read from one.

use bytes::Bytes;
use campanile_model::Timestamp;
use compact_str::CompactString;
use smallvec::SmallVec;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub name: CompactString,
    pub value: Bytes,
}

pub type Headers = SmallVec<[Header; 1]>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub key: Option<Bytes>,
    pub headers: Headers,
    pub value: Bytes,
}

impl Record {
    pub fn new(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { key: Some(key.into()), headers: Headers::new(), value: value.into() }
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Bytes>) -> Self {
        self.headers.push(Header { name: CompactString::new(name), value: value.into() });
        self
    }

    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|h| h.name == name).map(|h| &h.value)
    }

    /// Bytes of key, headers and value together, without framing.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|h| h.name.len() + h.value.len()).sum();
        self.key.as_ref().map_or(0, Bytes::len) + headers + self.value.len()
    }
}

/// A record with its place and the log's own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub offset: u64,
    /// Append time, never running backwards within a partition.
    pub at: Timestamp,
    pub record: Record,
}
