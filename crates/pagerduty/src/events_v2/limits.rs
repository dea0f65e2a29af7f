//! Every bound of an alert event, with its unit and its source. Bounds of single texts are in `campanile_model::text`.

use campanile_model::text;

/// Largest body, in bytes. Source: PagerDuty Events API v2, "512 KB". One byte more is answered 400, because clients
/// know only 400 and 429, and the body goes to dead letters. Alertmanager stops at 512000 by itself.
pub const BODY_BYTES_MAX: usize = 524_288;
/// Deepest nesting of objects and arrays, the body itself being the first. Ours: far above what any sender writes, far
/// below `serde_json`'s 128, so that whatever the decoder took every later reader can parse.
pub const DEPTH_MAX: usize = 64;
/// Exact length of `routing_key`, in characters. Source: PagerDuty Events API v2.
pub const ROUTING_KEY_CHARS: usize = text::ROUTING_KEY_CHARS;
/// Longest `dedup_key`, in characters. Source: PagerDuty Events API v2. Longer ones are refused, not cut.
pub const DEDUP_KEY_CHARS_MAX: usize = text::DEDUP_KEY_CHARS_MAX;
/// Longest `payload.summary`, in characters. Source: PagerDuty Events API v2.
pub const SUMMARY_CHARS_MAX: usize = text::SUMMARY_CHARS_MAX;
/// Largest body, in bytes, after which a decoder keeps its buffers. Ours: a body of 512 KiB can grow them to about
/// 16 MiB, and one such body must not hold that memory on every thread for ever.
pub const BUFFERS_KEPT_BYTES_MAX: usize = 65_536;
/// Body size that a new decoder has room for, in bytes. Ours: most events are below it.
pub const BUFFERS_FIRST_BYTES: usize = 4_096;
