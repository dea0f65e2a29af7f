//! Applying a directory: the whole of it is checked with the changes laid over what is there, then the changes and the
//! epoch that ends them are appended as one.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use campanile_directory::{Kind, Snapshot};
use campanile_ledger::{Appender, Record, Topic};
use campanile_model::{Epoch, IntegrationId, RoutingKey, ServiceId, SubscriptionId};
use campanile_pagerduty::objects::{Diagnostic, File, Known, load};
use campanile_record::directory::epoch_record;
use compact_str::CompactString;

use crate::door::table::Table;
use crate::feed::{Feed, Objects, key};
use crate::roles::Roles;
use crate::supervise::lock;

/// Longest wait for the feed to read what was just appended.
const FEED_WAIT: Duration = Duration::from_secs(30);
/// Longest wait for the shards to switch. They do so at their next commit boundary, in milliseconds unless halted.
const SWITCH_WAIT: Duration = Duration::from_secs(10);

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub files: Vec<File>,
    /// Objects that are not among the files go.
    pub prune: bool,
    /// Check and count only.
    pub dry_run: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// The epoch now; unchanged if nothing was to change, or on a dry run.
    pub epoch: Epoch,
    /// Objects that were written or taken away.
    pub changed: usize,
    pub minted: Vec<(ServiceId, IntegrationId, RoutingKey)>,
    /// Secrets of webhooks that were made.
    pub minted_secrets: Vec<(SubscriptionId, CompactString)>,
    pub warnings: Vec<String>,
}

#[derive(Debug)]
pub enum Refused {
    /// The directory would not be valid.
    Invalid(Vec<Diagnostic>),
    /// Nothing is known to have changed; say it again.
    Failed(String),
}

/// Where an apply goes, and who must follow it.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub feed: &'a Feed,
    pub appender: &'a dyn Appender,
    pub roles: &'a Roles,
    pub shards: u16,
    /// Where open alerts are looked up.
    pub table: &'a dyn Table,
}

/// Applies changes, one apply at a time.
pub struct Applier {
    /// The highest epoch that was ever tried: an append in doubt may have stored it, so it is never used again.
    turn: Mutex<Epoch>,
}

impl Applier {
    pub fn new() -> Self {
        Self { turn: Mutex::new(Epoch(0)) }
    }

    /// Applies `change` and waits until the roles that run have switched.
    ///
    /// # Errors
    /// The directory would be invalid, or the ledger does not take it.
    pub fn apply(&self, change: Change, target: Target<'_>) -> Result<Applied, Refused> {
        let Target { feed, appender, roles, shards, table } = target;
        let mut tried = lock(&self.turn);
        let (epoch, current) = feed.current();
        let next = Epoch(epoch.max(*tried).0 + 1);
        let snapshot = feed.directory().load_full();
        let known_key = |service: &ServiceId, integration: &IntegrationId| {
            let service = snapshot.service(service.as_str())?;
            service.integrations.iter().find(|known| known.id == *integration).map(|known| known.key.clone())
        };
        let known_secret = |id: &SubscriptionId| {
            let known = snapshot.webhook_subscription(id.as_str())?;
            known.secret.as_ref().map(|secret| secret.0.clone())
        };
        let known = Known { key: &known_key, secret: &known_secret };
        let files = overlay(&current, &change);
        let mut entropy = draw;
        let loaded = load(&files, known, &mut entropy, next, shards).map_err(Refused::Invalid)?;
        let records = records(&current, &loaded.objects);
        let mut applied = Applied {
            epoch,
            changed: records.len(),
            minted: loaded.minted,
            minted_secrets: loaded.minted_secrets,
            warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
        };
        if change.dry_run || records.is_empty() {
            return Ok(applied);
        }
        refuse_moves(&snapshot, &loaded.snapshot, table)?;
        *tried = next;
        append(appender, records, next)?;
        applied.epoch = next;
        if !feed.wait_for(next, FEED_WAIT) {
            return Err(Refused::Failed(format!(
                "epoch {} is stored, and was not read back within {} s; it holds from the next start on",
                next.0,
                FEED_WAIT.as_secs()
            )));
        }
        applied.warnings.extend(wait_for_roles(roles, next));
        Ok(applied)
    }
}

impl Default for Applier {
    fn default() -> Self {
        Self::new()
    }
}

fn append(appender: &dyn Appender, mut records: Vec<Record>, epoch: Epoch) -> Result<(), Refused> {
    records.push(epoch_record(epoch));
    let appended = appender.append_wait(Topic::Directory, 0, records);
    appended.map(drop).map_err(|error| Refused::Failed(error.to_string()))
}

/// The whole resulting directory: what is there, with the files over it.
fn overlay(current: &Objects, change: &Change) -> Vec<File> {
    let is_given = |kind: Kind, id: &str| change.files.iter().any(|file| file.kind == kind && file.id == id);
    let kept = current.iter().filter(|((kind, id), _)| !change.prune && !is_given(*kind, id));
    let kept = kept.map(|((kind, id), bytes)| File {
        kind: *kind,
        id: id.clone(),
        name: format!("{} (applied before)", key(*kind, id)),
        bytes: bytes.to_vec(),
    });
    kept.chain(change.files.iter().cloned()).collect()
}

/// Refuses an apply that would move a service to another shard while it has alerts open on the one it has now: their
/// repeats and resolves would go to the new one, and they would stay open for ever. Where nobody can tell, any move is
/// refused.
fn refuse_moves(now: &Snapshot, next: &Snapshot, table: &dyn Table) -> Result<(), Refused> {
    let moves = now.services().filter_map(|service| {
        let moved = next.service(service.id.as_str())?;
        (moved.home != service.home).then_some(service)
    });
    for service in moves {
        let is_open = !table.is_current() || {
            let open = table.scan(service.home, &campanile_rows::keys::alerts_of(&service.id), None, 1);
            !open.map_err(Refused::Failed)?.is_empty()
        };
        if is_open {
            return Err(Refused::Failed(format!(
                "service {} ({}) would move to another shard by joining or leaving a grouping setting, and may have open \
                 alerts; resolve them first, then apply again",
                service.id, service.name
            )));
        }
    }
    Ok(())
}

/// One record for every object that differs, an empty one for those that are gone.
fn records(current: &Objects, wanted: &[(Kind, String, Vec<u8>)]) -> Vec<Record> {
    let differs = |kind: Kind, id: &String, bytes: &[u8]| {
        current.get(&(kind, id.clone())).is_none_or(|stored| stored.as_ref() != bytes)
    };
    let put = wanted.iter().filter(|(kind, id, bytes)| differs(*kind, id, bytes));
    let put = put.map(|(kind, id, bytes)| Record::new(key(*kind, id), bytes.clone()));
    let is_wanted = |kind: Kind, id: &str| wanted.iter().any(|(k, i, _)| *k == kind && i == id);
    let gone = current.keys().filter(|(kind, id)| !is_wanted(*kind, id));
    let gone = gone.map(|(kind, id)| Record::new(key(*kind, id), Bytes::new()));
    put.chain(gone).collect()
}

/// Waits until every shard judges by the epoch; what did not switch in time becomes a warning, for it is stored.
fn wait_for_roles(roles: &Roles, epoch: Epoch) -> Vec<String> {
    let until = Instant::now() + SWITCH_WAIT;
    loop {
        let behind: Vec<_> = roles.status().into_iter().filter(|shard| shard.epoch < epoch).collect();
        if behind.is_empty() {
            return Vec::new();
        }
        if Instant::now() >= until {
            let warn = |shard: campanile_processor::ShardStatus| {
                let why = shard.halted.unwrap_or_else(|| "it is still busy with a step".to_owned());
                format!("shard {} judges by epoch {} still: {why}; it switches by itself", shard.shard, shard.epoch.0)
            };
            return behind.into_iter().map(warn).collect();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Bytes that nobody can guess. A system that cannot give any must not mint keys.
///
/// # Panics
/// The system has no source of randomness.
fn draw() -> [u8; 16] {
    let mut bytes = [0; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the system gives no random bytes for a new integration key: {error}");
    }
    bytes
}
