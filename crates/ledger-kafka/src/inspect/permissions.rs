//! What this user may do with the ledger's topics, as the brokers' authorizer says. The safe wrapper has no such call.
#![allow(unsafe_code, reason = "the wrapper does not offer DescribeTopics with authorised operations")]

use std::collections::{BTreeSet, HashMap};
use std::ffi::{CStr, CString, c_char};

use rdkafka::bindings as raw;
use rdkafka::producer::{BaseProducer, Producer as _};

use crate::options::Options;
use crate::topics::{Names, TopicsError, unreachable};

const ANSWER_WAIT_MS: i32 = 10_000;

/// Operations that this user is allowed on each of the ledger's topics, in Kafka's words such as `WRITE`. Topics that are
/// missing, or of which nothing may be known, are absent.
///
/// # Errors
/// The cluster is out of reach, or too old to tell.
pub fn permissions(options: &Options) -> Result<HashMap<String, BTreeSet<String>>, TopicsError> {
    let client: BaseProducer =
        options.with_passed_through(options.base()).create().map_err(|error| unreachable(options, &error))?;
    let names = Names::new(options);
    let texts: Vec<_> = names.all().filter_map(|name| CString::new(name).ok()).collect();
    let mut pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
    let native = client.client().native_ptr();
    // SAFETY: the client outlives every object made here; each is destroyed once, after its last use, and the names live
    // until the call has copied them.
    unsafe {
        let queue = raw::rd_kafka_queue_new(native);
        let asked = raw::rd_kafka_AdminOptions_new(native, raw::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        let error = raw::rd_kafka_AdminOptions_set_include_authorized_operations(asked, 1);
        if !error.is_null() {
            raw::rd_kafka_error_destroy(error);
        }
        let topics = raw::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        raw::rd_kafka_DescribeTopics(native, topics, asked, queue);
        raw::rd_kafka_TopicCollection_destroy(topics);
        raw::rd_kafka_AdminOptions_destroy(asked);
        let event = raw::rd_kafka_queue_poll(queue, ANSWER_WAIT_MS);
        let found =
            answer(event).map_err(|reason| TopicsError::Unreachable { brokers: options.brokers.clone(), reason });
        if !event.is_null() {
            raw::rd_kafka_event_destroy(event);
        }
        raw::rd_kafka_queue_destroy(queue);
        found
    }
}

/// # Safety
/// `event` is null or a live event of librdkafka.
unsafe fn answer(event: *mut raw::rd_kafka_event_t) -> Result<HashMap<String, BTreeSet<String>>, String> {
    if event.is_null() {
        return Err("no answer about permissions".to_owned());
    }
    // SAFETY: as promised by the caller; everything read belongs to the event.
    unsafe {
        if raw::rd_kafka_event_error(event) != raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(text(raw::rd_kafka_event_error_string(event)));
        }
        let result = raw::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err("an answer of another kind".to_owned());
        }
        let mut count = 0;
        let described = raw::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let mut found = HashMap::new();
        for nth in 0..count {
            let topic = *described.add(nth);
            let error = raw::rd_kafka_TopicDescription_error(topic);
            if !error.is_null()
                && raw::rd_kafka_error_code(error) != raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                continue;
            }
            let mut operations = 0;
            let allowed = raw::rd_kafka_TopicDescription_authorized_operations(topic, &mut operations);
            let names = (0..operations).filter(|_| !allowed.is_null());
            let names = names.map(|nth| text(raw::rd_kafka_AclOperation_name(*allowed.add(nth))));
            found.insert(text(raw::rd_kafka_TopicDescription_name(topic)), names.collect());
        }
        Ok(found)
    }
}

/// # Safety
/// `text` is null or a C string.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
