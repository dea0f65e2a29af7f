//! The settings as roles take them: typed and checked.

use std::num::{NonZeroU32, ParseIntError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use campanile_catalogue::error_codes::ErrorCode;
use campanile_model::{RoutingKey, Span, UserId};
use compact_str::CompactString;

use super::form::size;
use super::options;
use super::resolve::{Flags, Resolved, resolve};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `None`: the gateway's own address.
    pub public_url: Option<String>,
    pub ledger: Ledger,
    pub retention: Retention,
    pub gateway: Gateway,
    pub processor: Processor,
    pub notifier: Notifier,
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
    pub connections_max: usize,
    pub connections_per_address_max: NonZeroU32,
    pub events_per_key_per_minute_max: Option<NonZeroU32>,
    pub body_memory_bytes_max: usize,
    pub drain_notice: Duration,
}

/// What a topic keeps at most, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    pub hours: i64,
    /// Per partition.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Of events, triage and commands.
    pub inputs: Keep,
    /// Of incidents, alerts and dead letters.
    pub outputs: Keep,
    pub steps: Keep,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    pub threads: Option<usize>,
    pub steps: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notifier {
    /// Whether `up` runs it.
    pub run: bool,
    pub threads: usize,
    pub deliveries_per_channel_max: usize,
    pub paging: campanile_escalation::Options,
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
        let data = PathBuf::from(need(resolved, "ledger.data")?);
        Ok(Self {
            public_url: resolved.text("public_url").map(str::to_owned),
            socket: resolved.text("door.socket").map_or_else(|| default_socket(&data), PathBuf::from),
            ledger: Ledger {
                data,
                shards: number(resolved, "ledger.shards")?,
                free_space_floor_bytes: bytes(resolved, "ledger.free_space_floor")?,
                block_cache_bytes: usize::try_from(bytes(resolved, "ledger.block_cache")?)?,
            },
            retention: Retention {
                inputs: keep(resolved, "retention.inputs_hours", "retention.inputs_size")?,
                outputs: keep(resolved, "retention.outputs_hours", "retention.outputs_size")?,
                steps: keep(resolved, "retention.steps_hours", "retention.steps_size")?,
            },
            gateway: gateway(resolved)?,
            processor: Processor {
                threads: number(resolved, "processor.threads")?,
                steps: need(resolved, "processor.steps")? == "true",
            },
            notifier: notifier(resolved)?,
            drain_within: seconds(resolved, "drain.within")?,
            log: Logging {
                format: if need(resolved, "log.format")? == "json" { LogFormat::Json } else { LogFormat::Text },
                level: need(resolved, "log.level")?.to_owned(),
            },
        })
    }
}

fn gateway(resolved: &Resolved) -> Result<Gateway> {
    Ok(Gateway {
        listen: need(resolved, "gateway.listen")?.to_owned(),
        connections_max: need(resolved, "gateway.connections")?.parse()?,
        connections_per_address_max: need(resolved, "gateway.connections_per_address")?.parse()?,
        events_per_key_per_minute_max: number(resolved, "gateway.events_per_key_per_minute")?,
        body_memory_bytes_max: usize::try_from(bytes(resolved, "gateway.body_memory")?)?,
        drain_notice: seconds(resolved, "gateway.drain_notice")?,
    })
}

fn notifier(resolved: &Resolved) -> Result<Notifier> {
    let ids = resolved.text("notifier.last_resort").unwrap_or_default().split(',').map(str::trim);
    Ok(Notifier {
        run: need(resolved, "notifier.run")? == "true",
        threads: need(resolved, "notifier.threads")?.parse()?,
        deliveries_per_channel_max: need(resolved, "notifier.deliveries_per_channel")?.parse()?,
        paging: campanile_escalation::Options {
            priority_delays: priority_delays(need(resolved, "notifier.priority_delays")?)?,
            last_resort: ids.filter(|id| !id.is_empty()).map(UserId::new).collect(),
            gap_routing_key: resolved.text("notifier.gap_routing_key").map(RoutingKey::new),
            patience: Span::seconds(need(resolved, "notifier.patience")?.parse()?),
        },
    })
}

/// Longest delay of a priority, in seconds: a week. Source: ours; beyond it nobody would call it paging.
const PRIORITY_DELAY_SECONDS_MAX: i64 = 604_800;

/// Names with their seconds: `P1=0, P2=900`.
fn priority_delays(text: &str) -> Result<Vec<(CompactString, Span)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| {
        let (name, seconds) = part.split_once('=')?;
        let seconds = seconds.trim().parse().ok().filter(|it| (0..=PRIORITY_DELAY_SECONDS_MAX).contains(it))?;
        Some((CompactString::new(name.trim()), Span::seconds(seconds)))
    };
    let wrong = |part: &str| {
        anyhow!(
            "notifier.priority_delays: {part:?} is not a priority's name, = and 0 to {PRIORITY_DELAY_SECONDS_MAX} \
             seconds; write it as P1=0, P2=900, P3=3600"
        )
    };
    parts.map(|part| read(part).ok_or_else(|| wrong(part))).collect()
}

fn need<'r>(resolved: &'r Resolved, key: &str) -> Result<&'r str> {
    resolved.text(key).with_context(|| format!("{key} is not set"))
}

fn bytes(resolved: &Resolved, key: &str) -> Result<u64> {
    size(need(resolved, key)?).with_context(|| format!("{key} is no size"))
}

fn seconds(resolved: &Resolved, key: &str) -> Result<Duration> {
    Ok(Duration::from_secs(need(resolved, key)?.parse()?))
}

/// A number that may be left to the program.
fn number<N>(resolved: &Resolved, key: &str) -> Result<Option<N>>
where
    N: std::str::FromStr<Err = ParseIntError>,
{
    let number = resolved.text(key).map(str::parse).transpose();
    number.with_context(|| format!("{key} is no number"))
}

fn keep(resolved: &Resolved, hours: &str, size: &str) -> Result<Keep> {
    Ok(Keep { hours: need(resolved, hours)?.parse()?, bytes: bytes(resolved, size)? })
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
