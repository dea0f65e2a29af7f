//! One page of an incident's members, each with the groups it made.

use campanile_model::AlertId;
use campanile_triage::{AlertKey, GroupKey, Member, Members};
use smallvec::SmallVec;

use crate::wire::{Reader, RowError, put_u64, put_u128, put_varint};

pub fn encode(members: &Members, out: &mut Vec<u8>) {
    out.push(1);
    put_varint(out, members.len() as u64);
    for member in members {
        put_u128(out, member.alert.packed());
        put_u64(out, member.id.0);
        put_varint(out, member.groups.len() as u64);
        for group in &member.groups {
            put_varint(out, u64::from(group.scope));
            put_u128(out, group.hash);
        }
    }
}

pub fn decode(bytes: &[u8]) -> Result<Members, RowError> {
    let mut reader = Reader::open("members", bytes)?;
    let members = read(&mut reader);
    reader.done(members)
}

fn read(reader: &mut Reader<'_>) -> Option<Members> {
    let count = reader.varint()?;
    let mut members = Members::new();
    for _ in 0..count {
        let (alert, id) = (AlertKey::unpack(reader.u128()?), AlertId(reader.u64()?));
        let mut groups = SmallVec::new();
        for _ in 0..reader.varint()? {
            let scope = u32::try_from(reader.varint()?).ok()?;
            groups.push(GroupKey { scope, hash: reader.u128()? });
        }
        members.push(Member { alert, id, groups });
    }
    Some(members)
}
