//! Who pushes: the key that a browser was told of when it subscribed. Source: RFC 8292.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use campanile_model::{Span, Timestamp};
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

/// How long a signature holds. Source: RFC 8292, section 2, allows 24 h; half of it bears clocks that differ.
const LIFE: Span = Span::hours(12);

#[derive(Debug, thiserror::Error)]
#[error("the private key is not 32 bytes of P-256 in base64url; `campanile notify keys` makes one")]
pub struct KeyError;

pub struct Vapid {
    key: SigningKey,
    /// As browsers take it, `applicationServerKey`.
    public: String,
    /// Whom a push service writes to when something is wrong: `mailto:…` or `https://…`.
    subject: String,
}

impl Vapid {
    /// From the private key in base64url.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new(private_key: &str, subject: &str) -> Result<Self, KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(private_key.trim().trim_end_matches('=')).map_err(|_| KeyError)?;
        let secret = SecretKey::from_slice(&bytes).map_err(|_| KeyError)?;
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_sec1_bytes());
        Ok(Self { key: SigningKey::from(secret), public, subject: subject.to_owned() })
    }

    /// What a browser subscribes with, in base64url.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The header of a push to this endpoint.
    ///
    /// Errors: the endpoint is no https URL, in words.
    pub(super) fn authorization(&self, endpoint: &str, now: Timestamp) -> Result<String, String> {
        let origin = origin(endpoint).ok_or_else(|| format!("{endpoint:?} is no URL of a push service"))?;
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let claims = json!({ "aud": origin, "exp": (now + LIFE).0 / 1000, "sub": self.subject });
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature: Signature = self.key.sign(signed.as_bytes());
        Ok(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.to_bytes()), self.public))
    }
}

/// Scheme, host and port. Plain http is for push services on this machine; the guard of what goes out decides.
fn origin(url: &str) -> Option<&str> {
    let after = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let scheme = url.len() - after.len();
    let end = after.find(['/', '?', '#']).map_or(url.len(), |end| scheme + end);
    (end > scheme).then(|| &url[..end])
}
