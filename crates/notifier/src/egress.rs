//! The one client through which everything leaves: webhooks, and calls to the providers of channels.
//!
//! Built on hyper with a connector of our own, because the connector is where the guard must sit: it alone knows which
//! address a connection goes to. `reqwest` would let a resolver be set, but judges literal addresses elsewhere, reads
//! proxies from the environment and follows redirects unless told not to; here the three do not exist.
//! Connections are kept and used again; each was judged when it was made. Trusted and untrusted ones are never mixed.

mod address;
mod dial;
mod guard;
mod tls;

use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

pub use address::inside;
pub use dial::{Resolve, System};
pub use guard::{Allowed, Guard, PORTS, Refusal, URL_BYTES_MAX};
pub use hyper::{HeaderMap, Method, StatusCode};
pub use tls::{ClientCertificate, TlsError};

use dial::{Dial, DialError};

/// Most bytes of an answer's body that are read; the rest is not, and the connection is closed. Source: reference of
/// this project, "SSRF".
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Idle connections that are kept per host.
const IDLE_PER_HOST_MAX: usize = 16;

/// How long an idle connection is kept: shorter than the 60 s of common servers, so that we close first.
const IDLE: Duration = Duration::from_secs(45);

/// Most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 << 10;

#[derive(Clone, Debug)]
pub struct EgressOptions {
    /// Networks, addresses and host names that may be reached although they are not the public internet, on any port.
    /// Default none. Since 0.1.
    pub allow: Vec<Allowed>,
    /// Longest time to resolve a name and connect. Default 3 s. Since 0.1.
    pub connect_timeout: Duration,
    /// The address of ours that connections come from, for receivers that keep a list. Default the system's choice.
    /// Since 0.1.
    pub local_address: Option<IpAddr>,
    /// A file of root certificates, PEM, beside the system's. Default none. Since 0.1.
    pub roots_file: Option<PathBuf>,
    /// Our certificate for receivers that ask for one. Default none. Since 0.1.
    pub client_certificate: Option<ClientCertificate>,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            connect_timeout: Duration::from_secs(3),
            local_address: None,
            roots_file: None,
            client_certificate: None,
        }
    }
}

/// One request. A user and password in the address become an `Authorization` header, unless there is one.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// From now to the last byte of the answer, connecting included.
    pub timeout: Duration,
    /// The operator wrote the address: it is not judged. Never for an address from a directory object.
    pub trusted: bool,
}

/// What came back, whatever its status. Redirects come back too: they are never followed.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// At most [`ANSWER_BYTES_MAX`].
    pub body: Bytes,
    /// The body was longer, came too slowly or broke off.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It may not leave, or cannot be written as a request.
    Refused,
    Resolve,
    Connect,
    Tls,
    Timeout,
    /// The connection broke, or what came is no HTTP.
    Exchange,
}

impl Cause {
    /// The word in metrics and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Exchange => "exchange",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct EgressError {
    /// Trying again is pointless until somebody changes something.
    pub permanent: bool,
    pub cause: Cause,
    /// For a person; never holds the password of an address.
    pub detail: String,
}

impl EgressError {
    fn refused(detail: impl ToString) -> Self {
        Self { permanent: true, cause: Cause::Refused, detail: detail.to_string() }
    }

    fn late(timeout: Duration) -> Self {
        let detail = format!("no answer within {} ms", timeout.as_millis());
        Self { permanent: false, cause: Cause::Timeout, detail }
    }
}

type Https = Client<HttpsConnector<Dial>, Full<Bytes>>;

/// The client. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Egress {
    trusted: Https,
    guarded: Https,
}

impl Egress {
    /// A client that resolves with the system's resolver.
    ///
    /// # Errors
    /// A file of certificates that cannot be used.
    pub fn new(options: EgressOptions) -> Result<Self, TlsError> {
        Self::with_resolver(options, Arc::new(System))
    }

    /// As [`Egress::new`], with another resolver.
    ///
    /// # Errors
    /// As there.
    pub fn with_resolver(options: EgressOptions, resolver: Arc<dyn Resolve>) -> Result<Self, TlsError> {
        let tls = tls::config(options.roots_file.as_deref(), options.client_certificate.as_ref())?;
        let client = |guard| {
            let dial = Dial {
                guard,
                resolver: Arc::clone(&resolver),
                local: options.local_address,
                within: options.connect_timeout,
            };
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_or_http()
                .enable_http1()
                .wrap_connector(dial);
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
                .http1_max_buf_size(HEAD_BYTES_MAX)
                .build(connector)
        };
        let guard = Guard { allow: options.allow.clone() };
        Ok(Self { trusted: client(None), guarded: client(Some(Arc::new(guard))) })
    }

    /// Sends a request and reads what comes back. Once dropped, nothing more is sent.
    ///
    /// # Errors
    /// There is no answer: [`EgressError::permanent`] says whether another try makes sense. Time-outs, names that do not
    /// resolve, broken connections and expired certificates may pass; refusals and other faults of TLS do not.
    pub async fn send(&self, request: Request) -> Result<Answer, EgressError> {
        let deadline = Instant::now() + request.timeout;
        let (within, client) = (request.timeout, if request.trusted { &self.trusted } else { &self.guarded });
        let outgoing = outgoing(request)?;
        match timeout_at(deadline, client.request(outgoing)).await {
            Err(_) => Err(EgressError::late(within)),
            Ok(Err(error)) => Err(classify(&error)),
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                let (body, cut) = read(body, deadline).await;
                Ok(Answer { status: head.status, headers: head.headers, body, cut })
            }
        }
    }
}

fn outgoing(request: Request) -> Result<hyper::Request<Full<Bytes>>, EgressError> {
    let mut url = Guard::url(&request.url).map_err(EgressError::refused)?;
    let mut headers = request.headers;
    if !headers.contains_key(AUTHORIZATION)
        && let Some(basic) = basic_authorization(&url)
    {
        headers.insert(AUTHORIZATION, basic);
    }
    // Both cannot fail on an http URL with a host, which is what the guard let through.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let mut outgoing = hyper::Request::builder()
        .method(request.method)
        .uri(url.as_str())
        .body(Full::new(request.body))
        .map_err(EgressError::refused)?;
    *outgoing.headers_mut() = headers;
    Ok(outgoing)
}

fn basic_authorization(url: &url::Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decoded(text);
    let mut pair = decoded(url.username());
    pair.push(b':');
    pair.extend(decoded(url.password().unwrap_or_default()));
    let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

/// The body, as far as it came in time and fits.
async fn read(mut body: Incoming, deadline: Instant) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    loop {
        let Ok(next) = timeout_at(deadline, body.frame()).await else {
            return (read.freeze(), true);
        };
        let Some(frame) = next else {
            return (read.freeze(), false);
        };
        let Ok(frame) = frame else {
            return (read.freeze(), true);
        };
        if let Some(data) = frame.data_ref() {
            let room = ANSWER_BYTES_MAX - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return (read.freeze(), true);
            }
        }
    }
}

/// What an error of the client means, found by walking down to its first cause.
fn classify(error: &hyper_util::client::legacy::Error) -> EgressError {
    let mut words = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(dialled) = cause.downcast_ref::<DialError>() {
            return of_dial(dialled);
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        words.push(cause.to_string());
        // What an `io::Error` was made from is its inside, not its source.
        let inside = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    let cause = if error.is_connect() { Cause::Connect } else { Cause::Exchange };
    EgressError { permanent: false, cause, detail: words.join(": ") }
}

fn of_dial(error: &DialError) -> EgressError {
    let (permanent, cause) = match error {
        DialError::Refused(_) => (true, Cause::Refused),
        DialError::Family { .. } => (true, Cause::Connect),
        DialError::Resolve { .. } => (false, Cause::Resolve),
        DialError::Connect { .. } => (false, Cause::Connect),
        DialError::Slow { .. } => (false, Cause::Timeout),
    };
    EgressError { permanent, cause, detail: error.to_string() }
}

/// An expired certificate is usually renewed within hours; whatever else is wrong with TLS stays so. Source: PagerDuty,
/// webhooks, "Behavior".
fn of_tls(error: &rustls::Error) -> EgressError {
    use rustls::CertificateError::{Expired, ExpiredContext};
    let expired = matches!(error, rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }));
    EgressError { permanent: !expired, cause: Cause::Tls, detail: format!("TLS: {error}") }
}
