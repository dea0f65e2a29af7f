//! `X-PagerDuty-Signature`.

use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use sha2::Sha256;

pub const HEADER: &str = "X-PagerDuty-Signature";

/// The value of the header: for each secret `v1=` and the HMAC-SHA256 of the body in lower-case hexadecimal digits, with
/// commas between and no blank, because PagerDuty's own verifiers do not trim.
pub fn sign<'s>(secrets: impl IntoIterator<Item = &'s str>, body: &[u8]) -> String {
    let mut header = String::new();
    for secret in secrets {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length, RFC 2104");
        mac.update(body);
        header.push_str(if header.is_empty() { "v1=" } else { ",v1=" });
        for byte in mac.finalize().into_bytes() {
            // Writing to a string cannot fail.
            let _ = write!(header, "{byte:02x}");
        }
    }
    header
}
