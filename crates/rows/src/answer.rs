//! What a command was answered.

use campanile_model::outcome::RefusedReason;
use campanile_triage::Answer;

use crate::wire::{Reader, RowError, put_varint};

pub fn encode(answer: &Answer, out: &mut Vec<u8>) {
    out.push(1);
    match answer {
        Answer::Applied(revision) => {
            out.push(0);
            put_varint(out, *revision);
        }
        Answer::Unchanged(revision) => {
            out.push(1);
            put_varint(out, *revision);
        }
        Answer::Refused(reason) => {
            out.push(2);
            put_varint(out, *reason as u64);
        }
    }
}

pub fn decode(bytes: &[u8]) -> Result<Answer, RowError> {
    let mut reader = Reader::open("answer", bytes)?;
    let answer = match (reader.u8(), reader.varint()) {
        (Some(0), Some(revision)) => Some(Answer::Applied(revision)),
        (Some(1), Some(revision)) => Some(Answer::Unchanged(revision)),
        (Some(2), Some(at)) => RefusedReason::ALL.get(at as usize).copied().map(Answer::Refused),
        _ => None,
    };
    reader.done(answer)
}
