//! The cold row of an alert.

use campanile_model::{Hidden, ServiceId};
use campanile_triage::{Details, Named, Verdict};
use compact_str::CompactString;

use crate::wire::{Reader, RowError, put_bytes, put_text};

/// Names that a verdict's grouping may have; the row holds the place in this list, so the list only grows.
const GROUPINGS: [&str; 4] = ["time", "content_based", "intelligent", "content_based_intelligent"];

pub fn encode(details: &Details, out: &mut Vec<u8>) {
    out.push(1);
    put_text(out, details.service.id.as_str());
    put_text(out, &details.service.name);
    put_text(out, &details.integration);
    put_text(out, &details.dedup_key);
    put_text(out, &details.summary);
    match &details.verdict {
        Verdict::Opened => out.push(0),
        Verdict::Grouped(name) => {
            out.push(1);
            out.push(GROUPINGS.iter().position(|known| known == name).unwrap_or(0) as u8);
        }
        Verdict::Hidden(hidden, by) => {
            out.push(2);
            out.push(*hidden as u8);
            put_text(out, by);
        }
        Verdict::Overtaken => out.push(3),
    }
    put_bytes(out, &details.body);
}

pub fn decode(bytes: &[u8]) -> Result<Details, RowError> {
    let mut reader = Reader::open("details", bytes)?;
    let details = read(&mut reader);
    reader.done(details)
}

fn read(reader: &mut Reader<'_>) -> Option<Details> {
    let service = Named { id: ServiceId::new(reader.text()?), name: CompactString::new(reader.text()?) };
    let integration = CompactString::new(reader.text()?);
    let (dedup_key, summary) = (reader.text()?.to_owned(), reader.text()?.to_owned());
    let verdict = match reader.u8()? {
        0 => Verdict::Opened,
        1 => Verdict::Grouped(GROUPINGS.get(usize::from(reader.u8()?))?),
        2 => {
            let hidden = *Hidden::ALL.get(usize::from(reader.u8()?))?;
            Verdict::Hidden(hidden, CompactString::new(reader.text()?))
        }
        3 => Verdict::Overtaken,
        _ => return None,
    };
    let body = reader.bytes()?.to_vec();
    Some(Details { service, integration, dedup_key, summary, verdict, body })
}
