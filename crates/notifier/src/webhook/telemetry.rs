//! Webhooks as series.

use std::time::Duration;

use campanile_catalogue::{counter, gauge, histogram, metrics};
use campanile_model::Span;

pub(crate) fn attempted(result: &'static str, took: Duration) {
    counter(&metrics::WEBHOOK_ATTEMPTS_TOTAL, &[("result", result)]).add(1);
    histogram(&metrics::WEBHOOK_ATTEMPT_SECONDS, &[]).record_duration(took);
}

pub(crate) fn delivered(after: Span) {
    histogram(&metrics::WEBHOOK_LATENCY_SECONDS, &[]).record(after.0.max(0) as f64 / 1000.0);
}

pub(crate) fn gave_up() {
    counter(&metrics::WEBHOOKS_GIVEN_UP_TOTAL, &[("reason", "refused")]).add(1);
}

pub(crate) fn lost(count: u64) {
    counter(&metrics::WEBHOOKS_GIVEN_UP_TOTAL, &[("reason", "trimmed")]).add(count);
}

/// Sums over all lines of this process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) deliveries: usize,
    pub(crate) oldest: Option<Span>,
    pub(crate) parked: usize,
    pub(crate) broken: usize,
}

pub(crate) fn show(waiting: Waiting) {
    gauge(&metrics::WEBHOOKS_WAITING, &[]).set(waiting.deliveries as f64);
    let oldest = waiting.oldest.map_or(0, |age| age.0.max(0));
    gauge(&metrics::OLDEST_UNDELIVERED_WEBHOOK_SECONDS, &[]).set(oldest as f64 / 1000.0);
    gauge(&metrics::WEBHOOK_SUBSCRIPTIONS, &[("standing", "parked")]).set(waiting.parked as f64);
    gauge(&metrics::WEBHOOK_SUBSCRIPTIONS, &[("standing", "broken")]).set(waiting.broken as f64);
}
