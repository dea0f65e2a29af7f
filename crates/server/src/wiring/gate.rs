//! The gateway as the house holds it: bound first, so that a busy port is told before anything else starts; served when
//! the processor runs.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use campanile_gateway::{Drained, Handle, Options, Readiness as Answer, Service};
use tokio::runtime::Runtime;

use crate::config::Settings;
use crate::door::Ports;
use crate::readiness::Readiness;
use crate::telemetry::Telemetry;

/// Bound, and senders wait.
pub(super) struct Bound {
    service: Service,
}

/// Serving.
pub(super) struct Gate {
    handle: Handle,
}

impl Bound {
    pub(super) fn new(
        settings: &Settings,
        ports: &Ports,
        readiness: &Readiness,
        telemetry: &Telemetry,
        runtime: &Runtime,
    ) -> Result<Self> {
        let options = Options { listen: resolve(&settings.gateway.listen)?, ..Options::default() };
        let (readiness, telemetry) = (readiness.clone(), telemetry.clone());
        let ready = Arc::new(move || match readiness.check() {
            Ok(()) => Answer::Ready,
            Err(reason) => Answer::NotReady(vec![reason]),
        });
        let page = Arc::new(move || telemetry.page());
        // Binding registers with the runtime's reactor.
        let _inside = runtime.enter();
        let directory = Arc::clone(ports.feed.directory());
        let service = Service::bind(options, Arc::clone(&ports.appender), directory, ready, page)?;
        Ok(Self { service })
    }

    pub(super) fn url(&self) -> String {
        url(self.service.local_addr())
    }

    pub(super) fn serve(self, runtime: &Runtime) -> Gate {
        let _inside = runtime.enter();
        Gate { handle: self.service.start() }
    }
}

impl Gate {
    pub(super) fn url(&self) -> String {
        url(self.handle.local_addr())
    }

    /// Answers what is under way and closes.
    pub(super) fn stop(self, runtime: &Runtime) {
        match runtime.block_on(self.handle.drain()) {
            Drained::Clean => {}
            Drained::TimedOut { connections } => {
                tracing::warn!(connections, "connections were cut at the end; their senders will repeat");
            }
        }
    }
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
