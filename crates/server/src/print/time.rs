//! Times for people: how long ago, and when.

use campanile_clock::{Clock, Wall};
use campanile_model::Timestamp;

/// Now, by the machine's clock.
pub fn now() -> Timestamp {
    Wall.now()
}

/// `just now`, `42s ago`, `5m ago`, `3h ago`, `2d ago`; `in 5m` for what is to come.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).whole_seconds();
    match seconds {
        -1..=1 => "just now".to_owned(),
        ..-1 => format!("in {}", length(-seconds)),
        _ => format!("{} ago", length(seconds)),
    }
}

/// One number and its unit: precise enough for a table, and of one width.
pub fn length(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `2026-01-31 09:30:00Z`. UTC everywhere: two people who read the same table see the same time.
pub fn absolute(at: Timestamp) -> String {
    at.rfc3339_seconds().to_string().replace('T', " ")
}

/// `09:30:00Z`, for lines that follow each other.
pub fn clock(at: Timestamp) -> String {
    let text = at.rfc3339_seconds().to_string();
    text.split_once('T').map_or(text.clone(), |(_, clock)| clock.to_owned())
}
