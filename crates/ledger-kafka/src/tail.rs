//! Following a topic: read_committed, one assigned consumer per partition that was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_ledger::{Ends, Stored, Tail, TailError, Topic};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::native::{self, Event};
use crate::options::Options;
use crate::topics::{CARD_KEY, CLOCK_KEY, Names};

const ENDS_WAIT: Duration = Duration::from_secs(5);
/// A read that hears nothing for so long gives what it has.
const READ_WAIT: Duration = Duration::from_secs(5);
/// Between two complaints of a cluster that does not answer.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at an end that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

struct Cursor {
    consumer: BaseConsumer,
    /// What comes next; `None` before the first assignment.
    next: Option<u64>,
    /// The end as it was told, while nothing came after it. Markers lie between the last record and it.
    ended: Option<u64>,
}

impl Cursor {
    /// Whether it stands at `from` and knows that nothing can be read below `end`.
    fn knows_nothing_before(&self, from: u64, end: u64) -> bool {
        self.next == Some(from) && self.ended.is_some_and(|ended| ended >= end)
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // So that the close finds no events, which it would report as errors.
        if let Err(error) = self.consumer.unassign() {
            tracing::debug!(%error, "a tail was not released at its end");
        }
    }
}

type Cursors = HashMap<(Topic, u16), Arc<Mutex<Cursor>>>;

pub(crate) struct KafkaTail {
    options: Options,
    ledger: u64,
    names: Names,
    asker: BaseConsumer,
    cursors: Mutex<Cursors>,
    /// Answered while the cluster does not.
    known: Mutex<HashMap<(Topic, u16), Ends>>,
    /// When it was last told that the cluster does not answer.
    told_at: Mutex<Option<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl KafkaTail {
    pub(crate) fn new(options: &Options, ledger: u64, names: Names) -> Result<Self, KafkaError> {
        let asker = options.reader(ledger).create()?;
        let (cursors, known, told_at) = Default::default();
        Ok(Self { options: options.clone(), ledger, names, asker, cursors, known, told_at })
    }

    /// The ends as they are, or as they were last told; `None` if they never were.
    fn ask(&self, topic: Topic, partition: u16) -> Option<Ends> {
        match self.asker.fetch_watermarks(self.names.of(topic), i32::from(partition), ENDS_WAIT) {
            Ok((start, end)) => {
                let ends = Ends { start: start.max(0) as u64, end: end.max(0) as u64 };
                lock(&self.known).insert((topic, partition), ends);
                Some(ends)
            }
            Err(error) => {
                let mut told_at = lock(&self.told_at);
                if told_at.is_none_or(|told_at| told_at.elapsed() > TELL_EVERY) {
                    *told_at = Some(Instant::now());
                    tracing::warn!(topic = topic.name(), partition, %error, "the cluster does not tell its ends");
                }
                lock(&self.known).get(&(topic, partition)).copied()
            }
        }
    }

    fn cursor(&self, topic: Topic, partition: u16) -> Result<Arc<Mutex<Cursor>>, TailError> {
        let mut cursors = lock(&self.cursors);
        if let Some(cursor) = cursors.get(&(topic, partition)) {
            return Ok(Arc::clone(cursor));
        }
        let consumer = self.options.reader(self.ledger).create().map_err(|error| damaged(&error))?;
        let cursor = Arc::new(Mutex::new(Cursor { consumer, next: None, ended: None }));
        cursors.insert((topic, partition), Arc::clone(&cursor));
        Ok(cursor)
    }

    fn fill(&self, cursor: &mut Cursor, end: u64, max: usize, is_directory: bool) -> Result<Vec<Stored>, TailError> {
        let mut found = Vec::new();
        let until = Instant::now() + READ_WAIT;
        let is_open = |cursor: &Cursor| {
            cursor.next.is_some_and(|next| next < end) && cursor.ended.is_none_or(|ended| ended < end)
        };
        while found.len() < max && is_open(cursor) && Instant::now() < until {
            match native::poll(&cursor.consumer, Duration::from_millis(50)) {
                Some(Event::Record { stored, .. }) => {
                    cursor.ended = None;
                    // Card and clock are the ledger's own and no objects of the directory. The position does not move by it: the
                    // caller comes back with one that knows nothing of it.
                    let is_own = [CARD_KEY, CLOCK_KEY].map(Some).contains(&stored.record.key.as_deref());
                    if !(is_directory && is_own) {
                        cursor.next = Some(stored.offset + 1);
                        found.push(stored);
                    }
                }
                Some(Event::End { offset, .. }) => cursor.ended = Some(offset),
                Some(Event::Failed { reason, is_offset_out_of_range, .. }) => {
                    if is_offset_out_of_range {
                        cursor.next = None;
                        return Err(TailError::Damaged(reason));
                    }
                    tracing::warn!(reason, "a tail could not be read");
                }
                None => {}
            }
        }
        Ok(found)
    }
}

fn damaged(error: &KafkaError) -> TailError {
    TailError::Damaged(error.to_string())
}

impl Tail for KafkaTail {
    fn ends(&self, topic: Topic, partition: u16) -> Ends {
        // Never answered yet, it must not pass for empty: a directory applied onto that would begin anew at epoch 1.
        loop {
            if let Some(ends) = self.ask(topic, partition) {
                return ends;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn read(&self, topic: Topic, partition: u16, from: u64, max: usize) -> Result<Vec<Stored>, TailError> {
        let ends = self.ends(topic, partition);
        if from < ends.start {
            return Err(TailError::Trimmed { asked: from, start: ends.start });
        }
        if from >= ends.end {
            return Ok(Vec::new());
        }
        let cursor = self.cursor(topic, partition)?;
        let mut cursor = lock(&cursor);
        if cursor.next != Some(from) {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(self.names.of(topic), i32::from(partition), Offset::Offset(from as i64))
                .map_err(|error| damaged(&error))?;
            cursor.consumer.unassign().map_err(|error| damaged(&error))?;
            cursor.consumer.assign(&list).map_err(|error| damaged(&error))?;
            (cursor.next, cursor.ended) = (Some(from), None);
        }
        self.fill(&mut cursor, ends.end, max, topic == Topic::Directory)
    }

    fn wait(&self, topic: Topic, partition: u16, from: u64, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        loop {
            let end = self.ends(topic, partition).end;
            // Without the second question a follower would spin on a marker, which has an offset and no record.
            let cursor = lock(&self.cursors).get(&(topic, partition)).cloned();
            if end > from && !cursor.is_some_and(|cursor| lock(&cursor).knows_nothing_before(from, end)) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }
}
