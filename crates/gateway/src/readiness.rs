//! Whether this process can do its work.

use serde_json::json;

/// The answer to "may events be sent here?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// Why not, in sentences for an operator.
    NotReady(Vec<String>),
}

impl Readiness {
    pub(crate) fn json(&self) -> Vec<u8> {
        let value = match self {
            Self::Ready => json!({"status": "ready"}),
            Self::NotReady(reasons) => json!({"status": "not ready", "reasons": reasons}),
        };
        value.to_string().into_bytes()
    }
}
