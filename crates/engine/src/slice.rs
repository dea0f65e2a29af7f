//! One slice: inputs are decoded together, their rows fetched together, and then judged one by one, timers between them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use campanile_ledger::{Lane, RowKey, Shard, Stop};
use campanile_model::Timestamp;
use campanile_model::outcome::DeadReason;
use campanile_record::steps::Steps;

use crate::cadence::Cadence;
use crate::lanes;
use crate::machine::{Damage, Machine, Taken};
use crate::output::Output;
use crate::quarantine::Quarantine;
use crate::timers::Timers;

/// How far log time may run ahead of the wall before an input is judged at the wall instead. Source: LEDGER.md 4.
const AHEAD_MAX: campanile_model::Span = campanile_model::Span::minutes(5);

/// The batch that grows until it is sealed.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    pub(crate) output: Output,
    pub(crate) timers: Timers,
    pub(crate) steps: Steps,
    pub(crate) next: [u64; 3],
    pub(crate) now: Timestamp,
    /// Bytes of inputs, an estimate of the rows they leave.
    pub(crate) bytes_in: usize,
    pub(crate) inputs: usize,
    pub(crate) fired: Vec<(&'static str, u64)>,
    pub(crate) clamped: u64,
}

impl Growing {
    pub(crate) fn is_empty(&self) -> bool {
        self.inputs == 0 && self.steps.is_empty()
    }

    pub(crate) fn changes(&self, pending: usize) -> usize {
        // One timer may fire again and again: each time counts.
        let fired: u64 = self.fired.iter().map(|(_, count)| count).sum();
        self.output.records() + self.timers.changes().max(fired as usize) + pending
    }

    pub(crate) fn bytes(&self) -> usize {
        self.output.bytes + self.bytes_in
    }
}

/// Why a slice ended early.
pub(crate) enum Trouble {
    Stop(Stop),
    /// The machine panicked on this input, or on a timer.
    Panic {
        input: Option<(Lane, u64)>,
        message: String,
    },
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Damage> for Trouble {
    fn from(damage: Damage) -> Self {
        Self::Stop(Stop::Damaged(damage.0))
    }
}

pub(crate) struct Bench<'a, M, S> {
    pub(crate) machine: &'a mut M,
    pub(crate) shard: &'a mut S,
    pub(crate) growing: &'a mut Growing,
    pub(crate) quarantine: &'a Quarantine,
    pub(crate) cadence: Cadence,
    pub(crate) event_time: bool,
    /// The wall, against which times from the future are judged.
    pub(crate) wall: Timestamp,
}

impl<M: Machine, S: Shard> Bench<'_, M, S> {
    /// Judges what was taken, in order. What is left in `taken` was not judged: the batch was full.
    pub(crate) fn run(&mut self, taken: &mut VecDeque<Taken>, arena: &mut Vec<u8>) -> Result<(), Trouble> {
        let size: usize = taken.iter().map(|t| t.stored.record.value.len()).sum();
        arena.clear();
        arena.reserve(size);
        for input in taken.iter() {
            arena.extend_from_slice(&input.stored.record.value);
        }
        let judged = {
            let mut jobs = Vec::with_capacity(taken.len());
            let mut rest = arena.as_mut_slice();
            for input in taken.iter() {
                let (scratch, behind) = std::mem::take(&mut rest).split_at_mut(input.stored.record.value.len());
                rest = behind;
                let place = (input.lane, input.stored.offset);
                let dead = self.quarantine.is_dead(place.0, place.1);
                let machine = &mut *self.machine;
                jobs.push(guarded(Some(place), || match dead {
                    true => machine.dead(input, DeadReason::Panicked),
                    false => machine.decode(input, scratch),
                })?);
            }
            self.prefetch(taken, &jobs)?;
            self.judge(taken, &jobs)?
        };
        taken.drain(..judged);
        Ok(())
    }

    /// Fetches the rows of all jobs, stage by stage, so that each stage is one read of the table. Only who asked in one
    /// stage is asked again in the next.
    fn prefetch(&mut self, taken: &VecDeque<Taken>, jobs: &[M::Job<'_>]) -> Result<(), Trouble> {
        let now = self.growing.now;
        let mut wants = Vec::new();
        let mut asking: Vec<usize> = Vec::new();
        for (nth, (input, job)) in taken.iter().zip(jobs).enumerate() {
            let before = wants.len();
            let machine = &mut *self.machine;
            guarded(Some((input.lane, input.stored.offset)), || machine.footprint(job, now, &mut wants))?;
            if wants.len() > before {
                asking.push(nth);
            }
        }
        // Four stages reach from an event to the members of its incident; what is left, `judge` fetches by itself.
        for _ in 0..4 {
            if wants.is_empty() {
                return Ok(());
            }
            self.fetch(std::mem::take(&mut wants))?;
            let mut still = Vec::new();
            for nth in asking {
                let before = wants.len();
                let machine = &mut *self.machine;
                let place = (taken[nth].lane, taken[nth].stored.offset);
                guarded(Some(place), || machine.footprint(&jobs[nth], now, &mut wants))?;
                if wants.len() > before {
                    still.push(nth);
                }
            }
            asking = still;
        }
        Ok(())
    }

    fn fetch(&mut self, mut wants: Vec<RowKey>) -> Result<(), Trouble> {
        wants.sort_unstable();
        wants.dedup();
        let values = self.shard.rows(&wants)?;
        for (key, value) in wants.into_iter().zip(values) {
            self.machine.load(key, value.as_deref())?;
        }
        Ok(())
    }

    fn judge(&mut self, taken: &VecDeque<Taken>, jobs: &[M::Job<'_>]) -> Result<usize, Trouble> {
        for (nth, (input, job)) in taken.iter().zip(jobs).enumerate() {
            if self.cadence.full(self.growing.changes(self.machine.pending()), self.growing.bytes()) {
                return Ok(nth);
            }
            let at = self.time_of(job, input);
            if lanes::moves_time(input.lane) {
                if !self.fire_until(at)? {
                    return Ok(nth);
                }
                self.growing.now = self.growing.now.max(at);
            }
            let now = self.growing.now.max(at);
            self.machine.present(now);
            let place = (input.lane, input.stored.offset);
            self.judge_one(job, now, Some(place))?;
            let ahead = self.is_ahead(input);
            let growing = &mut *self.growing;
            if ahead {
                growing.steps.clamped(input.lane.as_str(), input.stored.offset, at);
                growing.clamped += 1;
            }
            growing.steps.record(input.lane.as_str(), input.stored.offset);
            growing.next[input.lane as usize] = input.stored.offset + 1;
            growing.bytes_in += input.stored.record.value.len() / 4;
            growing.inputs += 1;
        }
        Ok(jobs.len())
    }

    /// When the input is judged, but for what log time has reached already. A time far ahead of the wall is one clock's
    /// mistake: it must not drag the shard's time along.
    fn time_of(&self, job: &M::Job<'_>, input: &Taken) -> Timestamp {
        if self.event_time {
            return self.machine.event_time(job).unwrap_or(self.growing.now);
        }
        if self.is_ahead(input) { self.wall } else { input.source.at }
    }

    fn is_ahead(&self, input: &Taken) -> bool {
        !self.event_time && input.source.at > self.wall + AHEAD_MAX
    }

    /// Fires every timer due at or before `until`, each at `max(now, due)`. False: the batch is full first.
    pub(crate) fn fire_until(&mut self, until: Timestamp) -> Result<bool, Trouble> {
        self.machine.present(until);
        while let Some((due, key)) = self.growing.timers.due(self.shard, until)? {
            if self.cadence.full(self.growing.changes(self.machine.pending()), self.growing.bytes()) {
                return Ok(false);
            }
            let now = self.growing.now.max(due);
            self.growing.now = now;
            // Whatever the machine does not say about this timer, it is not armed any longer; what it says comes after.
            self.growing.timers.change(key, None);
            let job = self.machine.timer(key);
            self.judge_one(&job, now, None)?;
            let name = self.machine.timer_name(key);
            self.growing.steps.timer(name, key.object, due, now);
            match self.growing.fired.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += 1,
                None => self.growing.fired.push((name, 1)),
            }
        }
        Ok(true)
    }

    fn judge_one(&mut self, job: &M::Job<'_>, now: Timestamp, input: Option<(Lane, u64)>) -> Result<(), Trouble> {
        loop {
            let mut wants = Vec::new();
            let machine = &mut *self.machine;
            guarded(input, || machine.footprint(job, now, &mut wants))?;
            if wants.is_empty() {
                break;
            }
            self.fetch(wants)?;
        }
        let (machine, output) = (&mut *self.machine, &mut self.growing.output);
        guarded(input, || machine.apply(job, now, output))?;
        for (key, due) in std::mem::take(&mut self.growing.output.timers) {
            self.growing.timers.change(key, due);
        }
        Ok(())
    }
}

/// Runs a part of the machine and turns its panic into trouble with the input.
fn guarded<T>(input: Option<(Lane, u64)>, part: impl FnOnce() -> T) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(part))
        .map_err(|panic| Trouble::Panic { input, message: panic_message(panic.as_ref()) })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
