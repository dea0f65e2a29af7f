//! The three things that the safe wrapper keeps to itself: the offset of an end-of-partition event, the generation in
//! group metadata, and messages without the wrapper's event queue. All unsafe code of this crate is here and in
//! `inspect/permissions.rs`.
#![allow(unsafe_code, reason = "the wrapper drops the offset of PartitionEOF and hides the generation")]

use std::ffi::{CStr, c_char};
use std::ptr;
use std::time::Duration;

use bytes::Bytes;
use campanile_ledger::{Header, Headers, Record, Stored};
use campanile_model::Timestamp;
use compact_str::CompactString;
use rdkafka::bindings as raw;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};

/// What a reader is told.
pub(crate) enum Event {
    Record {
        partition: i32,
        stored: Stored,
        is_tombstone: bool,
    },
    /// Everything below `offset` was read.
    End {
        partition: i32,
        offset: u64,
    },
    Failed {
        partition: i32,
        reason: String,
        is_offset_out_of_range: bool,
    },
}

/// The next event of an assigned consumer, or `None` when `wait` is over. Only for consumers that joined no group: a
/// rebalance would not be served.
pub(crate) fn poll<C: ConsumerContext>(consumer: &BaseConsumer<C>, wait: Duration) -> Option<Event> {
    let client = consumer.client().native_ptr();
    // SAFETY: the client outlives the call; the message is ours until it is destroyed at the end of this function, and
    // nothing that borrows from it leaves.
    unsafe {
        let message = raw::rd_kafka_consumer_poll(client, wait.as_millis().min(60_000) as i32);
        if message.is_null() {
            return None;
        }
        let event = event_of(&*message);
        raw::rd_kafka_message_destroy(message);
        Some(event)
    }
}

/// # Safety
/// `message` is a live message of librdkafka.
unsafe fn event_of(message: &raw::rd_kafka_message_t) -> Event {
    // SAFETY: as promised by the caller.
    unsafe {
        let partition = message.partition;
        match message.err {
            raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
                let record = Record {
                    key: (!message.key.is_null()).then(|| copy(message.key.cast(), message.key_len)),
                    headers: headers_of(message),
                    value: copy(message.payload.cast(), message.len),
                };
                let mut kind = raw::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
                let at = Timestamp(raw::rd_kafka_message_timestamp(message, &mut kind));
                let stored = Stored { offset: message.offset.max(0) as u64, at, record };
                Event::Record { partition, stored, is_tombstone: message.payload.is_null() }
            }
            raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                Event::End { partition, offset: message.offset.max(0) as u64 }
            }
            error => {
                let is_offset_out_of_range = matches!(
                    error,
                    raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE
                        | raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
                );
                let reason = text(raw::rd_kafka_err2str(error));
                Event::Failed { partition, reason, is_offset_out_of_range }
            }
        }
    }
}

/// # Safety
/// `message` is a live message of librdkafka.
unsafe fn headers_of(message: &raw::rd_kafka_message_t) -> Headers {
    let mut headers = Headers::new();
    // SAFETY: the list belongs to the message; names are C strings and values have their length.
    unsafe {
        let mut list = ptr::null_mut();
        if raw::rd_kafka_message_headers(message, &mut list) != raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return headers;
        }
        for nth in 0.. {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            let found = raw::rd_kafka_header_get_all(list, nth, &mut name, &mut value, &mut size);
            if found != raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                break;
            }
            headers.push(Header { name: CompactString::from(text(name)), value: copy(value.cast(), size) });
        }
    }
    headers
}

/// # Safety
/// `start` is null or points to `len` bytes.
unsafe fn copy(start: *const u8, len: usize) -> Bytes {
    if start.is_null() || len == 0 {
        return Bytes::new();
    }
    // SAFETY: as promised by the caller. Copied, because a message holds its whole fetch alive.
    Bytes::copy_from_slice(unsafe { std::slice::from_raw_parts(start, len) })
}

/// # Safety
/// `text` is a C string.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Generation of the member now; `None` while it is in no group. librdkafka clears both before it calls back, so metadata
/// is good only if this says the same before and after it was taken.
pub(crate) fn generation<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<i32> {
    // SAFETY: the metadata is ours and destroyed here; its strings are read before that.
    unsafe {
        let metadata = raw::rd_kafka_consumer_group_metadata(consumer.client().native_ptr());
        if metadata.is_null() {
            return None;
        }
        let generation = raw::rd_kafka_consumer_group_metadata_generation_id(metadata);
        let member = raw::rd_kafka_consumer_group_metadata_member_id(metadata);
        let is_member = !member.is_null() && !CStr::from_ptr(member).is_empty();
        raw::rd_kafka_consumer_group_metadata_destroy(metadata);
        (generation >= 0 && is_member).then_some(generation)
    }
}
