//! `POST /v2/enqueue`: from a body to a durable record and the answer that says so.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use campanile_directory::Snapshot;
use campanile_ledger::{AppendError, Appended, Record, Topic};
use campanile_model::murmur2::partition_of;
use campanile_model::outcome::DeadReason;
use campanile_pagerduty::events_v2::limits::{BODY_BYTES_MAX, BUFFERS_KEPT_BYTES_MAX};
use campanile_pagerduty::events_v2::{Decoder, Problem, answer as events_v2, validate_request};
use campanile_record::{dead_letter, header};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use tokio::sync::oneshot;

use crate::answer::{self, Answer};
use crate::body::{self, KEPT_BYTES_MAX, Oversized, Received};
use crate::door::Door;
use crate::limiter::{Limiter, Window};
use crate::mint::Mint;
use crate::options::Options;
use crate::series::{Closed, Fate, STAGE};

/// Bytes of a body that decide the partition of its dead letter: enough to spread, since no key is known.
const SPREAD_BYTES: usize = 4_096;

/// How much is let in per minute.
pub(crate) struct Limits {
    started: Instant,
    keys: Option<Limiter>,
    too_large: Mutex<Window>,
    too_large_bytes_max: u64,
}

impl Limits {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            started: Instant::now(),
            keys: options.events_per_key_per_minute_max.map(Limiter::new),
            too_large: Mutex::default(),
            too_large_bytes_max: options.too_large_kept_bytes_per_minute_max,
        }
    }

    fn admit(&self, routing_key: &str) -> Result<(), Duration> {
        self.keys.as_ref().map_or(Ok(()), |keys| keys.admit(routing_key, self.started.elapsed()))
    }

    fn may_keep(&self, bytes: usize) -> bool {
        // A window is whole whatever panicked.
        let mut window = self.too_large.lock().unwrap_or_else(PoisonError::into_inner);
        window.take(bytes as u64, self.too_large_bytes_max, self.started.elapsed()).is_ok()
    }
}

/// Takes one event.
pub(crate) async fn enqueue(door: &Door, request: Request<Incoming>) -> Answer {
    let _present = door.series.in_flight();
    let (head, body) = request.into_parts();
    let received = body::receive(body, &door.room, &door.options).await;
    // Only now, so that a sender that is still sending hears the answer instead of a closed connection.
    if is_encoded(&head.headers) {
        return answer::encoded();
    }
    match received {
        Received::Whole(body, _lease) => {
            door.series.body(body.len() as u64);
            let (fate, answer) = take(door, body).await;
            door.series.event(fate);
            answer
        }
        Received::TooLarge(oversized, _lease) => {
            door.series.body(oversized.bytes);
            let is_whole = oversized.is_whole;
            let (fate, answer) = keep(door, oversized).await;
            door.series.event(fate);
            if is_whole { answer } else { answer::closing(answer) }
        }
        Received::TooSlow => {
            door.series.closed(Closed::SlowBody);
            answer::too_slow()
        }
        Received::NoRoom => {
            door.series.event(Fate::Unavailable);
            answer::closing(answer::unavailable())
        }
        // Nobody is there to read it; the server library needs one all the same.
        Received::Broken => answer::closing(answer::refused(events_v2::unparseable())),
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// An event that may be appended.
struct Admitted {
    routing_key: Bytes,
    dedup_key: String,
    is_minted: bool,
}

enum Refusal {
    Unparseable,
    Invalid(Vec<Problem>),
    UnknownKey,
    RateLimited(Duration),
}

async fn take(door: &Door, body: Bytes) -> (Fate, Answer) {
    let admitted = match admit(&body, &door.directory.load(), &door.limits, &door.mint) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(&refusal),
    };
    let Ok(_slot) = door.slots.try_acquire() else {
        return (Fate::Unavailable, answer::unavailable());
    };
    let partition = partition_of(&admitted.routing_key, door.appender.partitions(Topic::Events));
    let mut record = Record::new(admitted.routing_key, body);
    if admitted.is_minted {
        record = record.with_header(header::DEDUP_KEY, admitted.dedup_key.clone());
    }
    match append(door, Topic::Events, partition, record).await {
        Ok(_) => (Fate::Accepted, answer::accepted(&admitted.dedup_key)),
        Err(error) => fail(&error),
    }
}

fn refuse(refusal: &Refusal) -> (Fate, Answer) {
    match refusal {
        Refusal::Unparseable => (Fate::Unparseable, answer::refused(events_v2::unparseable())),
        Refusal::Invalid(problems) => (Fate::Invalid, answer::refused(events_v2::invalid(problems))),
        Refusal::UnknownKey => (Fate::UnknownKey, answer::refused(events_v2::invalid(&[Problem::RoutingKeyUnknown]))),
        Refusal::RateLimited(wait) => (Fate::RateLimited, answer::rate_limited(*wait)),
    }
}

fn fail(error: &AppendError) -> (Fate, Answer) {
    match error {
        AppendError::Unavailable(reason) => {
            tracing::debug!(reason, "event refused, the log takes no input");
            (Fate::Unavailable, answer::unavailable())
        }
        AppendError::InDoubt(reason) => {
            tracing::debug!(reason, "event in doubt");
            (Fate::InDoubt, answer::in_doubt())
        }
        AppendError::TooLarge { .. } | AppendError::NoPartition { .. } => {
            tracing::error!(%error, "an event that passed the door does not fit the log");
            (Fate::Unavailable, answer::broken())
        }
    }
}

/// Decoder and scratch of one thread: decoding spoils its input, and the body must reach the log untouched.
#[derive(Default)]
struct Scratch {
    decoder: Decoder,
    bytes: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn admit(body: &[u8], directory: &Snapshot, limits: &Limits, mint: &Mint) -> Result<Admitted, Refusal> {
    SCRATCH.with_borrow_mut(|Scratch { decoder, bytes }| {
        bytes.clear();
        bytes.shrink_to(BUFFERS_KEPT_BYTES_MAX);
        bytes.extend_from_slice(body);
        let event = decoder.decode(bytes).map_err(|_| Refusal::Unparseable)?;
        let request = validate_request(&event).map_err(Refusal::Invalid)?;
        if directory.route(request.routing_key).is_none() {
            return Err(Refusal::UnknownKey);
        }
        limits.admit(request.routing_key).map_err(Refusal::RateLimited)?;
        Ok(Admitted {
            routing_key: Bytes::copy_from_slice(request.routing_key.as_bytes()),
            dedup_key: request.dedup_key.map_or_else(|| mint.key(), str::to_owned),
            is_minted: request.dedup_key.is_none(),
        })
    })
}

/// Puts a body that is too large on dead letters before it is refused: its sender will not send it again.
async fn keep(door: &Door, oversized: Oversized) -> (Fate, Answer) {
    let refused = (Fate::TooLarge, answer::refused(events_v2::too_large()));
    if !door.limits.may_keep(oversized.kept.len()) {
        tracing::debug!(bytes = oversized.bytes, "body too large, and too many of them to keep");
        return refused;
    }
    let detail = detail(&oversized);
    let spread = &oversized.kept[..oversized.kept.len().min(SPREAD_BYTES)];
    let partition = partition_of(spread, door.appender.partitions(Topic::DeadLetters));
    let record = dead_letter::record(None, oversized.kept, DeadReason::TooLarge, STAGE, &detail, None);
    match append(door, Topic::DeadLetters, partition, record).await {
        Ok(_) => {
            door.series.too_large_kept();
            refused
        }
        Err(error) => fail(&error),
    }
}

fn detail(oversized: &Oversized) -> String {
    let Oversized { kept, bytes, is_whole } = oversized;
    let at_least = if *is_whole { "" } else { "at least " };
    let truncated = if *bytes > kept.len() as u64 {
        format!("; truncated to its first {KEPT_BYTES_MAX} bytes")
    } else {
        String::new()
    };
    format!("body of {at_least}{bytes} bytes exceeds the limit of {BODY_BYTES_MAX} bytes{truncated}")
}

/// Appends, and waits until it is durable. If this is dropped the record goes on its way all the same.
async fn append(door: &Door, topic: Topic, partition: u16, record: Record) -> Result<Appended, AppendError> {
    let (tx, rx) = oneshot::channel();
    // A sender that has left is told nothing, hence the result is dropped.
    door.appender.append(topic, partition, vec![record], Box::new(move |answer| drop(tx.send(answer))));
    match tokio::time::timeout(door.options.append_timeout, rx).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(AppendError::InDoubt("the ledger closed before it answered".to_owned())),
        Err(_) => Err(AppendError::InDoubt("the ledger did not answer in time".to_owned())),
    }
}
