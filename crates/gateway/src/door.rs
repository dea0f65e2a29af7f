//! What all connections share, and the paths that are served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use campanile_directory::Snapshot;
use campanile_ledger::Appender;
use hyper::body::Incoming;
use hyper::{Method, Request};
use tokio::sync::Semaphore;

use crate::answer::{self, Answer};
use crate::body::Room;
use crate::enqueue::{self, Limits};
use crate::mint::Mint;
use crate::options::Options;
use crate::readiness::Readiness;
use crate::series::{Route, Series};
use crate::service::{MetricsPage, Ready};

pub(crate) struct Door {
    pub(crate) options: Options,
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) directory: Arc<ArcSwap<Snapshot>>,
    pub(crate) room: Room,
    pub(crate) slots: Semaphore,
    pub(crate) limits: Limits,
    pub(crate) mint: Mint,
    pub(crate) series: Series,
    ready: Ready,
    metrics_page: MetricsPage,
    is_draining: AtomicBool,
}

impl Door {
    pub(crate) fn new(
        options: Options,
        appender: Arc<dyn Appender>,
        directory: Arc<ArcSwap<Snapshot>>,
        ready: Ready,
        metrics_page: MetricsPage,
    ) -> Self {
        Self {
            appender,
            directory,
            room: Room::new(options.body_memory_bytes_max),
            slots: Semaphore::new(options.in_flight_max.min(Semaphore::MAX_PERMITS)),
            limits: Limits::new(&options),
            mint: Mint::new(),
            series: Series::new(),
            ready,
            metrics_page,
            is_draining: AtomicBool::new(false),
            options,
        }
    }

    /// From now on it is not ready, whatever the rest of the process says.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    fn readiness(&self) -> Readiness {
        if self.is_draining.load(Ordering::Acquire) {
            return Readiness::NotReady(vec!["the gateway is shutting down".to_owned()]);
        }
        (self.ready)()
    }

    /// The answer to one request, counted.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let started = Instant::now();
        let route = route(request.uri().path());
        let answer = match (route, request.method()) {
            (Route::Enqueue, &Method::POST) => enqueue::enqueue(self, request).await,
            (Route::Enqueue, _) => answer::method_not_allowed("POST"),
            (Route::Live, &Method::GET | &Method::HEAD) => answer::ok_json(br#"{"status":"live"}"#.to_vec()),
            (Route::Ready, &Method::GET | &Method::HEAD) => ready(&self.readiness()),
            (Route::Metrics, &Method::GET | &Method::HEAD) => answer::metrics((self.metrics_page)()),
            (Route::Live | Route::Ready | Route::Metrics, _) => answer::method_not_allowed("GET, HEAD"),
            (Route::Other, _) => answer::not_found(),
        };
        self.series.request(route, answer.status().as_u16(), started.elapsed());
        answer
    }
}

/// Several clients end their paths with a slash.
fn route(path: &str) -> Route {
    match path.strip_suffix('/').unwrap_or(path) {
        "/v2/enqueue" => Route::Enqueue,
        "/health/live" => Route::Live,
        "/health/ready" => Route::Ready,
        "/metrics" => Route::Metrics,
        _ => Route::Other,
    }
}

fn ready(readiness: &Readiness) -> Answer {
    match readiness {
        Readiness::Ready => answer::ok_json(readiness.json()),
        Readiness::NotReady(_) => answer::not_ready(readiness.json()),
    }
}
