//! The gateway as the house holds it: bound first, so that a busy port is told before anything else starts; served when
//! the processor runs.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use campanile_gateway::{Drained, Options, Readiness as Answer, Service};
use campanile_ledger::Appender;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::feed::Feed;
use crate::readiness::Readiness;
use crate::telemetry::Telemetry;

/// Bound, and senders wait.
pub(super) struct Bound {
    service: Service,
}

/// Serving.
pub(super) struct Gate {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    /// Gone once it has ended.
    task: Option<JoinHandle<Drained>>,
}

impl Bound {
    pub(super) fn new(
        settings: &Settings,
        appender: &Arc<dyn Appender>,
        feed: &Feed,
        readiness: &Readiness,
        telemetry: &Telemetry,
        runtime: &Runtime,
    ) -> Result<Self> {
        let options = options(settings)?;
        let (readiness, telemetry) = (readiness.clone(), telemetry.clone());
        let ready = Arc::new(move || match readiness.check() {
            Ok(()) => Answer::Ready,
            Err(reason) => Answer::NotReady(vec![reason]),
        });
        let page = Arc::new(move || telemetry.page());
        // Binding registers with the runtime's reactor.
        let _inside = runtime.enter();
        let directory = Arc::clone(feed.directory());
        let service = Service::bind(options, Arc::clone(appender), directory, ready, page)?;
        Ok(Self { service })
    }

    pub(super) fn url(&self) -> String {
        url(self.service.local_addr())
    }

    pub(super) fn serve(self, runtime: &Runtime) -> Gate {
        let address = self.service.local_addr();
        let (stop, stopped) = oneshot::channel();
        let task = runtime.spawn(self.service.run(async move {
            // A sender that is dropped asks for the same.
            let _ = stopped.await;
        }));
        Gate { address, stop, task: Some(task) }
    }
}

impl Gate {
    pub(super) fn url(&self) -> String {
        url(self.address)
    }

    /// Waits until it ends by itself, which it never should; gives the reason.
    pub(super) async fn death(&mut self) -> String {
        let Some(task) = self.task.as_mut() else { return std::future::pending().await };
        let ended = task.await;
        self.task = None;
        match ended {
            Ok(Drained::Failed(reason)) => reason,
            Ok(Drained::Clean | Drained::TimedOut { .. }) => "it ended although nobody asked it to".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Answers what is under way and closes.
    pub(super) fn stop(self, runtime: &Runtime) {
        // Nobody listens if it has ended already.
        let _ = self.stop.send(());
        match self.task.map(|task| runtime.block_on(task)) {
            None | Some(Ok(Drained::Clean)) => {}
            Some(Ok(Drained::TimedOut { connections })) => {
                tracing::warn!(connections, "connections were cut at the end; their senders will repeat");
            }
            Some(Ok(Drained::Failed(reason))) => tracing::error!(%reason, "the gateway failed at its end"),
            Some(Err(error)) => tracing::error!(%error, "the gateway failed at its end"),
        }
    }
}

fn options(settings: &Settings) -> Result<Options> {
    let set = &settings.gateway;
    let usual = Options::default();
    Ok(Options {
        listen: resolve(&set.listen)?,
        connections_max: set.connections_max,
        connections_per_address_max: set.connections_per_address_max,
        events_per_key_per_minute_max: set.events_per_key_per_minute_max,
        body_memory_bytes_max: set.body_memory_bytes_max,
        drain_notice: set.drain_notice,
        drain_timeout: usual.drain_timeout.min(settings.drain_within),
        ..usual
    })
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn resolve(listen: &str) -> Result<SocketAddr> {
    let mut addresses = listen
        .to_socket_addrs()
        .with_context(|| format!("the address {listen} cannot be resolved; choose another with --listen"))?;
    addresses.next().ok_or_else(|| anyhow!("{listen} has no address; choose another with --listen"))
}
