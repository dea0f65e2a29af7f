//! Where the ring of a round-robin level stands.

use crate::wire::{Reader, RowError, put_varint};

pub fn encode(next: &u32, out: &mut Vec<u8>) {
    out.push(1);
    put_varint(out, u64::from(*next));
}

pub fn decode(bytes: &[u8]) -> Result<u32, RowError> {
    let mut reader = Reader::open("ring", bytes)?;
    let next = reader.u32();
    reader.done(next)
}
