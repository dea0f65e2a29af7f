//! Answers on their way to `campanile.answers`.

use std::sync::Arc;
use std::time::Duration;

use campanile_escalation::Report;
use campanile_ledger::{Appender, Record, Topic};
use campanile_model::{OrderId, UserId, Verb};
use campanile_record::answer;
use tokio::sync::oneshot;

use super::token::About;

/// Longest wait for an answer to be durable. Source: ours; Slack gives up after 3 s, Twilio after 15 s.
const APPEND_TIMEOUT: Duration = Duration::from_millis(2_500);

#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    #[error("the answer names shard {shard}, and there are {shards}")]
    NoSuchShard { shard: u16, shards: u16 },
    #[error("the log does not take it: {0}")]
    Log(String),
}

pub struct Inbox {
    appender: Arc<dyn Appender>,
}

impl Inbox {
    pub fn new(appender: Arc<dyn Appender>) -> Self {
        Self { appender }
    }

    /// What a person said; `id` is the same when they say it again.
    ///
    /// # Errors
    /// [`InboxError`]: nothing is durable, as far as anybody knows.
    pub async fn person(&self, id: String, user: UserId, about: About, verb: Verb) -> Result<(), InboxError> {
        let (order, incident, shard, key) = match about {
            About::Order(order) => (Some(order), None, order.shard(), order.to_string()),
            About::Incident(incident) => (None, Some(incident), incident.shard(), incident.to_string()),
        };
        self.put(shard.0, key, &Report::Person { id: id.into(), user, order, incident, verb }).await
    }

    /// What a provider said of an order.
    ///
    /// # Errors
    /// As [`Inbox::person`].
    pub async fn order(&self, order: OrderId, reply: campanile_escalation::Reply) -> Result<(), InboxError> {
        self.put(order.shard().0, order.to_string(), &Report::Order { order, reply }).await
    }

    async fn put(&self, shard: u16, key: String, report: &Report) -> Result<(), InboxError> {
        let shards = self.appender.partitions(Topic::Answers);
        if shard >= shards {
            return Err(InboxError::NoSuchShard { shard, shards });
        }
        let mut value = Vec::with_capacity(160);
        answer::encode(report, &mut value);
        let (tx, rx) = oneshot::channel();
        let done = Box::new(move |appended| drop(tx.send(appended)));
        self.appender.append(Topic::Answers, shard, vec![Record::new(key, value)], done);
        match tokio::time::timeout(APPEND_TIMEOUT, rx).await {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err(error))) => Err(InboxError::Log(error.to_string())),
            Ok(Err(_)) => Err(InboxError::Log("it was closed".to_owned())),
            Err(_) => Err(InboxError::Log(format!("no word within {} ms", APPEND_TIMEOUT.as_millis()))),
        }
    }
}
