//! Which message a person means who writes back "4": the last that reached them there. Read from the history of pages,
//! so a restart, or another process that took the reply, knows it too.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use campanile_ledger::{Stored, Tail, Topic};
use campanile_model::{IncidentId, OrderId, Span, Timestamp, UserId};
use serde::Deserialize;

use crate::channels::Slack;

/// How long a message can be answered. Source: as a link's life.
const ANSWERED_WITHIN: Span = super::token::LIFE;
/// Orders whose delivery is awaited; the oldest is forgotten first. Source: ours, some 2 MB.
const AWAITED_MAX: usize = 10_000;
/// Records that one read takes.
const READ_MAX: usize = 500;

/// One record of `campanile.notifications`, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    incident: String,
    #[serde(default)]
    order: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    contact_method: String,
    #[serde(default)]
    reference: String,
}

#[derive(Default)]
struct Known {
    /// Where an order goes, until somebody takes it.
    awaited: HashMap<OrderId, (UserId, String)>,
    order: VecDeque<OrderId>,
    latest: HashMap<(UserId, String), (OrderId, Timestamp)>,
}

#[derive(Default)]
pub struct Recall {
    known: Mutex<Known>,
    slack: Option<Arc<Slack>>,
}

impl Recall {
    /// `slack` is told of the messages that it posted in an earlier life.
    pub fn new(slack: Option<Arc<Slack>>) -> Self {
        Self { known: Mutex::default(), slack }
    }

    /// The last message that a provider took for this contact method, and when; `None` after a day.
    pub fn latest(&self, user: &UserId, contact: &str, now: Timestamp) -> Option<(OrderId, Timestamp)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = known.latest.get(&(user.clone(), contact.to_owned())).copied();
        latest.filter(|(_, at)| *at + ANSWERED_WITHIN > now)
    }

    /// Takes in one record. What cannot be read is of another version and none of ours.
    pub fn note(&self, value: &[u8], at: Timestamp) {
        let Ok(line) = serde_json::from_slice::<Line>(value) else { return };
        let Ok(order) = line.order.parse::<OrderId>() else { return };
        match line.kind.as_str() {
            "ordered" => self.expect(order, (UserId::new(line.user), line.contact_method)),
            "accepted" | "arrived" => {
                // A receipt may come late: it does not make an older message the last one.
                if line.kind == "accepted" {
                    self.reached(order, at);
                }
                if let (Some(slack), Ok(incident)) = (&self.slack, line.incident.parse::<IncidentId>()) {
                    slack.recall(&line.reference, incident);
                }
            }
            _ => {}
        }
    }

    fn expect(&self, order: OrderId, to: (UserId, String)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // One record an incident of the bundle.
        if known.awaited.insert(order, to).is_none() {
            known.order.push_back(order);
        }
        while known.order.len() > AWAITED_MAX {
            if let Some(oldest) = known.order.pop_front() {
                known.awaited.remove(&oldest);
            }
        }
    }

    fn reached(&self, order: OrderId, at: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(to) = known.awaited.get(&order).cloned() else { return };
        let newer = known.latest.get(&to).is_none_or(|(_, known_at)| *known_at <= at);
        if newer {
            known.latest.insert(to, (order, at));
        }
    }
}

/// Reads the history from a day ago on, every partition in turn.
pub struct Reading {
    recall: Arc<Recall>,
    tail: Arc<dyn Tail>,
    /// Where each partition goes on.
    next: Vec<u64>,
}

impl Reading {
    /// From the first record that is not older than a day.
    pub fn since_yesterday(recall: Arc<Recall>, tail: Arc<dyn Tail>, partitions: u16, now: Timestamp) -> Self {
        let from = now - ANSWERED_WITHIN;
        let next = (0..partitions)
            .map(|partition| first_since(tail.as_ref(), Topic::Notifications, partition, from))
            .collect();
        Self { recall, tail, next }
    }

    /// Reads what is new; gives how many records that was.
    pub fn read(&mut self) -> usize {
        let mut count = 0;
        for (partition, next) in (0..).zip(&mut self.next) {
            loop {
                // What retention took meanwhile is older than a day.
                *next = (*next).max(self.tail.ends(Topic::Notifications, partition).start);
                let Ok(records) = self.tail.read(Topic::Notifications, partition, *next, READ_MAX) else { break };
                let Some(last) = records.last() else { break };
                *next = last.offset + 1;
                count += records.len();
                for Stored { at, record, .. } in &records {
                    self.recall.note(&record.value, *at);
                }
            }
        }
        count
    }
}

/// Offset of the first record that was appended at `from` or later: by halves, for times only rise.
pub(crate) fn first_since(tail: &dyn Tail, topic: Topic, partition: u16, from: Timestamp) -> u64 {
    let ends = tail.ends(topic, partition);
    let (mut low, mut high) = (ends.start, ends.end);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = tail.read(topic, partition, middle, 1).ok().and_then(|it| it.into_iter().next());
        match found {
            Some(stored) if stored.at < from => low = stored.offset + 1,
            Some(_) | None => high = middle,
        }
    }
    low
}
