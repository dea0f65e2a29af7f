//! Health and metrics of a process that has no gateway: a processor on Kafka. The gateway serves the same paths itself.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::readiness::Readiness;
use crate::telemetry::Telemetry;

/// Serves until the runtime ends.
pub struct Watch {
    address: SocketAddr,
}

impl Watch {
    /// Listens on `host:port`.
    ///
    /// # Errors
    /// The port is taken, or the address is none.
    pub fn serve(listen: &str, readiness: Readiness, telemetry: Telemetry, runtime: &Runtime) -> Result<Self> {
        let listener = runtime.block_on(TcpListener::bind(listen));
        let listener = listener
            .with_context(|| format!("health and metrics cannot listen on {listen}; choose another with --listen"))?;
        let address = listener.local_addr()?;
        let ready = move || {
            let checked = readiness.check();
            async move {
                match checked {
                    Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
                    Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
                }
            }
        };
        let router = Router::new()
            .route("/health/live", get(|| async { "live\n" }))
            .route("/health/ready", get(ready))
            .route("/metrics", get(move || async move { telemetry.page() }));
        runtime.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "health and metrics are not served any more");
            }
        });
        Ok(Self { address })
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
