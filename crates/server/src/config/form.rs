//! What the value of an option may look like.

use tracing_subscriber::EnvFilter;

/// The form of a value. Values are kept as text until the settings are built, whoever gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Whole {
        least: u64,
        most: u64,
    },
    /// Bytes, bare or with KiB, MiB, GiB, TiB.
    Size,
    Seconds {
        most: u64,
    },
    Switch,
    OneOf(&'static [&'static str]),
    /// A level of logs, or directives of the form `target=level` with commas between.
    LogLevel,
    /// `host:port`.
    Address,
    /// `http://` or `https://` and a host, no slash at the end.
    Url,
    /// A text that is never shown. `<key>_file` names a file that holds it.
    Secret,
}

impl Form {
    /// Checks a value.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed, to stand behind the name of the option.
    pub fn check(self, text: &str) -> Result<(), String> {
        let refuse = |allowed: String| Err(format!("is {text:?}; {allowed}"));
        match self {
            Self::Text if text.is_empty() => refuse("it must not be empty".to_owned()),
            Self::Text | Self::Secret => Ok(()),
            Self::Whole { least, most } => match text.parse::<u64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(()),
                _ => refuse(format!("allowed are whole numbers from {least} to {most}")),
            },
            Self::Seconds { most } => match text.parse::<u64>() {
                Ok(seconds) if seconds <= most => Ok(()),
                _ => refuse(format!("allowed are whole seconds from 0 to {most}")),
            },
            Self::Size => match size(text) {
                Some(_) => Ok(()),
                None => refuse("write bytes, or a size such as 512 MiB or 2 GiB".to_owned()),
            },
            Self::Switch => match text {
                "true" | "false" => Ok(()),
                _ => refuse("allowed are true and false".to_owned()),
            },
            Self::OneOf(words) if words.contains(&text) => Ok(()),
            Self::OneOf(words) => {
                let offer = super::file::did_you_mean(text, words.iter().copied());
                Err(format!("is {text:?}{offer}; allowed are {}", words.join(", ")))
            }
            Self::LogLevel => log_level(text),
            Self::Address if is_address(text) => Ok(()),
            Self::Address => refuse("write host and port, such as 127.0.0.1:8080 or [::1]:8080".to_owned()),
            Self::Url => {
                let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
                // It is copied into JSON as it is, so it must need no escaping.
                let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
                match host {
                    Some(host) if !host.is_empty() && plain && !text.ends_with('/') => Ok(()),
                    _ => refuse("write http:// or https:// and a host, without a slash at the end".to_owned()),
                }
            }
        }
    }
}

/// The filter itself takes a misspelt level for the name of a target, so levels are checked here.
fn log_level(text: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    const ALLOWED: &str =
        "allowed are error, warn, info, debug, trace and off, or directives such as info,campanile_processor=debug";
    for directive in text.split(',').map(str::trim) {
        // The level stands last: a span's fields may hold a sign of equality too.
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        if directive.ends_with(']') || LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            continue;
        }
        let offer = super::file::did_you_mean(level, LEVELS);
        return Err(format!("is {text:?}: {level:?} is no level{offer}; {ALLOWED}"));
    }
    EnvFilter::try_new(text).map(drop).map_err(|error| format!("is {text:?}: {error}; {ALLOWED}"))
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    !host.is_empty() && (bracketed || !host.contains(':')) && port.parse::<u16>().is_ok()
}

/// Bytes of a size as people write it; `None` when it is none.
pub fn size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u32); 4] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let text = text.trim();
    for (unit, shift) in UNITS {
        if let Some(number) = text.strip_suffix(unit) {
            return number.trim_end().parse::<u64>().ok()?.checked_mul(1 << shift);
        }
    }
    text.parse().ok()
}
