//! The settings as roles take them: typed and checked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use campanile_catalogue::error_codes::ErrorCode;

use super::form::size;
use super::options;
use super::resolve::{Flags, Resolved, resolve};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `None`: the gateway's own address.
    pub public_url: Option<String>,
    pub ledger: Ledger,
    pub gateway: Gateway,
    pub processor: Processor,
    /// Path of the operator's door.
    pub socket: PathBuf,
    pub drain_within: Duration,
    pub log: Logging,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub data: PathBuf,
    pub shards: Option<u16>,
    pub free_space_floor_bytes: u64,
    pub block_cache_bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// `host:port`; resolved when it is bound.
    pub listen: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    pub threads: Option<usize>,
    pub steps: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    pub format: LogFormat,
    /// Directives of `tracing_subscriber::EnvFilter`.
    pub level: String,
}

impl Settings {
    /// Settings from file, environment and flags.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self> {
        let resolved = resolve(options::ALL, file, text_variables(), flags);
        resolved
            .and_then(|resolved| Self::of(&resolved))
            .map_err(|error| anyhow!("{error:#} ({})", ErrorCode::BadConfiguration))
    }

    /// Settings from resolved values.
    ///
    /// # Errors
    /// A value that has not the form of its option, which [`resolve`] would have refused.
    pub fn of(resolved: &Resolved) -> Result<Self> {
        let need = |key: &str| resolved.text(key).with_context(|| format!("{key} is not set"));
        let bytes = |key: &str| size(need(key)?).with_context(|| format!("{key} is no size"));
        let data = PathBuf::from(need("ledger.data")?);
        let number = |key: &str| resolved.text(key).map(str::parse::<u16>).transpose();
        Ok(Self {
            public_url: resolved.text("public_url").map(str::to_owned),
            socket: resolved.text("door.socket").map_or_else(|| default_socket(&data), PathBuf::from),
            ledger: Ledger {
                data,
                shards: number("ledger.shards")?,
                free_space_floor_bytes: bytes("ledger.free_space_floor")?,
                block_cache_bytes: usize::try_from(bytes("ledger.block_cache")?)?,
            },
            gateway: Gateway { listen: need("gateway.listen")?.to_owned() },
            processor: Processor {
                threads: number("processor.threads")?.map(usize::from),
                steps: need("processor.steps")? == "true",
            },
            drain_within: Duration::from_secs(need("drain.within")?.parse()?),
            log: Logging {
                format: if need("log.format")? == "json" { LogFormat::Json } else { LogFormat::Text },
                level: need("log.level")?.to_owned(),
            },
        })
    }
}

/// The door of a data directory, where nothing else was set.
pub fn default_socket(data: &Path) -> PathBuf {
    data.join("campanile.sock")
}

/// The environment; variables that are no text cannot be ours.
pub fn text_variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
