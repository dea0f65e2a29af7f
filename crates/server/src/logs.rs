//! Logs of the server: text for people or JSON for a collector, on standard error. Nothing is logged per event above
//! debug; what happens to events is counted instead.

use anyhow::{Result, anyhow};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Logging};

/// Sends logs to standard error from now on. Once per process.
///
/// # Errors
/// `log.level` is no level and no list of directives.
pub fn start(logging: &Logging) -> Result<()> {
    let filter = EnvFilter::try_new(&logging.level).map_err(|error| {
        anyhow!("log.level is {:?}; write error, warn, info, debug or trace, or directives: {error}", logging.level)
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match logging.format {
        LogFormat::Text => builder.with_ansi(crate::print::colour::is_on(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow!("logs could not be started: {error}"))
}
