//! Who carries messages of a channel, and several of them in turn: the healthier first, the next when one fails.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use campanile_clock::Clock;
use campanile_model::{Span, Timestamp};
use compact_str::CompactString;

use crate::channel::{Accepted, Channel, Delivery, Message, Refused};

/// How much of its score a provider keeps when it fails. Source: ours; two failures in a row take it below another
/// that failed once.
const KEPT_AFTER_FAILURE: f64 = 0.5;
/// In how long half of what was lost comes back by itself. Source: ours: a provider that was down is asked again after
/// minutes, not days.
const HALF_LIFE: Span = Span::minutes(2);
/// Longest rest that a provider may ask for; a longer wish is cut to it. Source: ours: a page cannot wait for an hour.
const REST_MAX: Duration = Duration::from_secs(120);

/// A provider took the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The provider's own words.
    pub detail: String,
    /// Where the message stands, for a channel that comes back to it; empty for the others.
    pub reference: String,
}

impl Taken {
    pub fn with(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), reference: String::new() }
    }
}

/// A provider did not take the message, or nobody knows whether it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// No provider will ever take it: the address is wrong or gone.
    pub permanent: bool,
    pub detail: String,
    /// How long the provider wants to be left alone.
    pub rest: Option<Duration>,
}

impl Trouble {
    pub fn for_good(detail: impl Into<String>) -> Self {
        Self { permanent: true, detail: detail.into(), rest: None }
    }

    pub fn for_now(detail: impl Into<String>) -> Self {
        Self { permanent: false, detail: detail.into(), rest: None }
    }
}

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Taken, Trouble>> + Send + 'a>>;

/// One company or server that carries messages.
pub trait Provider: Send + Sync {
    /// As records and answers name it.
    fn name(&self) -> &str;

    /// One attempt. Cancelled when dropped.
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a>;
}

#[derive(Clone, Copy, Debug)]
struct Health {
    /// From 0 to 1; 1 has not failed lately.
    score: f64,
    at: Timestamp,
    rests_until: Timestamp,
}

impl Health {
    fn score_at(&self, now: Timestamp) -> f64 {
        let halves = now.since(self.at).0.max(0) as f64 / HALF_LIFE.0 as f64;
        1.0 - (1.0 - self.score) * 0.5_f64.powf(halves)
    }
}

struct Link {
    provider: Arc<dyn Provider>,
    health: Mutex<Health>,
}

impl Link {
    fn health(&self) -> Health {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, outcome: &Result<Taken, Trouble>, now: Timestamp) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let score = health.score_at(now);
        match outcome {
            // Refusing a bad address is what a healthy provider does.
            Ok(_) | Err(Trouble { permanent: true, .. }) => health.score = 1.0 - (1.0 - score) * KEPT_AFTER_FAILURE,
            Err(trouble) => {
                health.score = score * KEPT_AFTER_FAILURE;
                if let Some(rest) = trouble.rest {
                    health.rests_until = now + Span(rest.min(REST_MAX).as_millis() as i64);
                }
            }
        }
        health.at = now;
    }
}

/// The providers of one channel, in the operator's order.
pub struct Chain {
    links: Vec<Link>,
    clock: Arc<dyn Clock>,
    /// Longest wait for one provider.
    timeout: Duration,
}

impl Chain {
    pub fn new(providers: Vec<Arc<dyn Provider>>, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        let never = Timestamp(i64::MIN / 2);
        let health = Health { score: 1.0, at: never, rests_until: never };
        let links = providers.into_iter().map(|provider| Link { provider, health: Mutex::new(health) }).collect();
        Self { links, clock, timeout }
    }

    /// Name and score of each provider, in the operator's order.
    pub fn scores(&self) -> Vec<(String, f64)> {
        let now = self.clock.now();
        self.links.iter().map(|link| (link.provider.name().to_owned(), link.health().score_at(now))).collect()
    }

    /// The operator's order, but who fails half of the time goes behind who does not.
    fn order(&self, now: Timestamp) -> Vec<&Link> {
        let mut links: Vec<_> = self.links.iter().collect();
        links.sort_by_key(|link| link.health().score_at(now) < KEPT_AFTER_FAILURE + 0.01);
        links
    }

    /// Asks one provider after the other until one takes the message or says that nobody ever will.
    ///
    /// # Errors
    /// What the last one that was asked said, and the others before it.
    async fn try_each(&self, message: &Message) -> Result<Accepted, Refused> {
        let (mut said, mut last) = (Vec::new(), CompactString::default());
        for link in self.order(self.clock.now()) {
            let name = link.provider.name();
            last = name.into();
            let rests_for = link.health().rests_until.since(self.clock.now());
            if rests_for > Span::ZERO {
                said.push(format!("{name}: wants to be left alone for {} s more", rests_for.whole_seconds() + 1));
                continue;
            }
            let sending = tokio::time::timeout(self.timeout, link.provider.send(message));
            let outcome = sending.await.unwrap_or_else(|_| {
                Err(Trouble::for_now(format!("no answer within {} s", self.timeout.as_secs_f32())))
            });
            link.note(&outcome, self.clock.now());
            match outcome {
                Ok(Taken { detail, reference }) => return Ok(Accepted { provider: last, detail, reference }),
                Err(Trouble { permanent: true, detail, .. }) => {
                    return Err(Refused { provider: last, permanent: true, detail });
                }
                Err(trouble) => said.push(format!("{name}: {}", trouble.detail)),
            }
        }
        Err(Refused { provider: last, permanent: false, detail: said.join("; ") })
    }
}

impl Channel for Chain {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        Box::pin(self.try_each(message))
    }
}
