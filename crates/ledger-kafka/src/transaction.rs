//! The committer: one thread per shard that sends sealed batches, in order, until each is committed or the shard is lost.
//!
//! ```text
//!  take ──► session? ──► producer? ──► begin · produce · drain · send_offsets · commit ──► committed
//!              │             │  none: probe · new · init · resolve          │
//!              └ lost        └─────────────◄── drop ◄── fatal or unknown ───┤
//!                                          ◄── abort ◄── passes by itself ──┘
//! ```
//!
//! A batch is never computed again, so an abort costs nothing but time. *Fenced is not lost*: the group decides who owns a
//! shard, the producer's epoch only ends transactions; hence the probe before a producer is made anew, and before an abort
//! for which the client asks for a new epoch. Between the probe's answer and the new epoch lie milliseconds in which a
//! process may still be stopped for longer than its session: then it fences the owner once, which probes, goes on, and has
//! lost nothing; the zombie's next offsets are refused.

use std::sync::Arc;
use std::time::Duration;

use campanile_ledger::{CommitRecord, Publish, Topic};

use crate::commit_record::{COMMIT_KEY, due_value, row_key, timer_key};
use crate::faults::{self, Counter, Fault as Mutation, Point};
use crate::options::Gate;
use crate::post::{End, Post};
use crate::wire::{Delivered, Fault, Outgoing, Place, Probe, Producer, Session, Wire};
use crate::write_behind::Changes;

const BACKOFF_LEAST: Duration = Duration::from_millis(50);
const BACKOFF_MOST: Duration = Duration::from_secs(2);
/// How often something is tried that was refused for good.
const HALTED_RETRY: Duration = Duration::from_secs(10);
/// A commit that took longer may have been repeated inside the client; its producer is not used again.
const COMMIT_SLOW: Duration = Duration::from_secs(2);
/// Between two looks for a session while the group rebalances.
const SESSION_NAP: Duration = Duration::from_millis(20);

/// A batch on its way: what is sent never changes again.
pub(crate) struct Sealed {
    pub(crate) record: CommitRecord,
    pub(crate) changes: Arc<Changes>,
    pub(crate) publish: Vec<Publish>,
}

/// What a look at the committed offset says of a batch whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    Committed,
    SendAgain,
    Lost(String),
}

pub(crate) struct Committer {
    pub(crate) shard: u16,
    pub(crate) wire: Arc<dyn Wire>,
    pub(crate) post: Arc<Post>,
    pub(crate) producer: Option<Box<dyn Producer>>,
    pub(crate) gate: Option<Gate>,
}

impl Committer {
    /// Sends what comes until the shard ends.
    pub(crate) fn run(mut self) {
        while let Some(sealed) = self.post.take() {
            self.settle(&sealed);
        }
    }

    /// Sends one batch until it is committed or the shard has ended.
    pub(crate) fn settle(&mut self, sealed: &Sealed) {
        let mut backoff = BACKOFF_LEAST;
        if let Some(gate) = &self.gate {
            gate();
        }
        while !self.post.has_ended() {
            match self.attempt(sealed) {
                Ok(delivered) => {
                    faults::reach(Point::Committed);
                    return self.post.committed(&sealed.record, delivered);
                }
                Err(Outcome::Lost(reason)) => return self.post.end(End::Lost(reason)),
                Err(Outcome::Wait) => self.post.host.sleep(SESSION_NAP),
                Err(Outcome::Retry(reason)) => {
                    tracing::warn!(shard = self.shard, seq = sealed.record.seq, reason, "a commit is tried again");
                    self.post.pause(backoff);
                    backoff = (backoff * 2).min(BACKOFF_MOST);
                }
                Err(Outcome::Halted(reason)) => {
                    tracing::error!(shard = self.shard, seq = sealed.record.seq, reason, "a commit is refused");
                    self.post.halted(Some(reason));
                    self.post.pause(HALTED_RETRY);
                }
            }
        }
    }

    fn attempt(&mut self, sealed: &Sealed) -> Result<Option<Delivered>, Outcome> {
        let session = self.session()?;
        if self.producer.is_none() {
            match self.renew(sealed)? {
                Resolved::Committed => return Ok(None),
                Resolved::SendAgain => {}
                Resolved::Lost(reason) => return Err(Outcome::Lost(reason)),
            }
        }
        faults::note(Counter::TransactionsBegun, 1);
        let outcome = self.transact(sealed, &session);
        faults::note(Counter::TransactionsEnded, 1);
        outcome
    }

    fn transact(&mut self, sealed: &Sealed, session: &Session) -> Result<Option<Delivered>, Outcome> {
        let Some(producer) = self.producer.as_mut() else { return Err(Outcome::Wait) };
        let sent = match faults::chosen() {
            Mutation::CommitBeforeState => send_record_first(producer.as_mut(), sealed, session),
            _ => send(producer.as_mut(), sealed, session),
        };
        match sent {
            Ok(delivered) => self.commit(delivered),
            Err(Fault::Dead(reason)) => {
                self.producer = None;
                Err(Outcome::Retry(reason))
            }
            Err(fault) => {
                self.abort(sealed)?;
                Err(match fault {
                    Fault::Refused(reason) => Outcome::Halted(reason),
                    Fault::Again(reason) | Fault::Dead(reason) => Outcome::Retry(reason),
                })
            }
        }
    }

    /// Ends the open transaction and keeps the producer if that can harm nobody; otherwise the producer goes, and whoever
    /// is next made under its id ends the transaction.
    fn abort(&mut self, sealed: &Sealed) -> Result<(), Outcome> {
        let Some(producer) = self.producer.as_mut() else { return Ok(()) };
        if producer.abort_may_fence() {
            match ask(self.wire.as_ref(), self.shard, sealed) {
                Probe::Member => {}
                Probe::Unclear(reason) => {
                    tracing::warn!(shard = self.shard, reason, "the group gives no answer; the producer is made anew");
                    self.producer = None;
                    return Ok(());
                }
                Probe::Gone(reason) => {
                    self.producer = None;
                    return Err(Outcome::Lost(reason));
                }
            }
        }
        if let Err(failed) = producer.abort() {
            tracing::warn!(shard = self.shard, %failed, "an abort failed; the producer is made anew");
            self.producer = None;
        }
        Ok(())
    }

    fn commit(&mut self, delivered: Delivered) -> Result<Option<Delivered>, Outcome> {
        let Some(producer) = self.producer.as_mut() else { return Err(Outcome::Wait) };
        let began = self.post.host.now();
        faults::reach(Point::Ending);
        match faults::commit(|| producer.commit()) {
            Ok(()) => {
                if producer.is_disturbed() || self.post.host.now().saturating_duration_since(began) > COMMIT_SLOW {
                    // The answer may be to a repeated request, and the first may still come and end what follows.
                    self.producer = None;
                }
                Ok(Some(delivered))
            }
            Err(fault) => {
                // Unknown, whatever the error says: only the committed offset tells.
                if faults::chosen() != Mutation::ReusedProducer {
                    self.producer = None;
                }
                Err(Outcome::Retry(fault.to_string()))
            }
        }
    }

    fn session(&self) -> Result<Session, Outcome> {
        if self.post.has_ended() {
            return Err(Outcome::Lost("the shard has ended".to_owned()));
        }
        self.post.session().ok_or(Outcome::Wait)
    }

    /// A new producer, but only as a member: otherwise a zombie and the rightful owner would fence each other for ever.
    fn renew(&mut self, sealed: &Sealed) -> Result<Resolved, Outcome> {
        faults::reach_of(Point::Renewing, self.shard);
        match ask(self.wire.as_ref(), self.shard, sealed) {
            Probe::Member => faults::reach_of(Point::Probed, self.shard),
            Probe::Unclear(reason) => return Err(Outcome::Retry(reason)),
            Probe::Gone(reason) => return Err(Outcome::Lost(reason)),
        }
        let outcome = |fault| match fault {
            Fault::Refused(reason) => Outcome::Halted(reason),
            Fault::Again(reason) | Fault::Dead(reason) => Outcome::Retry(reason),
        };
        let producer = self.wire.producer(self.shard).map_err(outcome)?;
        let resolved = resolve(self.wire.as_ref(), self.shard, &sealed.record).map_err(outcome)?;
        self.producer = Some(producer);
        tracing::info!(shard = self.shard, seq = sealed.record.seq, ?resolved, "the producer was made anew");
        Ok(resolved)
    }
}

/// Asks the group whether we are still of it.
fn ask(wire: &dyn Wire, shard: u16, sealed: &Sealed) -> Probe {
    match faults::chosen() {
        Mutation::NoProbe => Probe::Member,
        _ => wire.probe(shard, sealed.record.next[2]),
    }
}

enum Outcome {
    Lost(String),
    /// No session at this moment.
    Wait,
    Retry(String),
    Halted(String),
}

/// Sends all of a batch and its offset, up to but without the commit.
fn send(producer: &mut dyn Producer, sealed: &Sealed, session: &Session) -> Result<Delivered, Fault> {
    producer.begin()?;
    send_state(producer, sealed)?;
    send_record(producer, sealed, session)
}

/// The fault of that name: two transactions where there must be one. The caller commits the second.
fn send_record_first(producer: &mut dyn Producer, sealed: &Sealed, session: &Session) -> Result<Delivered, Fault> {
    producer.begin()?;
    let delivered = send_record(producer, sealed, session)?;
    producer.commit()?;
    producer.begin()?;
    send_state(producer, sealed)?;
    Ok(delivered)
}

fn send_state(producer: &mut dyn Producer, sealed: &Sealed) -> Result<(), Fault> {
    for publish in &sealed.publish {
        let place = Place::Topic(publish.topic, publish.partition);
        producer.produce(place, Outgoing::Record(&publish.record), false)?;
    }
    faults::reach_half(sealed.record.epoch.0);
    for (key, value) in &sealed.changes.rows {
        let row = Outgoing::Row { key: &row_key(*key), value: value.as_deref() };
        producer.produce(Place::Changelog, row, false)?;
    }
    for (key, due) in &sealed.changes.timers {
        let value = due.map(due_value);
        let row = Outgoing::Row { key: &timer_key(*key), value: value.as_ref().map(|value| value.as_slice()) };
        producer.produce(Place::Changelog, row, false)?;
    }
    Ok(())
}

fn send_record(producer: &mut dyn Producer, sealed: &Sealed, session: &Session) -> Result<Delivered, Fault> {
    let text = sealed.record.to_string();
    // Last of all, so that who reads it has read everything it speaks of.
    let commit = Outgoing::Row { key: COMMIT_KEY, value: Some(text.as_bytes()) };
    producer.produce(Place::Changelog, commit, true)?;
    let delivered = match faults::chosen() {
        Mutation::SkippedDrain => Delivered { offset: 0, at: sealed.record.now },
        _ => producer.drain()?,
    };
    faults::reach(Point::Drained);
    // Also when only timers, hop or door moved: without it the group would not fence this transaction.
    producer.send_offsets(sealed.record.next[0], &text, session)?;
    faults::reach(Point::OffsetsSent);
    faults::reach_if(Point::Forwarding, || sealed.publish.iter().any(|publish| publish.topic == Topic::Triage));
    Ok(delivered)
}

/// What became of a batch, by the committed offset and, where that says nothing, by the changelog.
pub(crate) fn resolve(wire: &dyn Wire, shard: u16, record: &CommitRecord) -> Result<Resolved, Fault> {
    let witness = wire.committed(shard)?.and_then(|witness| witness.metadata.parse::<CommitRecord>().ok());
    let found = match witness {
        Some(found) => Some(found),
        // Somebody reset the offsets, which clears the metadata: the changelog is the truth anyway.
        None => last_commit(wire, shard)?,
    };
    Ok(judge(found.as_ref(), record))
}

fn judge(found: Option<&CommitRecord>, record: &CommitRecord) -> Resolved {
    if faults::chosen() == Mutation::OutSeqForSeq {
        let is_in = found.is_some_and(|found| found.out_seq == record.out_seq && found.claim == record.claim);
        return if is_in { Resolved::Committed } else { Resolved::SendAgain };
    }
    let seq = found.map_or(0, |found| found.seq);
    match found {
        Some(found) if found.seq == record.seq && found.claim == record.claim => Resolved::Committed,
        _ if seq + 1 == record.seq => Resolved::SendAgain,
        _ => Resolved::Lost(format!("commit {seq} is in the way of {}: another owner has committed since", record.seq)),
    }
}

fn last_commit(wire: &dyn Wire, shard: u16) -> Result<Option<CommitRecord>, Fault> {
    let ends = wire.changelog_ends(shard)?;
    let mut last = None;
    wire.changelog(shard, ends.start, ends.end, &mut |change| {
        if change.key == COMMIT_KEY {
            let text = change.value.and_then(|value| std::str::from_utf8(value).ok());
            last = text.and_then(|text| text.parse().ok()).or_else(|| last.take());
        }
    })?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64, claim: u64) -> CommitRecord {
        CommitRecord { seq, claim, ..CommitRecord::default() }
    }

    #[test]
    fn batch_in_doubt_is_judged_by_number_and_claim() {
        let mine = record(8, 77);
        assert_eq!(judge(Some(&record(8, 77)), &mine), Resolved::Committed);
        assert_eq!(judge(Some(&record(7, 77)), &mine), Resolved::SendAgain);
        assert_eq!(judge(None, &record(1, 77)), Resolved::SendAgain, "the very first commit");
        assert!(matches!(judge(Some(&record(8, 78)), &mine), Resolved::Lost(_)), "same number, another claim");
        assert!(matches!(judge(Some(&record(9, 78)), &mine), Resolved::Lost(_)));
        assert!(matches!(judge(None, &mine), Resolved::Lost(_)), "a changelog that lost everything is not sent over");
    }
}
