//! The gateway's series, made once: counting is then one atomic and no look-up.

use std::time::Duration;

use campanile_catalogue::metrics::{
    DEAD_LETTERS_TOTAL, INGEST_BODY_BYTES, INGEST_CONNECTIONS, INGEST_CONNECTIONS_REFUSED_TOTAL,
    INGEST_DURATION_SECONDS, INGEST_EVENTS_TOTAL, INGEST_IN_FLIGHT, INGEST_REQUESTS_TOTAL,
};
use campanile_catalogue::{Counter, Gauge, Histogram, counter, gauge, histogram};
use campanile_model::outcome::DeadReason;

/// Where dead letters of this crate are noticed.
pub(crate) const STAGE: &str = "gateway";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Enqueue,
    Live,
    Ready,
    Metrics,
    Other,
}

impl Route {
    const ALL: [Self; 5] = [Self::Enqueue, Self::Live, Self::Ready, Self::Metrics, Self::Other];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Enqueue => "/v2/enqueue",
            Self::Live => "/health/live",
            Self::Ready => "/health/ready",
            Self::Metrics => "/metrics",
            Self::Other => "other",
        }
    }
}

/// Every status that the gateway answers.
const CODES: [u16; 10] = [200, 202, 400, 404, 405, 408, 415, 429, 500, 503];

/// What became of an event that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Accepted,
    Invalid,
    Unparseable,
    UnknownKey,
    TooLarge,
    RateLimited,
    Unavailable,
    InDoubt,
}

impl Fate {
    const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Invalid,
        Self::Unparseable,
        Self::UnknownKey,
        Self::TooLarge,
        Self::RateLimited,
        Self::Unavailable,
        Self::InDoubt,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Invalid => "invalid",
            Self::Unparseable => "unparseable",
            Self::UnknownKey => "unknown_key",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// Why a connection was closed without a whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    TooManyPerAddress,
    Silent,
    SlowHeader,
    SlowBody,
}

impl Closed {
    const ALL: [Self; 4] = [Self::TooManyPerAddress, Self::Silent, Self::SlowHeader, Self::SlowBody];

    const fn as_str(self) -> &'static str {
        match self {
            Self::TooManyPerAddress => "too_many_per_address",
            Self::Silent => "silent",
            Self::SlowHeader => "slow_header",
            Self::SlowBody => "slow_body",
        }
    }
}

pub(crate) struct Series {
    requests: [[Counter; CODES.len()]; Route::ALL.len()],
    durations: [Histogram; Route::ALL.len()],
    fates: [Counter; Fate::ALL.len()],
    closed: [Counter; Closed::ALL.len()],
    in_flight: Gauge,
    connections: Gauge,
    body_bytes: Histogram,
    too_large_kept: Counter,
}

impl Series {
    pub(crate) fn new() -> Self {
        let request = |route: Route, code: u16| {
            counter(&INGEST_REQUESTS_TOTAL, &[("route", route.as_str()), ("code", &code.to_string())])
        };
        Self {
            requests: Route::ALL.map(|route| CODES.map(|code| request(route, code))),
            durations: Route::ALL.map(|route| histogram(&INGEST_DURATION_SECONDS, &[("route", route.as_str())])),
            fates: Fate::ALL.map(|fate| counter(&INGEST_EVENTS_TOTAL, &[("result", fate.as_str())])),
            closed: Closed::ALL.map(|why| counter(&INGEST_CONNECTIONS_REFUSED_TOTAL, &[("reason", why.as_str())])),
            in_flight: gauge(&INGEST_IN_FLIGHT, &[]),
            connections: gauge(&INGEST_CONNECTIONS, &[]),
            body_bytes: histogram(&INGEST_BODY_BYTES, &[]),
            too_large_kept: counter(
                &DEAD_LETTERS_TOTAL,
                &[("stage", STAGE), ("reason", DeadReason::TooLarge.as_str())],
            ),
        }
    }

    pub(crate) fn request(&self, route: Route, code: u16, duration: Duration) {
        if let Some(index) = CODES.iter().position(|known| *known == code) {
            self.requests[route as usize][index].add(1);
        }
        self.durations[route as usize].record_duration(duration);
    }

    pub(crate) fn event(&self, fate: Fate) {
        self.fates[fate as usize].add(1);
    }

    pub(crate) fn closed(&self, why: Closed) {
        self.closed[why as usize].add(1);
    }

    pub(crate) fn body(&self, bytes: u64) {
        self.body_bytes.record(bytes as f64);
    }

    pub(crate) fn too_large_kept(&self) {
        self.too_large_kept.add(1);
    }

    pub(crate) fn in_flight(&self) -> Present<'_> {
        Present::of(&self.in_flight)
    }

    pub(crate) fn connection(&self) -> Present<'_> {
        Present::of(&self.connections)
    }
}

/// One more on a gauge, until it is dropped.
pub(crate) struct Present<'a>(&'a Gauge);

impl<'a> Present<'a> {
    fn of(gauge: &'a Gauge) -> Self {
        gauge.add(1.0);
        Self(gauge)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.subtract(1.0);
    }
}
