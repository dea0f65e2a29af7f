//! Where a drain's ledger stands: in a directory of its own, or on a cluster under topics of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use campanile_clock::Wall;
use campanile_ledger::{Appender, Claim, RowKey, Shard as _, Shards as _, Tail, Topic};
use campanile_ledger_kafka::{KafkaShard, topics};
use campanile_ledger_rocks::{Keep, ReadOnly, Retention};
use campanile_model::ShardId;

/// The group lets a member in at once, but only after its own pause for others; a restore comes on top.
const CLAIM_WITHIN: Duration = Duration::from_secs(60);
/// Rows of one page.
const PAGE_ROWS: usize = 4096;

#[derive(Clone, Debug)]
pub(super) enum Ground {
    Rocks { data: PathBuf },
    Kafka { brokers: String, prefix: String, data: PathBuf },
}

impl Ground {
    pub(super) fn of(data: &Path, kafka: Option<&str>, prefix: &str) -> Self {
        let data = data.to_owned();
        match kafka {
            None => Self::Rocks { data },
            Some(brokers) => Self::Kafka { brokers: brokers.to_owned(), prefix: prefix.to_owned(), data },
        }
    }

    /// Options by which a child finds it again.
    pub(super) fn tell(&self, child: &mut Command) {
        match self {
            Self::Rocks { data } => child.arg("--data").arg(data),
            Self::Kafka { brokers, prefix, data } => {
                child.arg("--data").arg(data).args(["--kafka", brokers, "--prefix", prefix])
            }
        };
    }

    /// Makes the ledger, empty, and gives its appender to `fill`.
    pub(super) fn make<T>(&self, shards: u16, fill: impl FnOnce(&dyn Appender) -> Result<T>) -> Result<T> {
        match self {
            Self::Rocks { data } => {
                let ledger = campanile_ledger_rocks::Ledger::open(rocks_options(data, Some(shards)))?;
                let filled = fill(ledger.appender().as_ref());
                ledger.close();
                filled
            }
            Self::Kafka { brokers, prefix, data } => {
                let options = kafka_options(brokers, prefix, data);
                topics::create(&options, shards, 1)?;
                let ledger = campanile_ledger_kafka::Ledger::open(options)?;
                fill(ledger.appender().as_ref())
            }
        }
    }
}

/// The drain's ledgers forget nothing: what is read back must be all of it.
pub(crate) fn rocks_options(data: &Path, shards: Option<u16>) -> campanile_ledger_rocks::Options {
    let retention = Topic::ALL.into_iter().fold(Retention::default(), |it, topic| it.with(topic, Keep::default()));
    campanile_ledger_rocks::Options { shards, retention, ..campanile_ledger_rocks::Options::new(data, Arc::new(Wall)) }
}

pub(super) fn kafka_options(brokers: &str, prefix: &str, data: &Path) -> campanile_ledger_kafka::Options {
    let data = data.join("state");
    campanile_ledger_kafka::Options {
        prefix: prefix.to_owned(),
        ..campanile_ledger_kafka::Options::new(brokers, data, "drain")
    }
}

/// Every shard of a cluster's ledger, by number.
pub(super) fn claim_all(ledger: &campanile_ledger_kafka::Ledger) -> Result<Vec<KafkaShard>> {
    let wanted = usize::from(ledger.card().shards);
    let mut shards = ledger.shards();
    let mut granted = Vec::with_capacity(wanted);
    let until = Instant::now() + CLAIM_WITHIN;
    while granted.len() < wanted {
        ensure!(Instant::now() < until, "{} of {wanted} shards were granted in time", granted.len());
        for claim in shards.claims(Duration::from_millis(200)) {
            match claim {
                Claim::Granted(shard) => granted.push(shard),
                Claim::Revoked(shard) | Claim::Lost(shard) => bail!("shard {shard} was taken away: who else is here?"),
            }
        }
    }
    granted.sort_by_key(|shard| shard.id());
    Ok(granted)
}

/// What a drain left behind.
pub(super) enum Aftermath {
    Rocks(ReadOnly),
    Kafka { ledger: campanile_ledger_kafka::Ledger, shards: Vec<KafkaShard> },
}

impl Aftermath {
    pub(super) fn open(ground: &Ground) -> Result<Self> {
        Ok(match ground {
            Ground::Rocks { data } => Self::Rocks(campanile_ledger_rocks::Ledger::open_read_only(data)?),
            Ground::Kafka { brokers, prefix, data } => {
                let ledger = campanile_ledger_kafka::Ledger::open(kafka_options(brokers, prefix, data))?;
                let shards = claim_all(&ledger)?;
                Self::Kafka { ledger, shards }
            }
        })
    }

    pub(super) fn shards(&self) -> u16 {
        match self {
            Self::Rocks(ledger) => ledger.card().shards,
            Self::Kafka { ledger, .. } => ledger.card().shards,
        }
    }

    pub(super) fn tail(&self) -> Arc<dyn Tail> {
        match self {
            Self::Rocks(ledger) => ledger.tail(),
            Self::Kafka { ledger, .. } => ledger.tail(),
        }
    }

    /// Events consumed by all shards.
    pub(super) fn events(&self) -> u64 {
        match self {
            Self::Rocks(ledger) => ledger.commits().iter().map(|commit| commit.next[0]).sum(),
            Self::Kafka { shards, .. } => shards.iter().map(|shard| shard.opening().commit.next[0]).sum(),
        }
    }

    /// Rows of a kind after a key, by key: one page.
    pub(super) fn rows(&mut self, shard: u16, kind: [u8; 2], after: Option<RowKey>) -> Result<Vec<(RowKey, Vec<u8>)>> {
        match self {
            Self::Rocks(ledger) => Ok(ledger.table().scan(ShardId(shard), &kind, after, PAGE_ROWS)?),
            Self::Kafka { shards, .. } => {
                let shard = shards.get_mut(usize::from(shard)).context("a shard that is not there")?;
                shard.scan(&kind, after, PAGE_ROWS).map_err(|stop| anyhow::anyhow!("rows cannot be read: {stop:?}"))
            }
        }
    }
}
