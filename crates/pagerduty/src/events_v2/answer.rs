//! The answers of `POST /v2/enqueue`, byte for byte as clients compare them.
//!
//! Written by hand rather than through a serializer: the order of the keys is part of what is promised, and the happy
//! answer is written once per event.

use super::validate::Problem;

/// Status of an accepted event. Given before any rule runs, and also for keys that have nothing open.
pub const ACCEPTED_STATUS: u16 = 202;
/// Status of an event that cannot be taken. Clients do not send it again.
pub const REFUSED_STATUS: u16 = 400;
/// Status above a rate limit; the event is not stored, and clients send it again.
pub const RATE_LIMITED_STATUS: u16 = 429;

/// Text in `errors` for a well-formed key that no integration owns. Source: solana-foundation PR 576.
pub const INVALID_ROUTING_KEY: &str = "Invalid routing key";
/// Text in `errors` for a body above [`super::limits::BODY_BYTES_MAX`]. Ours: PagerDuty's is not documented.
pub const TOO_LARGE: &str = "Event object is too large (maximum is 524288 bytes)";
/// The whole body of a 429, which is not JSON. Source: PagerDuty Events API v2, rate limits.
pub const RATE_LIMITED: &str = "Request Limit Exceeded";
/// The whole body of a 400 for bytes that are no JSON object. Source: PagerDuty Events API v2.
const UNPARSEABLE: &str = concat!(
    r#"{"status":"Unrecognized object","message":"Event object format is unrecognized","#,
    r#""errors":["JSON parse error"]}"#
);

/// Body of the 202 for an event with this dedup key.
pub fn accepted(dedup_key: &str) -> Vec<u8> {
    let head = br#"{"status":"success","message":"Event processed","dedup_key":"#;
    let mut body = Vec::with_capacity(head.len() + dedup_key.len() + 3);
    body.extend_from_slice(head);
    push_text(&mut body, dedup_key);
    body.push(b'}');
    body
}

/// Body of the 400 for an event that breaks these rules, in their order.
pub fn invalid(errors: &[Problem]) -> Vec<u8> {
    let mut body = br#"{"status":"invalid event","message":"Event object is invalid","errors":["#.to_vec();
    for (i, problem) in errors.iter().enumerate() {
        if i > 0 {
            body.push(b',');
        }
        push_text(&mut body, &problem.to_string());
    }
    body.extend_from_slice(b"]}");
    body
}

/// Body of the 400 for bytes that are no JSON object.
pub fn unparseable() -> Vec<u8> {
    UNPARSEABLE.as_bytes().to_vec()
}

/// Body of the 400 for a body that is too large.
pub fn too_large() -> Vec<u8> {
    invalid(&[Problem::TooLarge])
}

/// Appends the text as a JSON string, with the escapes that JSON demands and no others.
fn push_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(br#"\""#),
            b'\\' => out.extend_from_slice(br"\\"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            0..0x20 => {
                out.extend_from_slice(br"\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
