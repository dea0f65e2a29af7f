//! Bounds of texts, each with the page it comes from, and how a text is cut to one.

/// Longest `summary`, in characters. Source: PagerDuty Events API v2, `payload.summary`.
pub const SUMMARY_CHARS_MAX: usize = 1024;
/// Longest dedup key, in characters. Source: PagerDuty Events API v2, `dedup_key`. Longer keys are refused, not cut.
pub const DEDUP_KEY_CHARS_MAX: usize = 255;
/// Exact length of a routing key, in characters. Source: PagerDuty Events API v2, `routing_key`.
pub const ROUTING_KEY_CHARS: usize = 32;
/// What stands at the end of a text that was cut.
pub const CUT_MARK: &str = "…";

/// Cuts to at most `chars_max` characters, the last of them the cut mark. `None` when the text fits as it is.
pub fn cut(text: &str, chars_max: usize) -> Option<String> {
    if text.len() <= chars_max {
        return None;
    }
    text.char_indices().nth(chars_max)?;
    let keep = chars_max.saturating_sub(1);
    let end = text.char_indices().nth(keep).map_or(text.len(), |(at, _)| at);
    Some(format!("{}{CUT_MARK}", &text[..end]))
}

/// Whether the text has more characters than the bound; looks no further than it must.
pub fn longer_than(text: &str, chars_max: usize) -> bool {
    text.len() > chars_max && text.chars().nth(chars_max).is_some()
}
