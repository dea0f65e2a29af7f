//! From a host to a connection: resolve once, judge, connect to what was judged.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::Uri;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tower::Service;

use super::guard::{Guard, Refusal};

/// Most addresses of a name that are looked at. Above it the name is refused: nobody needs them, and each costs a try.
const ADDRESSES_MAX: usize = 64;

type Future_<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Turns a host name into its addresses.
pub trait Resolve: Send + Sync {
    fn resolve(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The system's own resolver.
#[derive(Debug)]
pub struct System;

impl Resolve for System {
    fn resolve(&self, host: String) -> Future_<io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|address| address.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            Ok(addresses)
        })
    }
}

#[derive(Debug, Error)]
pub(super) enum DialError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{host} could not be resolved: {error}")]
    Resolve { host: String, error: io::Error },
    #[error("{address} could not be connected to: {error}")]
    Connect { address: SocketAddr, error: io::Error },
    #[error("no connection to {host} within {} ms", .within.as_millis())]
    Slow { host: String, within: Duration },
    #[error("{host} has no address of the family of egress.local_address")]
    Family { host: String },
}

/// The connector beneath the client. `guard` is `None` for addresses that the operator wrote.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) guard: Option<Arc<Guard>>,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) local: Option<IpAddr>,
    /// For resolving and connecting together.
    pub(super) within: Duration,
}

/// Whether a socket of this machine could have the address: then it is this machine, whichever local one is used.
fn is_ours(address: IpAddr) -> bool {
    std::net::UdpSocket::bind(SocketAddr::new(address, 0)).is_ok()
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Future_<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dial = self.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            let stream = dial.reach(&host, port).await?;
            Ok(TokioIo::new(stream))
        })
    }
}

impl Dial {
    async fn reach(&self, host: &str, port: u16) -> Result<TcpStream, DialError> {
        let started = Instant::now();
        let slow = || DialError::Slow { host: host.to_owned(), within: self.within };
        let addresses = timeout(self.within, self.addresses(host)).await.map_err(|_| slow())??;
        if let Some(guard) = &self.guard {
            guard.addresses(host, port, &addresses)?;
        }
        let usable = addresses.into_iter().filter(|address| self.fits(*address)).collect::<Vec<_>>();
        let mut last = DialError::Family { host: host.to_owned() };
        for (tried, address) in usable.iter().enumerate() {
            // What is left of the time is shared by the addresses that are left, so that a dead one does not eat it all.
            let left = self.within.saturating_sub(started.elapsed());
            let share = left / u32::try_from(usable.len() - tried).unwrap_or(u32::MAX);
            let address = SocketAddr::new(*address, port);
            if let Some(guard) = self.guard.as_ref().filter(|_| is_ours(address.ip())) {
                guard.connected(host, address.ip(), address.ip())?;
            }
            match timeout(share, self.connect(address)).await {
                Ok(Ok(stream)) => return self.judged(host, address, stream),
                Ok(Err(error)) => last = DialError::Connect { address, error },
                Err(_) => last = slow(),
            }
        }
        Err(last)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DialError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![address]);
        }
        let failed = |error| DialError::Resolve { host: host.to_owned(), error };
        let addresses = self.resolver.resolve(host.to_owned()).await.map_err(failed)?;
        if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
            return Err(failed(io::Error::other(format!("it has {} addresses", addresses.len()))));
        }
        Ok(addresses)
    }

    fn fits(&self, address: IpAddr) -> bool {
        self.local.is_none_or(|local| local.is_ipv4() == address.is_ipv4())
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(local) = self.local {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        socket.set_nodelay(true)?;
        socket.connect(address).await
    }

    fn judged(&self, host: &str, address: SocketAddr, stream: TcpStream) -> Result<TcpStream, DialError> {
        if let Some(guard) = &self.guard {
            let local = stream.local_addr().map_err(|error| DialError::Connect { address, error })?;
            guard.connected(host, local.ip(), address.ip())?;
        }
        Ok(stream)
    }
}
