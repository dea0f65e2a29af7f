//! What a request meets outside: redirects, endless bodies, silence, garbage, names that change their mind, TLS.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use campanile_notifier::egress::{
    Allowed, Cause, ClientCertificate, Egress, EgressError, EgressOptions, HeaderMap, Method, Request, Resolve,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server that reads one head from each connection, says `answer`, and then keeps the connection open.
/// The count is of connections.
async fn serve(answer: &'static [u8]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut head = [0; 4_096];
                while let Ok(1..) = stream.read(&mut head).await {
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, count)
}

fn opened() -> EgressOptions {
    let allow = vec![Allowed::parse("127.0.0.0/8").expect("a network")];
    EgressOptions { allow, connect_timeout: Duration::from_millis(500), ..EgressOptions::default() }
}

fn egress() -> Egress {
    Egress::new(opened()).expect("no files are read")
}

fn request(url: String) -> Request {
    Request {
        method: Method::POST,
        url,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"a\":1}"),
        timeout: Duration::from_secs(2),
        trusted: false,
    }
}

#[tokio::test]
async fn a_redirect_comes_back_and_is_not_followed() {
    let (inner, reached) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer = format!("HTTP/1.1 307 Go\r\nlocation: http://{inner}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _) = serve(Box::leak(answer.into_boxed_str()).as_bytes()).await;
    let answer = egress().send(request(format!("http://{address}/"))).await.expect("it answers");
    assert_eq!((answer.status.as_u16(), reached.load(Ordering::SeqCst)), (307, 0));
}

#[tokio::test]
async fn a_long_body_is_cut_at_its_bound() {
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(1_000_000));
    let (address, _) = serve(Box::leak(long.into_boxed_str()).as_bytes()).await;
    let answer = egress().send(request(format!("http://{address}/"))).await.expect("it answers");
    assert_eq!((answer.body.len(), answer.cut), (64 << 10, true));
}

#[tokio::test]
async fn a_body_that_stops_half_way_keeps_its_status() {
    let (address, _) = serve(b"HTTP/1.1 204 OK\r\ncontent-length: 0\r\n\r\n").await;
    let whole = egress().send(request(format!("http://{address}/"))).await.expect("it answers");
    assert!(!whole.cut);
    let (address, _) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let mut late = request(format!("http://{address}/"));
    late.timeout = Duration::from_millis(200);
    let answer = egress().send(late).await.expect("the head came");
    assert_eq!((answer.status.as_u16(), answer.cut, &answer.body[..]), (200, true, &b"half"[..]));
}

#[tokio::test]
async fn failures_that_may_pass_say_so() {
    let (silent, _) = serve(b"").await;
    let (garbage, _) = serve(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        listener.local_addr().expect("it listens")
    };
    for (address, cause) in [(silent, Cause::Timeout), (garbage, Cause::Exchange), (closed, Cause::Connect)] {
        let mut asked = request(format!("http://{address}/"));
        asked.timeout = Duration::from_millis(300);
        let error = egress().send(asked).await.expect_err("nothing good comes");
        assert_eq!((error.permanent, error.cause), (false, cause), "{error}");
    }
}

#[tokio::test]
async fn an_endless_head_is_given_up() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(300_000));
    let (address, _) = serve(Box::leak(long.into_boxed_str()).as_bytes()).await;
    let error = egress().send(request(format!("http://{address}/"))).await.expect_err("the head is too long");
    assert_eq!(error.cause, Cause::Exchange, "{error}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let (address, connections) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let egress = egress();
    for _ in 0..5 {
        egress.send(request(format!("http://{address}/"))).await.expect("it answers");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// Answers with a listed address first and with another afterwards.
struct Rebinding {
    asked: AtomicUsize,
    first: IpAddr,
    later: IpAddr,
}

impl Resolve for Rebinding {
    fn resolve(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        let address = if first { self.first } else { self.later };
        Box::pin(async move { Ok(vec![address]) })
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_judged_address_is_the_one_reached() {
    let (address, reached) = serve(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    // 127.0.0.1 is listed, 127.0.0.2 is not; both are this machine, so a second resolution would be seen.
    let names = Arc::new(Rebinding {
        asked: AtomicUsize::new(0),
        first: Ipv4Addr::LOCALHOST.into(),
        later: Ipv4Addr::new(127, 0, 0, 2).into(),
    });
    let allow = vec![Allowed::parse("127.0.0.1").expect("an address")];
    let egress =
        Egress::with_resolver(EgressOptions { allow, ..opened() }, Arc::<Rebinding>::clone(&names)).expect("no files");
    let url = format!("http://changes.test:{}/", address.port());
    egress.send(request(url.clone())).await.expect("the first address is listed");
    assert_eq!((names.asked.load(Ordering::SeqCst), reached.load(Ordering::SeqCst)), (1, 1));
    let error = egress.send(request(url)).await.expect_err("the second is not");
    assert_eq!((error.cause, reached.load(Ordering::SeqCst)), (Cause::Refused, 1), "{error}");
}

#[tokio::test]
async fn a_trusted_connection_is_not_lent_to_the_untrusted() {
    let (address, reached) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let egress = Egress::new(EgressOptions::default()).expect("no files are read");
    let url = format!("http://{address}/");
    let trusted = Request { trusted: true, ..request(url.clone()) };
    egress.send(trusted).await.expect("the operator wrote it");
    let error = egress.send(request(url)).await.expect_err("somebody else wrote it");
    assert_eq!((error.cause, reached.load(Ordering::SeqCst)), (Cause::Refused, 1));
}

#[tokio::test]
async fn a_password_in_the_address_becomes_a_header_and_is_in_no_message() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let head = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody comes");
        let mut head = vec![0; 4_096];
        let length = stream.read(&mut head).await.expect("a head");
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let mut asked = request(format!("http://ann:s%40lt@{address}/p?q#f"));
    asked.timeout = Duration::from_millis(300);
    let error = egress().send(asked).await.expect_err("nobody answers");
    let head = head.await.expect("it saw a head");
    assert!(head.starts_with("POST /p?q HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("authorization: basic "), "{head}");
    assert!(head.contains("YW5uOnNAbHQ="), "{head}");
    assert!(!error.to_string().contains("lt@"), "{error}");
}

#[tokio::test]
async fn requests_come_from_the_address_that_is_set() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let peer = tokio::spawn(async move { listener.accept().await.expect("somebody comes").1.ip() });
    let local: IpAddr = Ipv4Addr::new(127, 0, 0, 9).into();
    let egress = Egress::new(EgressOptions { local_address: Some(local), ..opened() }).expect("no files are read");
    let _ = egress.send(request(format!("http://{address}/"))).await;
    assert_eq!(peer.await.expect("it was seen"), local);
}

/// A certificate authority, a server below it and files for the client.
struct Pki {
    folder: tempfile::TempDir,
    ca: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().expect("a key")).expect("a root");
        let pki = Self { folder: tempfile::tempdir().expect("a folder"), ca };
        pki.write("roots.pem", &pki.ca.pem());
        pki
    }

    fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the folder takes files");
        path
    }

    fn leaf(&self, name: &str, until: (i32, u8, u8)) -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        (params.signed_by(&key, &self.ca).expect("signed"), key)
    }

    fn client(&self) -> Egress {
        let (certificate, key) = self.leaf("webhooks.campanile.test", (2090, 1, 1));
        let client_certificate = Some(ClientCertificate {
            certificate_file: self.write("client.pem", &certificate.pem()),
            key_file: self.write("client.key", &key.serialize_pem()),
        });
        let roots_file = Some(self.folder.path().join("roots.pem"));
        Egress::new(EgressOptions { roots_file, client_certificate, ..opened() }).expect("good files")
    }

    async fn serve(
        &self,
        name: &str,
        until: (i32, u8, u8),
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> SocketAddr {
        let (certificate, key) = self.leaf(name, until);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.ca.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let asks = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("it has a root");
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions of ring")
            .with_client_cert_verifier(asks)
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a pair");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut head = [0; 4_096];
                    let _ = stream.read(&mut head).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        address
    }
}

async fn https(egress: &Egress, address: SocketAddr) -> Result<u16, EgressError> {
    egress.send(request(format!("https://{address}/"))).await.map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn a_receiver_that_asks_for_our_certificate_gets_it() {
    let pki = Pki::new();
    let address = pki.serve("127.0.0.1", (2090, 1, 1), &[&rustls::version::TLS13]).await;
    assert_eq!(https(&pki.client(), address).await, Ok(200));
    let without = EgressOptions { roots_file: Some(pki.folder.path().join("roots.pem")), ..opened() };
    let error = https(&Egress::new(without).expect("good files"), address).await.expect_err("it wants a certificate");
    assert!(error.detail.contains("ertificate"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_may_pass_and_other_faults_of_tls_do_not() {
    let pki = Pki::new();
    let versions = &[&rustls::version::TLS13];
    let client = pki.client();
    let expired = pki.serve("127.0.0.1", (2021, 1, 1), versions).await;
    let error = https(&client, expired).await.expect_err("it is expired");
    assert_eq!((error.cause, error.permanent), (Cause::Tls, false), "{error}");
    let misnamed = pki.serve("other.test", (2090, 1, 1), versions).await;
    let error = https(&client, misnamed).await.expect_err("it is another's");
    assert_eq!((error.cause, error.permanent), (Cause::Tls, true), "{error}");
    let good = pki.serve("127.0.0.1", (2090, 1, 1), versions).await;
    let stranger = Egress::new(opened()).expect("no files are read");
    let error = https(&stranger, good).await.expect_err("nobody knows this root");
    assert_eq!((error.cause, error.permanent), (Cause::Tls, true), "{error}");
}

/// Of TLS 1.2 only ECDHE-RSA with AES-GCM is spoken: a server with an ECDSA key has nothing of it to offer.
#[tokio::test]
async fn other_suites_of_tls_1_2_are_refused() {
    let pki = Pki::new();
    let address = pki.serve("127.0.0.1", (2090, 1, 1), &[&rustls::version::TLS12]).await;
    let error = https(&pki.client(), address).await.expect_err("no suite in common");
    assert!(matches!(error.cause, Cause::Tls), "{error}");
}
