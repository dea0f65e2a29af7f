//! Groups as they are stored: packed once, before WAL, memtable and blob file each copy them.
//!
//! A packed group keeps the head of the plain one, with a version of its own, then the length of the rest and the rest
//! as one LZ4 block.

use std::cell::RefCell;

use bytes::Bytes;
use lz4::block::{CompressionMode, compress_bound, compress_to_buffer, decompress_to_buffer};

use crate::format::{GROUP_BYTES_MAX, GROUP_HEAD_BYTES, GROUP_VERSION, Malformed};

const PACKED_VERSION: u8 = 2;
const HEAD_BYTES: usize = GROUP_HEAD_BYTES + 4;

/// Groups below this stay plain: single events hardly shrink.
const PACKED_FROM_BYTES: usize = 1024;

/// A group ends with the record that fills it; a length beyond this was never written.
const BODY_BYTES_MAX: usize = GROUP_BYTES_MAX + (64 << 20);

thread_local! {
    /// Room to pack and unpack in. Kept: a fresh one for every group would be zeroed page by page.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn with_room<T>(bytes: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    ROOM.with_borrow_mut(|room| {
        if room.len() < bytes {
            room.resize(bytes, 0);
        }
        work(&mut room[..bytes])
    })
}

/// Shows what is to be stored for `group`: its packed form, or the group itself where packing gains nothing.
pub(crate) fn pack<T>(group: &[u8], store: impl FnOnce(&[u8]) -> T) -> T {
    let (head, body) = group.split_at(GROUP_HEAD_BYTES.min(group.len()));
    let bound = compress_bound(body.len()).unwrap_or(0);
    if group.len() < PACKED_FROM_BYTES || bound == 0 {
        return store(group);
    }
    with_room(HEAD_BYTES + bound, |room| {
        let (to, block) = room.split_at_mut(HEAD_BYTES);
        to[..GROUP_HEAD_BYTES].copy_from_slice(head);
        to[0] = PACKED_VERSION;
        to[GROUP_HEAD_BYTES..].copy_from_slice(&(body.len() as u32).to_le_bytes());
        match compress_to_buffer(body, Some(CompressionMode::DEFAULT), false, block) {
            Ok(len) if len < body.len() => store(&room[..HEAD_BYTES + len]),
            _ => store(group),
        }
    })
}

/// The plain group of what was stored.
pub(crate) fn unpack(stored: &[u8]) -> Result<Bytes, Malformed> {
    if stored.first() != Some(&PACKED_VERSION) {
        return Ok(Bytes::copy_from_slice(stored));
    }
    let (head, block) = stored.split_at_checked(HEAD_BYTES).ok_or(Malformed)?;
    let (plain, len) = head.split_at(GROUP_HEAD_BYTES);
    let len = u32::from_le_bytes(len.try_into().map_err(|_| Malformed)?) as usize;
    if len > BODY_BYTES_MAX {
        return Err(Malformed);
    }
    with_room(GROUP_HEAD_BYTES + len, |room| {
        let (to, body) = room.split_at_mut(GROUP_HEAD_BYTES);
        to.copy_from_slice(plain);
        to[0] = GROUP_VERSION;
        match decompress_to_buffer(block, Some(len as i32), body) {
            Ok(found) if found == len => Ok(Bytes::copy_from_slice(room)),
            _ => Err(Malformed),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(body: &[u8]) -> Vec<u8> {
        let mut group = vec![GROUP_VERSION; 1];
        group.extend_from_slice(&[7; GROUP_HEAD_BYTES - 1]);
        group.extend_from_slice(body);
        group
    }

    #[test]
    fn packed_group_comes_back() {
        let group = group(&b"disk 91% full on db-07 ".repeat(400));
        let packed = pack(&group, <[u8]>::to_vec);
        assert!(packed.len() * 5 < group.len(), "{} of {} bytes", packed.len(), group.len());
        assert_eq!(unpack(&packed).expect("what was packed"), group);
    }

    #[test]
    fn small_group_stays_plain() {
        let group = group(b"short");
        assert_eq!(pack(&group, <[u8]>::to_vec), group);
        assert_eq!(unpack(&group).expect("plain"), group);
    }

    #[test]
    fn group_that_does_not_shrink_stays_plain() {
        let noise: Vec<u8> =
            (0_u64..4096).flat_map(|n| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()).to_le_bytes()).collect();
        let group = group(&noise);
        assert_eq!(pack(&group, <[u8]>::to_vec), group);
    }

    #[test]
    fn packed_group_with_another_length_is_malformed() {
        let group = group(&b"disk full ".repeat(400));
        let packed = pack(&group, <[u8]>::to_vec);
        for (place, byte) in [(GROUP_HEAD_BYTES, 1), (GROUP_HEAD_BYTES + 3, 0xff)] {
            let mut damaged = packed.clone();
            damaged[place] ^= byte;
            assert!(unpack(&damaged).is_err(), "byte {place} changed");
        }
        assert!(unpack(&packed[..HEAD_BYTES - 1]).is_err());
        assert!(unpack(&packed[..packed.len() - 1]).is_err());
    }
}
