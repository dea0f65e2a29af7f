//! What happens outside the machine, as series. Few enough that a series is looked up each time.

use std::time::Duration;

use campanile_catalogue::{counter, gauge, histogram, metrics};
use campanile_directory::Channel as Kind;
use campanile_model::{ShardId, Span, Timestamp};

use crate::audit::Found;
use crate::courier::Courier;
use crate::outbox::Outbox;

/// What came of an order that was to leave.
#[derive(Clone, Copy)]
pub(crate) enum Told {
    Accepted,
    Refused,
    Rejected,
    Quiet,
}

impl Told {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Quiet => "quiet",
        }
    }
}

pub(crate) fn delivery(kind: Kind, told: Told) {
    counter(&metrics::DELIVERIES_TOTAL, &[("channel", kind.as_str()), ("result", told.as_str())]).add(1);
}

pub(crate) fn delivery_took(kind: Kind, took: Duration) {
    histogram(&metrics::DELIVERY_SECONDS, &[("channel", kind.as_str())]).record_duration(took);
}

/// The first page about an incident was taken, so long after its triggering.
pub(crate) fn paged(after: Span) {
    histogram(&metrics::PAGE_LATENCY_SECONDS, &[]).record(after.0.max(0) as f64 / 1000.0);
}

pub(crate) fn entered(level: u32) {
    counter(&metrics::ESCALATIONS_TOTAL, &[("level", level.to_string().as_str())]).add(1);
}

pub(crate) fn audited(shard: ShardId, found: &Found) {
    let shard = shard.to_string();
    let show = |standing: &'static str, count: usize| {
        gauge(&metrics::LADDERS, &[("shard", shard.as_str()), ("standing", standing)]).set(count as f64);
    };
    show("waiting", found.waiting);
    show("resting", found.resting);
    show("stranded", found.stranded.len());
}

pub(crate) fn show_waiting(courier: &Courier, outbox: &Outbox, now: Timestamp) {
    let (counts, oldest) = courier.waiting();
    for kind in Kind::ALL {
        let count = counts.get(&kind).copied().unwrap_or(0);
        gauge(&metrics::ORDERS_WAITING, &[("channel", kind.as_str())]).set(count as f64);
    }
    let age = oldest.map_or(Span::ZERO, |at| now.since(at));
    gauge(&metrics::OLDEST_UNSENT_PAGE_SECONDS, &[]).set(age.0.max(0) as f64 / 1000.0);
    gauge(&metrics::ERRANDS_WAITING, &[]).set(outbox.waiting() as f64);
}
