//! Which input comes next. The door goes first in each slice, at most a quarter of it; then main and hop, the older
//! head first, a hop counting by its source's append time.

use std::collections::VecDeque;

use campanile_ledger::{Intake, Lane, Stored};
use campanile_model::Source;
use campanile_record::hop;

use crate::machine::Taken;

/// Takes up to `max` inputs in the order in which they are judged. `shard` is the partition of all three lanes.
pub(crate) fn take(intake: &mut Intake, shard: u16, max: usize, into: &mut VecDeque<Taken>) {
    for _ in 0..max / 4 {
        let Some(stored) = intake.door.pop_front() else { break };
        let source = hop::first_append(shard, &stored);
        into.push_back(Taken { lane: Lane::Door, stored, source });
    }
    while into.len() < max {
        let hop_head = intake.hop.front().map(|stored| hop_source(shard, stored));
        match (intake.main.front(), hop_head) {
            // A reader that is not at its end may still hold an older head than the one in hand: wait for it.
            (Some(_), None) if !intake.hop_at_end => break,
            (None, Some(_)) if !intake.main_at_end => break,
            (None, None) => break,
            (Some(main), Some(hop)) if hop.at < main.at => take_hop(intake, hop, into),
            (Some(_), _) => take_main(intake, shard, into),
            (None, Some(hop)) => take_hop(intake, hop, into),
        }
    }
}

/// Puts back what was taken and not judged.
pub(crate) fn put_back(intake: &mut Intake, rest: &mut VecDeque<Taken>) {
    while let Some(taken) = rest.pop_back() {
        match taken.lane {
            Lane::Main => intake.main.push_front(taken.stored),
            Lane::Hop => intake.hop.push_front(taken.stored),
            Lane::Door => intake.door.push_front(taken.stored),
        }
    }
}

/// A hop without an envelope was not written by a shard of ours; its own place must do, and the machine will refuse it.
fn hop_source(shard: u16, stored: &Stored) -> Source {
    hop::source(&stored.record).unwrap_or_else(|| hop::first_append(shard, stored))
}

fn take_main(intake: &mut Intake, shard: u16, into: &mut VecDeque<Taken>) {
    if let Some(stored) = intake.main.pop_front() {
        let source = hop::first_append(shard, &stored);
        into.push_back(Taken { lane: Lane::Main, stored, source });
    }
}

fn take_hop(intake: &mut Intake, source: Source, into: &mut VecDeque<Taken>) {
    if let Some(stored) = intake.hop.pop_front() {
        into.push_back(Taken { lane: Lane::Hop, stored, source });
    }
}

/// Whether an input of this lane moves the shard's clock. A command must neither wait for a backlog nor age it.
pub(crate) fn moves_time(lane: Lane) -> bool {
    match lane {
        Lane::Main | Lane::Hop => true,
        Lane::Door => door_moves_now(),
    }
}

#[cfg(not(feature = "faults"))]
const fn door_moves_now() -> bool {
    false
}

/// A fault on purpose, so that a test can show that it would be found.
#[cfg(feature = "faults")]
fn door_moves_now() -> bool {
    static IS_SO: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *IS_SO.get_or_init(|| std::env::var("CAMPANILE_MUTATE").is_ok_and(|fault| fault == "door-moves-now"))
}
