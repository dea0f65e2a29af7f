//! Reading lanes: one consumer per lane and process, with a thread of its own, which fills a queue per shard.
//!
//! One consumer per lane, because the end of a partition is told per consumer; a thread, so that nothing waits on a lost
//! wake-up and a shard that is slow only pauses its own partition.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use campanile_ledger::{Lane, Stored};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use crate::native::{self, Event};
use crate::options::Options;
use crate::pulse::Pulse;
use crate::topics::Names;
use crate::wire::Reader;

const POLL_WAIT: Duration = Duration::from_millis(20);
/// Events taken between two looks at what is asked of the thread.
const EVENTS_AT_ONCE: usize = 512;

enum Ask {
    Assign(u16, u64),
    Drop(u16),
    Resume(u16),
}

#[derive(Default)]
struct Slot {
    queue: VecDeque<Stored>,
    /// Everything below was read; `None` while more may be there.
    end: Option<u64>,
    is_paused: bool,
    failed: Option<String>,
    /// Of the assignment; what an earlier one still brings is passed over.
    is_open: bool,
}

#[derive(Default)]
struct Shared {
    slots: Mutex<HashMap<u16, Slot>>,
    asks: Mutex<Vec<Ask>>,
    is_stopped: AtomicBool,
}

pub(crate) struct LaneReader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    read_ahead: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LaneReader {
    pub(crate) fn start(
        options: &Options,
        ledger: u64,
        names: &Names,
        lane: Lane,
        pulse: Arc<Pulse>,
    ) -> Result<Self, String> {
        let consumer: BaseConsumer = options.reader(ledger).create().map_err(|error| error.to_string())?;
        let shared = Arc::new(Shared::default());
        let worker = Worker {
            consumer,
            topic: names.of(options.machine.topic(lane)).to_owned(),
            shared: Arc::clone(&shared),
            pulse,
            read_ahead: options.read_ahead_records,
        };
        let thread = std::thread::Builder::new()
            .name(format!("read-{}", lane.as_str()))
            .spawn(move || worker.run())
            .map_err(|error| error.to_string())?;
        Ok(Self { shared, thread: Some(thread), read_ahead: options.read_ahead_records })
    }

    fn ask(&self, ask: Ask) {
        lock(&self.shared.asks).push(ask);
    }
}

impl Reader for LaneReader {
    fn assign(&self, shard: u16, offset: u64) {
        lock(&self.shared.slots).insert(shard, Slot::default());
        self.ask(Ask::Assign(shard, offset));
    }

    fn release(&self, shard: u16) {
        lock(&self.shared.slots).remove(&shard);
        self.ask(Ask::Drop(shard));
    }

    fn take(&self, shard: u16, max: usize, into: &mut VecDeque<Stored>) -> Result<Option<u64>, String> {
        let mut slots = lock(&self.shared.slots);
        let Some(slot) = slots.get_mut(&shard) else { return Ok(None) };
        let count = slot.queue.len().min(max);
        into.extend(slot.queue.drain(..count));
        if let Some(reason) = slot.failed.as_ref().filter(|_| slot.queue.is_empty()) {
            return Err(reason.clone());
        }
        if slot.is_paused && slot.queue.len() < self.read_ahead / 2 {
            slot.is_paused = false;
            self.ask(Ask::Resume(shard));
        }
        Ok(slot.end.filter(|_| slot.queue.is_empty()))
    }
}

impl Drop for LaneReader {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a reading thread panicked");
        }
    }
}

struct Worker {
    consumer: BaseConsumer,
    topic: String,
    shared: Arc<Shared>,
    pulse: Arc<Pulse>,
    read_ahead: usize,
}

impl Worker {
    fn run(self) {
        let mut assigned: Vec<u16> = Vec::new();
        let mut events = Vec::new();
        while !self.shared.is_stopped.load(Ordering::Acquire) {
            let asks = std::mem::take(&mut *lock(&self.shared.asks));
            for ask in asks {
                if let Err(error) = self.serve(&ask, &mut assigned) {
                    tracing::error!(topic = self.topic, %error, "a partition could not be assigned or released");
                }
            }
            if assigned.is_empty() {
                std::thread::sleep(POLL_WAIT);
                continue;
            }
            events.extend(native::poll(&self.consumer, POLL_WAIT));
            while !events.is_empty() && events.len() < EVENTS_AT_ONCE {
                match native::poll(&self.consumer, Duration::ZERO) {
                    Some(event) => events.push(event),
                    None => break,
                }
            }
            if !events.is_empty() {
                self.deliver(&mut events);
                self.pulse.beat();
            }
        }
        // So that the close finds no events, which it would report as errors.
        if let Err(error) = self.consumer.unassign() {
            tracing::debug!(topic = self.topic, %error, "a reader was not released at its end");
        }
    }

    fn serve(&self, ask: &Ask, assigned: &mut Vec<u16>) -> KafkaResult<()> {
        let of = |shard: u16, offset: Offset| {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&self.topic, i32::from(shard), offset).map(|()| list)
        };
        match *ask {
            Ask::Assign(shard, offset) => {
                if let Some(place) = assigned.iter().position(|known| *known == shard) {
                    assigned.swap_remove(place);
                    self.consumer.incremental_unassign(&of(shard, Offset::Invalid)?)?;
                }
                self.consumer.incremental_assign(&of(shard, Offset::Offset(offset as i64))?)?;
                assigned.push(shard);
                // From here on events are of this assignment: older ones are dropped by the client's own barrier.
                if let Some(slot) = lock(&self.shared.slots).get_mut(&shard) {
                    slot.is_open = true;
                }
            }
            Ask::Drop(shard) => {
                if let Some(place) = assigned.iter().position(|known| *known == shard) {
                    assigned.swap_remove(place);
                    self.consumer.incremental_unassign(&of(shard, Offset::Invalid)?)?;
                }
            }
            Ask::Resume(shard) => {
                if assigned.contains(&shard) {
                    self.consumer.resume(&of(shard, Offset::Invalid)?)?;
                }
            }
        }
        Ok(())
    }

    fn deliver(&self, events: &mut Vec<Event>) {
        let mut pause = Vec::new();
        {
            let mut slots = lock(&self.shared.slots);
            for event in events.drain(..) {
                self.place(event, &mut slots, &mut pause);
            }
        }
        for shard in pause {
            let mut list = TopicPartitionList::new();
            list.add_partition(&self.topic, i32::from(shard));
            // Only after records came: paused before the first, a partition would forget where it was to begin.
            if let Err(error) = self.consumer.pause(&list) {
                tracing::warn!(topic = self.topic, shard, %error, "a partition could not be paused");
            }
        }
    }

    fn place(&self, event: Event, slots: &mut HashMap<u16, Slot>, pause: &mut Vec<u16>) {
        match event {
            Event::Record { partition, stored, .. } => {
                self.pulse.saw(stored.at);
                let Some((shard, slot)) = open_slot(slots, partition) else { return };
                slot.end = None;
                slot.queue.push_back(stored);
                if !slot.is_paused && slot.queue.len() >= self.read_ahead {
                    slot.is_paused = true;
                    pause.push(shard);
                }
            }
            Event::End { partition, offset, .. } => {
                if let Some((_, slot)) = open_slot(slots, partition) {
                    slot.end = Some(offset);
                }
            }
            Event::Failed { partition, reason, is_offset_out_of_range, .. } => {
                match open_slot(slots, partition) {
                    Some((_, slot)) if is_offset_out_of_range => slot.failed = Some(reason),
                    // Passes by itself: the client goes on trying.
                    _ => tracing::warn!(topic = self.topic, partition, reason, "a lane could not be read"),
                }
            }
        }
    }
}

/// The slot of a partition that is being read.
fn open_slot(slots: &mut HashMap<u16, Slot>, partition: i32) -> Option<(u16, &mut Slot)> {
    let shard = u16::try_from(partition).ok()?;
    Some((shard, slots.get_mut(&shard).filter(|slot| slot.is_open)?))
}
