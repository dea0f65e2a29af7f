//! An input after decoding, and what triage needs to know of it.

use std::borrow::Cow;
use std::cell::OnceCell;

use campanile_engine::Taken;
use campanile_model::outcome::DeadReason;
use campanile_model::text::{DEDUP_KEY_CHARS_MAX, longer_than};
use campanile_model::{Command, Timestamp};
use campanile_pagerduty::events_v2::{RawDetails, RawParts, Request, locate};
use campanile_record::body::{self, Parts};
use campanile_triage as triage;
use compact_str::CompactString;

pub(crate) enum Job<'a> {
    Event(Box<EventJob<'a>>),
    Command(&'a Taken, Box<Command>),
    Timer(triage::Timer),
    Dead(&'a Taken, Box<Dead>),
}

/// Bytes that end in dead letters.
pub(crate) struct Dead {
    pub(crate) reason: DeadReason,
    pub(crate) stage: &'static str,
    pub(crate) detail: String,
}

pub(crate) struct EventJob<'a> {
    pub(crate) taken: &'a Taken,
    pub(crate) request: Request<'a>,
    /// The sender's, the gateway's, or one derived from the event's place in the log.
    pub(crate) dedup_key: Cow<'a, str>,
    memo: triage::Memo,
    raw: OnceCell<RawParts<'a>>,
}

impl<'a> EventJob<'a> {
    pub(crate) fn new(taken: &'a Taken, request: Request<'a>) -> Self {
        let dedup_key = match request.dedup_key {
            Some(key) => Cow::Borrowed(key),
            None => derived_key(taken),
        };
        Self { taken, request, dedup_key, memo: triage::Memo::default(), raw: OnceCell::new() }
    }

    pub(crate) fn event(&self) -> triage::Event<'_> {
        use campanile_pagerduty::events_v2::Action;
        let action = match self.request.action {
            Action::Trigger => triage::Action::Trigger,
            Action::Acknowledge => triage::Action::Acknowledge,
            Action::Resolve => triage::Action::Resolve,
        };
        let payload = self.request.payload.as_ref().map(|payload| triage::Payload {
            summary: &payload.summary,
            source: payload.source,
            severity: payload.severity,
            component: payload.component,
            group: payload.group,
            class: payload.class,
        });
        triage::Event {
            routing_key: self.request.routing_key,
            action,
            dedup_key: &self.dedup_key,
            payload,
            body: self,
            source: self.taken.source,
            memo: &self.memo,
        }
    }

    pub(crate) fn event_time(&self) -> Option<Timestamp> {
        let text = self.request.payload.as_ref()?.timestamp?;
        campanile_pagerduty::events_v2::timestamp::parse(text)
    }

    fn raw(&self) -> &RawParts<'a> {
        self.raw.get_or_init(|| locate(&self.taken.stored.record.value))
    }
}

/// Unique and the same at every redo: where the event first stood. The gateway's own minted key rides in a header.
fn derived_key(taken: &Taken) -> Cow<'_, str> {
    let header = taken.stored.record.header(campanile_record::header::DEDUP_KEY);
    // Whoever appends can write any header: what the gateway would not have minted is passed over.
    let minted = header.and_then(|value| std::str::from_utf8(value).ok());
    match minted.filter(|key| !key.trim().is_empty() && !longer_than(key, DEDUP_KEY_CHARS_MAX)) {
        Some(minted) => Cow::Borrowed(minted),
        None => Cow::Owned(format!("log:{}:{}", taken.source.partition, taken.source.offset)),
    }
}

impl triage::Body for EventJob<'_> {
    fn detail(&self, path: &[CompactString]) -> Option<String> {
        RawDetails(self.raw().details?).lookup(path)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let Some(payload) = &self.request.payload else { return };
        let raw = self.raw();
        let parts = Parts {
            source: payload.source,
            component: payload.component,
            group: payload.group,
            class: payload.class,
            timestamp: payload.timestamp,
            client: self.request.client,
            client_url: self.request.client_url,
            custom_details: raw.details,
            links: raw.links,
            images: raw.images,
            summary_cut: payload.summary_cut,
        };
        body::encode(&parts, out);
    }
}
