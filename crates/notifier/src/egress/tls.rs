//! TLS towards receivers and providers: 1.2 at least, and only suites with forward secrecy and an AEAD.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tracing::warn;

/// A certificate of ours, for receivers that ask who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM: the certificate and what leads to a root.
    pub certificate_file: PathBuf,
    /// PEM: its key, not encrypted.
    pub key_file: PathBuf,
}

#[derive(Debug, Error)]
pub enum TlsError {
    #[error("{} could not be read as PEM: {error}", .path.display())]
    File { path: PathBuf, error: rustls::pki_types::pem::Error },
    #[error("{} holds no certificate", .path.display())]
    Empty { path: PathBuf },
    #[error("{} holds what cannot be a root: {error}", .path.display())]
    Root { path: PathBuf, error: rustls::Error },
    #[error("the client certificate and its key cannot be used: {0}")]
    Pair(rustls::Error),
    #[error("TLS could not be set up: {0}")]
    Setup(rustls::Error),
}

/// The system's roots, and those of `roots_file` beside them.
pub(super) fn config(roots_file: Option<&Path>, client: Option<&ClientCertificate>) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Setup)?
        .with_root_certificates(roots(roots_file)?);
    let Some(client) = client else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(&client.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&client.key_file)
        .map_err(|error| TlsError::File { path: client.key_file.clone(), error })?;
    builder.with_client_auth_cert(chain, key).map_err(TlsError::Pair)
}

/// Every suite of 1.3; of 1.2 the two that PagerDuty names, ECDHE-RSA with AES-GCM.
fn provider() -> CryptoProvider {
    use ring::cipher_suite::{
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS13_AES_128_GCM_SHA256,
        TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    let cipher_suites = vec![
        TLS13_AES_256_GCM_SHA384,
        TLS13_AES_128_GCM_SHA256,
        TLS13_CHACHA20_POLY1305_SHA256,
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];
    CryptoProvider { cipher_suites, ..ring::default_provider() }
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| TlsError::Root { path: path.to_owned(), error })?;
        }
    }
    if roots.is_empty() {
        warn!(
            "no root certificates were found; every https receiver will be refused until egress.roots_file names some"
        );
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::File { path: path.to_owned(), error };
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned() });
    }
    Ok(found)
}
