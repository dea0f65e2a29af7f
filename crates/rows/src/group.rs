//! Which incident a group's next alert would join, if that incident still takes one.

use campanile_model::IncidentId;

use crate::wire::{Reader, RowError, put_u64};

pub fn encode(id: &IncidentId, out: &mut Vec<u8>) {
    out.push(1);
    put_u64(out, id.0);
}

pub fn decode(bytes: &[u8]) -> Result<IncidentId, RowError> {
    let mut reader = Reader::open("group", bytes)?;
    let id = reader.u64().map(IncidentId);
    reader.done(id)
}
