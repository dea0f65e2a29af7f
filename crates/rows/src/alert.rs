//! The hot row of an alert, about 60 bytes: it is rewritten at every repeat.

use campanile_model::{AlertId, AlertStatus, Hidden, IncidentId, Severity};
use campanile_triage::{Alert, AlertRow};

use crate::wire::{Reader, RowError, put_option, put_time, put_u64, put_varint};

const KIND: &str = "alert";
const OPEN: u8 = 0;
const TOMBSTONE: u8 = 1;

pub fn encode(row: &AlertRow, out: &mut Vec<u8>) {
    out.push(1);
    match row {
        AlertRow::Open(alert) => {
            out.push(OPEN);
            encode_open(alert, out);
        }
        AlertRow::Tombstone { partition, offset, at } => {
            out.push(TOMBSTONE);
            put_varint(out, u64::from(*partition));
            put_varint(out, *offset);
            put_time(out, *at);
        }
    }
}

fn encode_open(alert: &Alert, out: &mut Vec<u8>) {
    put_u64(out, alert.id.0);
    // Only open alerts have rows, so the status is not written.
    out.push(alert.severity as u8);
    put_option(out, alert.hidden, |out, hidden| out.push(hidden as u8));
    put_option(out, alert.incident, |out, id| put_u64(out, id.0));
    put_varint(out, alert.count);
    put_time(out, alert.first_seen);
    put_time(out, alert.last_seen);
    let (partition, offset, at) = alert.last_trigger;
    put_varint(out, u64::from(partition));
    put_varint(out, offset);
    put_time(out, at);
}

pub fn decode(bytes: &[u8]) -> Result<AlertRow, RowError> {
    let mut reader = Reader::open(KIND, bytes)?;
    let row = match reader.u8() {
        Some(OPEN) => decode_open(&mut reader).map(AlertRow::Open),
        Some(TOMBSTONE) => {
            place(&mut reader).map(|(partition, offset, at)| AlertRow::Tombstone { partition, offset, at })
        }
        _ => None,
    };
    reader.done(row)
}

fn place(reader: &mut Reader<'_>) -> Option<(u16, u64, campanile_model::Timestamp)> {
    Some((u16::try_from(reader.varint()?).ok()?, reader.varint()?, reader.time()?))
}

fn decode_open(reader: &mut Reader<'_>) -> Option<Alert> {
    let id = AlertId(reader.u64()?);
    let severity = *Severity::ALL.get(usize::from(reader.u8()?))?;
    let hidden = reader.option(|r| Hidden::ALL.get(usize::from(r.u8()?)).copied())?;
    let incident = reader.option(|r| r.u64().map(IncidentId))?;
    let (count, first_seen, last_seen) = (reader.varint()?, reader.time()?, reader.time()?);
    let last_trigger = place(reader)?;
    Some(Alert {
        id,
        status: AlertStatus::Triggered,
        severity,
        hidden,
        incident,
        count,
        first_seen,
        last_seen,
        last_trigger,
        resolved_at: None,
    })
}
