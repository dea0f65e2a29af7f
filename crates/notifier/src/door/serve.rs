//! The door's life: bind, serve with bounds on everything, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use super::{Door, page};

#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Default 127.0.0.1:8081: a proxy with a certificate stands in front.
    pub listen: SocketAddr,
    /// Most open connections; more wait. Default 1000: people answer one at a time.
    pub connections_max: usize,
    /// Longest time for the head of a request. Default 10 s.
    pub header_timeout: Duration,
    /// Longest time for the rest of a request and its answer. Default 10 s.
    pub request_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            connections_max: 1_000,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
        }
    }
}

/// Pause after an accept that failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Largest head of a request, in bytes. Source: ours, twice the longest link.
const HEAD_BYTES_MAX: usize = 16_384;

#[derive(Debug, thiserror::Error)]
#[error("answers cannot come in at {address}: {source}; choose another address with callbacks.listen")]
pub struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A door that is bound and not yet served.
pub struct Service {
    listener: TcpListener,
    local_addr: SocketAddr,
    router: Router,
    options: Arc<ServeOptions>,
}

impl Service {
    /// Binds the address of the options.
    ///
    /// # Errors
    /// [`BindError`], to be shown to whoever starts the program.
    pub async fn bind(options: ServeOptions, door: Door) -> Result<Self, BindError> {
        let address = options.listen;
        let error = |source| BindError { address, source };
        let listener = TcpListener::bind(address).await.map_err(error)?;
        let local_addr = listener.local_addr().map_err(error)?;
        Ok(Self { listener, local_addr, router: door.router(), options: Arc::new(options) })
    }

    /// The address that was bound, with the port that port 0 became.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves in a task of its own.
    pub fn start(self) -> Handle {
        let (stop, stopped) = oneshot::channel();
        let local_addr = self.local_addr;
        let task = tokio::spawn(self.serve_until(async move { stopped.await.unwrap_or(Duration::ZERO) }));
        Handle { local_addr, stop, task }
    }

    /// Serves until `shutdown` ends with the time to answer what is under way.
    async fn serve_until(self, shutdown: impl Future<Output = Duration>) {
        let Self { listener, local_addr, router, options } = self;
        tracing::info!(%local_addr, "answers come in here");
        let (drain, draining) = watch::channel(false);
        let slots = Arc::new(Semaphore::new(options.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
        let mut connections = JoinSet::new();
        let within = {
            let accepting = async {
                loop {
                    let Ok(slot) = slots.clone().acquire_owned().await else { return };
                    tokio::select! {
                        accepted = listener.accept() => match accepted {
                            Ok((stream, _)) => {
                                let served = serve(stream, router.clone(), options.clone(), draining.clone());
                                connections.spawn(async move {
                                    served.await;
                                    drop(slot);
                                });
                            }
                            Err(error) => {
                                tracing::warn!(%error, "a connection could not be accepted");
                                tokio::time::sleep(ACCEPT_PAUSE).await;
                            }
                        },
                        Some(_) = connections.join_next() => {}
                    }
                }
            };
            tokio::select! {
                within = shutdown => within,
                () = accepting => Duration::ZERO,
            }
        };
        drop(listener);
        drain.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all).await.is_err() {
            tracing::warn!(connections = connections.len(), "answers under way were cut, the time to drain is over");
            connections.shutdown().await;
        }
    }
}

async fn serve(stream: TcpStream, router: Router, options: Arc<ServeOptions>, mut draining: watch::Receiver<bool>) {
    let request_timeout = options.request_timeout;
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let answer = tokio::time::timeout(request_timeout, router.oneshot(request.map(Body::new))).await;
            Ok::<_, std::convert::Infallible>(match answer {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => page::page(StatusCode::REQUEST_TIMEOUT, "Too slow", "The request took too long.", "")
                    .into_response(),
            })
        }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut is_draining = *draining.borrow_and_update();
    if is_draining {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
            _ = draining.changed(), if !is_draining => {
                is_draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A door that is being served. Stops when it is dropped.
pub struct Handle {
    local_addr: SocketAddr,
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<()>,
}

impl Handle {
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops accepting and answers what is under way; waits at most `within`.
    pub async fn drain(self, within: Duration) {
        // A task that has ended already does not listen.
        let _ = self.stop.send(within);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task of the door for answers failed");
        }
    }
}
