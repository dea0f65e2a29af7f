//! Bytes on disk: keys of every family, and append groups.
//!
//! An append group is what one write put on one partition: version, count, append time, then the records, each as
//! varint lengths and bytes. It is decoded in place: records are slices of the group's one allocation.

use bytes::Bytes;
use campanile_ledger::{Header, Headers, MachineId, Record, RowKey, Stored, TimerKey, Topic};
use campanile_model::Timestamp;
use compact_str::CompactString;

/// Format of the data directory. Written on the card, checked when it opens; format 1 is upgraded then.
pub(crate) const FORMAT: u16 = 2;
pub(crate) const FORMAT_1: u16 = 1;

pub(crate) const GROUP_VERSION: u8 = 1;
/// Version, count, append time.
pub(crate) const GROUP_HEAD_BYTES: usize = 1 + 4 + 8;
/// A group is cut here, so that no value is too large to read at once.
pub(crate) const GROUP_BYTES_MAX: usize = 1 << 20;
/// Lengths and counts of one record without headers, at most for values under 2 MiB.
pub(crate) const RECORD_FRAME_BYTES: usize = 5;

// Keys of the family `default`. The directory's log lies there too, under its topic number, which is below all these.
pub(crate) const CARD_KEY: &[u8] = b"C";
const COMMIT: u8 = b'c';
const START: u8 = b's';
const MARK: u8 = b'm';
/// Written to learn whether the disk takes writes again.
pub(crate) const PROBE_KEY: &[u8] = b"p";

pub(crate) const LOG_KEY_BYTES: usize = 11;

pub(crate) fn log_key(topic: Topic, partition: u16, offset: u64) -> [u8; LOG_KEY_BYTES] {
    let mut key = [0; LOG_KEY_BYTES];
    key[0] = topic.number();
    key[1..3].copy_from_slice(&partition.to_be_bytes());
    key[3..].copy_from_slice(&offset.to_be_bytes());
    key
}

/// Offset at the end of a log key or a mark key.
pub(crate) fn offset_of(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Second machine's shards, in keys: a ledger has at most 1000.
const NOTIFIER: u16 = 0x8000;

/// What stands for a machine's shard in keys. Triage's are bare, as in directories from before there were two machines.
pub(crate) const fn slot(machine: MachineId, shard: u16) -> u16 {
    match machine {
        MachineId::Triage => shard,
        MachineId::Notifier => NOTIFIER | shard,
    }
}

pub(crate) fn commit_key(shard: u16) -> [u8; 3] {
    let [high, low] = shard.to_be_bytes();
    [COMMIT, high, low]
}

pub(crate) fn start_key(topic: Topic, partition: u16) -> [u8; 4] {
    let [high, low] = partition.to_be_bytes();
    [START, topic.number(), high, low]
}

pub(crate) fn mark_key(topic: Topic, partition: u16, offset: u64) -> [u8; LOG_KEY_BYTES + 1] {
    let mut key = [MARK; LOG_KEY_BYTES + 1];
    key[1..].copy_from_slice(&log_key(topic, partition, offset));
    key
}

pub(crate) const SHARD_ROW_BYTES: usize = 2 + campanile_ledger::batch::ROW_KEY_BYTES;

pub(crate) fn row_key(shard: u16, key: RowKey) -> [u8; SHARD_ROW_BYTES] {
    let mut bytes = [0; SHARD_ROW_BYTES];
    bytes[..2].copy_from_slice(&shard.to_be_bytes());
    bytes[2..].copy_from_slice(&key.0);
    bytes
}

/// Keys of all rows of a kind: from the first to before the second.
pub(crate) fn kind_range(shard: u16, kind: [u8; 2]) -> ([u8; 4], [u8; 4]) {
    let prefix = (u32::from(shard) << 16) | u32::from(u16::from_be_bytes(kind));
    (prefix.to_be_bytes(), (prefix + 1).to_be_bytes())
}

/// The row key in a key of the family `rows`.
pub(crate) fn row_of(bytes: &[u8]) -> Option<RowKey> {
    Some(RowKey(bytes.get(2..)?.try_into().ok()?))
}

const TIMER_BY_NAME: u8 = 0;
const TIMER_BY_DUE: u8 = 1;

pub(crate) fn timer_key(shard: u16, timer: TimerKey) -> [u8; 20] {
    let mut key = [TIMER_BY_NAME; 20];
    key[1..3].copy_from_slice(&shard.to_be_bytes());
    key[3] = timer.kind;
    key[4..].copy_from_slice(&timer.object.to_be_bytes());
    key
}

pub(crate) fn due_key(shard: u16, due: Timestamp, timer: TimerKey) -> [u8; 28] {
    let mut key = [0; 28];
    key[..11].copy_from_slice(&due_prefix(shard, due));
    key[11] = timer.kind;
    key[12..].copy_from_slice(&timer.object.to_be_bytes());
    key
}

/// Sorts before every timer due at `due` and after every earlier one.
pub(crate) fn due_prefix(shard: u16, due: Timestamp) -> [u8; 11] {
    let mut key = [TIMER_BY_DUE; 11];
    key[1..3].copy_from_slice(&shard.to_be_bytes());
    key[3..].copy_from_slice(&sortable(due).to_be_bytes());
    key
}

/// Sorts after every timer of the shard.
pub(crate) fn due_end(shard: u16) -> [u8; 3] {
    let [high, low] = (shard + 1).to_be_bytes();
    [TIMER_BY_DUE, high, low]
}

pub(crate) fn due_of(key: &[u8]) -> Option<(Timestamp, TimerKey)> {
    let due = u64::from_be_bytes(key.get(3..11)?.try_into().ok()?);
    let object = u128::from_be_bytes(key.get(12..28)?.try_into().ok()?);
    Some((Timestamp((due ^ SIGN) as i64), TimerKey { kind: *key.get(11)?, object }))
}

const SIGN: u64 = 1 << 63;

/// The sign flipped, so that instants before 1970 sort first.
fn sortable(at: Timestamp) -> u64 {
    at.0 as u64 ^ SIGN
}

/// Puts records into groups, one buffer after the other.
pub(crate) struct Encoder {
    at: Timestamp,
    buffer: Vec<u8>,
    count: u32,
    /// Bytes that are still to come, about.
    left: usize,
}

impl Encoder {
    /// `bytes`: about how many will be pushed, so that buffers are made in their size and not grown to it.
    pub(crate) fn new(at: Timestamp, bytes: usize) -> Self {
        Self { at, buffer: Vec::new(), count: 0, left: bytes }
    }

    pub(crate) fn push(&mut self, record: &Record) {
        let out = &mut self.buffer;
        if self.count == 0 {
            // A group ends with the record that fills it.
            let room = self.left.min(GROUP_BYTES_MAX) + record.size();
            out.reserve(GROUP_HEAD_BYTES + room);
            self.left = self.left.saturating_sub(GROUP_BYTES_MAX);
            out.push(GROUP_VERSION);
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(&self.at.0.to_le_bytes());
        }
        self.count += 1;
        match &record.key {
            Some(key) => {
                varint(out, key.len() + 1);
                out.extend_from_slice(key);
            }
            None => varint(out, 0),
        }
        varint(out, record.headers.len());
        for Header { name, value } in &record.headers {
            varint(out, name.len());
            out.extend_from_slice(name.as_bytes());
            varint(out, value.len());
            out.extend_from_slice(value);
        }
        varint(out, record.value.len());
        out.extend_from_slice(&record.value);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= GROUP_BYTES_MAX
    }

    /// The group so far and its count, if there is anything in it; begins the next one.
    pub(crate) fn take(&mut self) -> Option<(Bytes, u32)> {
        let count = std::mem::take(&mut self.count);
        if count == 0 {
            return None;
        }
        let mut group = std::mem::take(&mut self.buffer);
        group[1..5].copy_from_slice(&count.to_le_bytes());
        Some((Bytes::from(group), count))
    }
}

fn varint(out: &mut Vec<u8>, n: usize) {
    let mut n = n;
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// A group being read.
#[derive(Debug)]
pub(crate) struct Cursor {
    group: Bytes,
    place: usize,
    /// Offset of the record at `place`.
    pub(crate) offset: u64,
    left: u32,
    pub(crate) at: Timestamp,
}

/// The group's bytes do not add up.
#[derive(Debug)]
pub(crate) struct Malformed;

impl Cursor {
    pub(crate) fn open(first: u64, group: Bytes) -> Result<Self, Malformed> {
        let head: &[u8; GROUP_HEAD_BYTES] = group.first_chunk().ok_or(Malformed)?;
        let [version, c0, c1, c2, c3, at @ ..] = *head;
        if version != GROUP_VERSION {
            return Err(Malformed);
        }
        let left = u32::from_le_bytes([c0, c1, c2, c3]);
        let at = Timestamp(i64::from_le_bytes(at));
        Ok(Self { group, place: GROUP_HEAD_BYTES, offset: first, left, at })
    }

    /// Offset after the group's last record.
    pub(crate) fn end(&self) -> u64 {
        self.offset + u64::from(self.left)
    }

    pub(crate) fn next(&mut self) -> Result<Option<Stored>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        let bytes = &self.group[..];
        let mut place = self.place;
        let key = match length(bytes, &mut place)? {
            0 => None,
            len => Some(self.slice(&mut place, len - 1)?),
        };
        let mut headers = Headers::new();
        for _ in 0..length(bytes, &mut place)? {
            let len = length(bytes, &mut place)?;
            let name = span(bytes, &mut place, len)?;
            let name = CompactString::from_utf8(&bytes[name]).map_err(|_| Malformed)?;
            let len = length(bytes, &mut place)?;
            headers.push(Header { name, value: self.slice(&mut place, len)? });
        }
        let len = length(bytes, &mut place)?;
        let value = self.slice(&mut place, len)?;
        let stored = Stored { offset: self.offset, at: self.at, record: Record { key, headers, value } };
        self.step(place);
        Ok(Some(stored))
    }

    /// Passes records below `offset` without making anything of them.
    pub(crate) fn skip_to(&mut self, offset: u64) -> Result<(), Malformed> {
        while self.offset < offset && self.left > 0 {
            let bytes = &self.group[..];
            let mut place = self.place;
            let len = length(bytes, &mut place)?.saturating_sub(1);
            span(bytes, &mut place, len)?;
            for _ in 0..2 * length(bytes, &mut place)? {
                let len = length(bytes, &mut place)?;
                span(bytes, &mut place, len)?;
            }
            let len = length(bytes, &mut place)?;
            span(bytes, &mut place, len)?;
            self.step(place);
        }
        Ok(())
    }

    fn step(&mut self, place: usize) {
        self.place = place;
        self.offset += 1;
        self.left -= 1;
    }

    fn slice(&self, place: &mut usize, len: usize) -> Result<Bytes, Malformed> {
        span(&self.group, place, len).map(|span| self.group.slice(span))
    }
}

fn span(bytes: &[u8], place: &mut usize, len: usize) -> Result<std::ops::Range<usize>, Malformed> {
    let end = place.checked_add(len).filter(|end| *end <= bytes.len()).ok_or(Malformed)?;
    let span = *place..end;
    *place = end;
    Ok(span)
}

fn length(bytes: &[u8], place: &mut usize) -> Result<usize, Malformed> {
    let mut n = 0_usize;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*place).ok_or(Malformed)?;
        *place += 1;
        n |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(n);
        }
    }
    Err(Malformed)
}
