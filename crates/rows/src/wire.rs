//! The few shapes that all rows are made of: little-endian integers, varints, length-prefixed bytes, optional values.

use campanile_model::Timestamp;

/// A row that cannot be read: the store is damaged, or a newer version wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    #[error("{kind} row has version {found}, this program reads up to {known}")]
    Version { kind: &'static str, found: u8, known: u8 },
    #[error("{kind} row of {len} bytes ends early or holds an impossible value")]
    Damaged { kind: &'static str, len: usize },
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u128(out: &mut Vec<u8>, value: u128) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_time(out: &mut Vec<u8>, at: Timestamp) {
    put_u64(out, at.0 as u64);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

pub(crate) fn put_list<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    put_varint(out, items.len() as u64);
    for item in items {
        put(out, item);
    }
}

pub(crate) fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            put(out, value);
        }
    }
}

/// Reads a row front to back. Every getter gives `None` past the end, and [`Reader::done`] turns that into an error.
pub(crate) struct Reader<'a> {
    kind: &'static str,
    whole: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Opens a row and checks its version byte, which must be 1.
    pub(crate) fn open(kind: &'static str, bytes: &'a [u8]) -> Result<Self, RowError> {
        Self::open_up_to(1, kind, bytes).map(|(_, reader)| reader)
    }

    /// Opens a row of any version from 1 to the one that is written today, and gives the one found.
    pub(crate) fn open_up_to(known: u8, kind: &'static str, bytes: &'a [u8]) -> Result<(u8, Self), RowError> {
        match bytes.split_first() {
            Some((found, rest)) if (1..=known).contains(found) => Ok((*found, Self { kind, whole: bytes.len(), rest })),
            Some((found, _)) => Err(RowError::Version { kind, found: *found, known }),
            None => Err(RowError::Damaged { kind, len: 0 }),
        }
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        Some(u128::from_le_bytes(self.take(16)?.try_into().ok()?))
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok()
    }

    /// A list that was written with its length in front.
    pub(crate) fn list<T>(&mut self, get: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.varint()?;
        // A damaged count must not reserve memory; the list ends with the bytes.
        (0..count).map(|_| get(self)).collect()
    }

    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        Some(Timestamp(self.u64()? as i64))
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn option<T>(&mut self, get: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            1 => Some(Some(get(self)?)),
            _ => None,
        }
    }

    /// The value, if it was read whole and nothing is left over.
    pub(crate) fn done<T>(&self, value: Option<T>) -> Result<T, RowError> {
        let damaged = RowError::Damaged { kind: self.kind, len: self.whole };
        value.filter(|_| self.rest.is_empty()).ok_or(damaged)
    }
}
