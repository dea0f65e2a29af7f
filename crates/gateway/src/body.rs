//! Reading a body: how much, how long, how fast, and how much memory all of them together may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use campanile_pagerduty::events_v2::limits::BODY_BYTES_MAX;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::options::Options;

/// Most bytes of a body above the limit that are kept in dead letters. Ours: below Kafka's default limit of a record,
/// so that the embedded ledger and Kafka keep the same.
pub(crate) const KEPT_BYTES_MAX: usize = 983_040;

/// Most bytes that are read of any body. Ours: what is beyond is not worth the wait; the connection is closed instead.
const READ_BYTES_MAX: u64 = 16 << 20;

/// Memory for bodies, shared by all connections.
#[derive(Clone)]
pub(crate) struct Room {
    bytes_max: usize,
    taken: Arc<AtomicUsize>,
}

/// Room that one body takes, given back when it is dropped.
pub(crate) struct Lease {
    room: Room,
    bytes: usize,
}

impl Room {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, taken: Arc::new(AtomicUsize::new(0)) }
    }

    fn lease(&self) -> Lease {
        Lease { room: self.clone(), bytes: 0 }
    }
}

impl Lease {
    /// Takes more; says whether there was room.
    fn grow(&mut self, bytes: usize) -> bool {
        let before = self.room.taken.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before + bytes <= self.room.bytes_max
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What came of reading a body.
pub(crate) enum Received {
    Whole(Bytes, Lease),
    TooLarge(Oversized, Lease),
    /// Not all of it in time.
    TooSlow,
    /// No memory for it now.
    NoRoom,
    /// The sender went away, or its framing is wrong.
    Broken,
}

/// A body above the limit.
pub(crate) struct Oversized {
    /// The body, or its beginning.
    pub(crate) kept: Bytes,
    /// Bytes that were read.
    pub(crate) bytes: u64,
    /// It ended; otherwise there is more on the connection that nobody will read.
    pub(crate) is_whole: bool,
}

/// Reads a body to its end, or until it is too slow or not worth more.
pub(crate) async fn receive(mut body: Incoming, room: &Room, options: &Options) -> Received {
    let started = Instant::now();
    let mut lease = room.lease();
    let mut gathered = Gathered::new(body.size_hint().exact());
    let mut bytes = 0_u64;
    let is_whole = loop {
        let frame = match timeout_at(deadline(started, bytes, options), body.frame()).await {
            Err(_) => return Received::TooSlow,
            Ok(None) => break true,
            Ok(Some(Err(_))) => return Received::Broken,
            Ok(Some(Ok(frame))) => frame,
        };
        // Trailers mean nothing here.
        let Ok(mut data) = frame.into_data() else { continue };
        bytes += data.len() as u64;
        data.truncate(KEPT_BYTES_MAX - gathered.len());
        if !lease.grow(data.len()) {
            return Received::NoRoom;
        }
        gathered.push(data);
        if bytes > READ_BYTES_MAX {
            break false;
        }
    };
    let kept = gathered.freeze();
    if bytes <= BODY_BYTES_MAX as u64 {
        Received::Whole(kept, lease)
    } else {
        Received::TooLarge(Oversized { kept, bytes, is_whole }, lease)
    }
}

/// When the next bytes must be there: each byte buys its time at the lowest rate, up to the longest time for a body.
fn deadline(started: Instant, bytes: u64, options: &Options) -> Instant {
    let earned_ms = bytes.saturating_mul(1_000) / u64::from(options.body_bytes_per_second_min.get());
    started + options.body_timeout.min(options.body_grace + Duration::from_millis(earned_ms))
}

/// The bytes so far. Most bodies come in one piece, which is kept as it is; only more pieces are copied together.
struct Gathered {
    capacity: usize,
    first: Bytes,
    joined: BytesMut,
}

impl Gathered {
    fn new(bytes_expected: Option<u64>) -> Self {
        // What the sender announces is believed only up to the limit.
        let capacity = bytes_expected.map_or(0, |bytes| bytes.min(BODY_BYTES_MAX as u64) as usize);
        Self { capacity, first: Bytes::new(), joined: BytesMut::new() }
    }

    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.joined.is_empty() {
            self.joined.reserve(self.capacity.max(self.first.len() + data.len()));
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&data);
    }

    fn freeze(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }
}
