//! The role's life: bind, accept, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use campanile_catalogue::error_codes::ErrorCode;
use campanile_directory::Snapshot;
use campanile_ledger::Appender;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::address_count::AddressCount;
use crate::connection;
use crate::door::Door;
use crate::options::Options;
use crate::port_owner::listening_on;
use crate::readiness::Readiness;
use crate::series::Closed;

/// Asked at each `GET /health/ready`; must not block.
pub type Ready = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// Gives the text of `GET /metrics`; must not block.
pub type MetricsPage = Arc<dyn Fn() -> String + Send + Sync>;

/// Connections that the kernel holds until they are accepted. Ours: a burst of senders after a network outage. The
/// kernel cuts it to `net.core.somaxconn`, 4096 by default.
const BACKLOG: u32 = 4_096;

/// Pause after an accept that failed, most likely for want of file descriptors, which connections that end give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the door cannot open. For a person: each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "port {} on {} is in use{}; events cannot come in there. Stop what uses it, or choose another with \
         --listen {}:PORT ({})",
        .address.port(), .address.ip(), by(.owner.as_ref()), bracketed(*.address), ErrorCode::BusyPort
    )]
    Busy {
        address: SocketAddr,
        /// Name and process id of who has it, where the system tells.
        owner: Option<String>,
    },
    #[error("cannot listen on {address}: {source}; choose another address with --listen ADDRESS:PORT")]
    Unusable { address: SocketAddr, source: std::io::Error },
}

fn by(owner: Option<&String>) -> String {
    owner.map_or_else(String::new, |owner| format!(" by {owner}"))
}

fn bracketed(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// How a drain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request under way was answered.
    Clean,
    /// Time ran out on so many connections; they were cut, and their senders will repeat.
    TimedOut { connections: usize },
    /// The service had stopped before, for this reason, which is a fault of ours.
    Failed(String),
}

/// A door that is bound and not yet served. Senders that come now wait for [`Service::run`].
pub struct Service {
    listener: TcpListener,
    local_addr: SocketAddr,
    door: Arc<Door>,
}

impl Service {
    /// Binds the address of the options.
    ///
    /// # Errors
    /// [`BindError`], to be shown to whoever starts the program.
    ///
    /// # Panics
    /// Outside a Tokio runtime with I/O and time.
    pub fn bind(
        options: Options,
        appender: Arc<dyn Appender>,
        directory: Arc<ArcSwap<Snapshot>>,
        ready: Ready,
        metrics_page: MetricsPage,
    ) -> Result<Self, BindError> {
        let address = options.listen;
        let listener = listen(address).map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => BindError::Busy { address, owner: listening_on(address) },
            _ => BindError::Unusable { address, source },
        })?;
        let local_addr = listener.local_addr().map_err(|source| BindError::Unusable { address, source })?;
        let door = Door::new(options, appender, directory, ready, metrics_page);
        Ok(Self { listener, local_addr, door: Arc::new(door) })
    }

    /// The address that was bound, with the port that port 0 became.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` ends, then drains for at most the options' `drain_timeout`.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Drained {
        let within = self.door.options.drain_timeout;
        self.serve_until(async move {
            shutdown.await;
            within
        })
        .await
    }

    /// Serves in a task of its own.
    pub fn start(self) -> Handle {
        let (stop, stopped) = oneshot::channel();
        let (local_addr, within) = (self.local_addr, self.door.options.drain_timeout);
        // A handle that is dropped stops the service too, with the usual time.
        let task = tokio::spawn(self.serve_until(async move { stopped.await.unwrap_or(within) }));
        Handle { local_addr, stop, task }
    }

    /// Serves until `shutdown` ends with the time to drain.
    async fn serve_until(self, shutdown: impl Future<Output = Duration>) -> Drained {
        let Self { listener, local_addr, door } = self;
        tracing::info!(%local_addr, "the gateway listens");
        let (drain, draining) = watch::channel(false);
        let mut connections = JoinSet::new();
        let within = {
            let accepting = accept_all(&listener, &door, &draining, &mut connections);
            let notice = async {
                let within = shutdown.await;
                // Readiness turns first, while the door is still open: whoever routes senders here hears of it.
                door.drain();
                tokio::time::sleep(door.options.drain_notice).await;
                within
            };
            tokio::select! {
                within = notice => within,
                never = accepting => match never {},
            }
        };
        drop(listener);
        drop(draining);
        drain.send_replace(true);
        drain_all(connections, within).await
    }
}

/// A door that is being served.
pub struct Handle {
    local_addr: SocketAddr,
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<Drained>,
}

impl Handle {
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Turns readiness off, stops accepting, answers what is under way; waits at most `within`.
    pub async fn drain(self, within: Duration) -> Drained {
        // A task that has ended already does not listen; its own result says why.
        let _ = self.stop.send(within);
        self.task.await.unwrap_or_else(|error| Drained::Failed(error.to_string()))
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the last life's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

enum Never {}

/// Accepts for ever. At the limit it does not: further connections wait in the kernel for one to end.
async fn accept_all(
    listener: &TcpListener,
    door: &Arc<Door>,
    draining: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) -> Never {
    let slots = Arc::new(Semaphore::new(door.options.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let addresses = AddressCount::default();
    loop {
        tokio::select! {
            accepted = accept(listener, &slots) => {
                let Some((slot, stream, peer)) = accepted else { continue };
                let Some(counted) = addresses.enter(peer.ip(), door.options.connections_per_address_max) else {
                    door.series.closed(Closed::TooManyPerAddress);
                    continue;
                };
                let served = connection::serve(door.clone(), stream, draining.clone());
                connections.spawn(async move {
                    let _held = (slot, counted);
                    served.await;
                });
            }
            Some(ended) = connections.join_next() => report(ended),
        }
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((slot, stream, peer)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn drain_all(mut connections: JoinSet<()>, within: Duration) -> Drained {
    let all = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(within, all).await.is_ok() {
        return Drained::Clean;
    }
    let left = connections.len();
    tracing::warn!(connections = left, "requests were cut, the time to drain is over");
    connections.shutdown().await;
    Drained::TimedOut { connections: left }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}
