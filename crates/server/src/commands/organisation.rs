//! The organisation that a command reads: a folder's, or a running server's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use campanile_directory::{Kind, Schedule, Service, Snapshot};
use campanile_model::Epoch;
use campanile_oncall::Roster;
use campanile_pagerduty::objects::{Known, load, snapshot_from_records};
use clap::Args;
use serde_json::json;

use super::at::At;
use crate::client::Client;
use crate::config::did_you_mean;
use crate::folder;
use crate::print::colour::Colour;
use crate::print::diagnostic;

#[derive(Args)]
pub(super) struct Organisation {
    /// Read this folder instead of a running server
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data", "socket"])]
    directory: Option<PathBuf>,
    #[command(flatten)]
    at: At,
}

impl Organisation {
    /// Everything that the folder or the server has.
    ///
    /// # Errors
    /// The folder is wrong, which is told with file and line, or no server answers.
    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        match &self.directory {
            Some(dir) => of_folder(dir),
            None => of_server(&mut self.at.connect()?),
        }
    }
}

fn of_folder(dir: &Path) -> Result<Snapshot> {
    let folder = folder::read(dir)?;
    // Nothing is stored, so keys that would be made here need not be secret.
    let outcome = load(&folder.files, Known::NOTHING, &mut || [0; 16], Epoch(1), 1);
    let mut faults = folder.misplaced;
    match outcome {
        Ok(loaded) if faults.is_empty() => return Ok(loaded.snapshot),
        Ok(_) => {}
        Err(diagnostics) => faults.extend(diagnostics),
    }
    diagnostic::print(&faults, Colour::Red)?;
    bail!("{} has {} problems", dir.display(), faults.len())
}

/// Everything that a running server has.
///
/// # Errors
/// It cannot be asked, or has what is unknown here.
pub(super) fn of_server(client: &mut Client) -> Result<Snapshot> {
    let mut records = Vec::new();
    client.ask(&json!({ "op": "directory" }), |line| {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        let kind = Kind::of_folder(text("kind"));
        let kind = kind.ok_or_else(|| anyhow!("the server has objects of kind \"{}\", unknown here", text("kind")))?;
        records.push((kind, text("id").to_owned(), text("json").as_bytes().to_vec()));
        Ok(())
    })?;
    snapshot_from_records(records, Epoch(1), 1).map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        anyhow!("the server's directory cannot be read here; are both of one version? {first}")
    })
}

/// A schedule by id or name, with its roster.
///
/// # Errors
/// There is none, or the name is not one schedule's alone.
pub(super) fn schedule<'s>(snapshot: &'s Snapshot, name: &str) -> Result<(&'s Schedule, &'s Roster)> {
    let by_name = || {
        let mut named = snapshot.schedules().filter(|it| it.name == name);
        let first = named.next();
        if named.next().is_some() {
            bail!("several schedules are called \"{name}\"; give the id");
        }
        Ok(first)
    };
    let found = match snapshot.schedule(name) {
        Some(found) => Some(found),
        None => by_name()?,
    };
    let found = found.and_then(|it| Some((it.as_ref(), snapshot.roster(it.id.as_str())?.as_ref())));
    found.ok_or_else(|| {
        let words: Vec<_> = snapshot.schedules().flat_map(|it| [it.id.as_str(), it.name.as_str()]).collect();
        anyhow!("there is no schedule \"{name}\"{}; see `campanile oncall`", did_you_mean(name, words))
    })
}

/// A service by id or name.
///
/// # Errors
/// There is none.
pub(super) fn service<'s>(snapshot: &'s Snapshot, name: &str) -> Result<&'s Arc<Service>> {
    let found = snapshot.service(name).or_else(|| snapshot.services().find(|it| it.name == name));
    found.ok_or_else(|| {
        let words: Vec<_> = snapshot.services().flat_map(|it| [it.id.as_str(), it.name.as_str()]).collect();
        anyhow!("there is no service \"{name}\"{}; see `campanile directory show services`", did_you_mean(name, words))
    })
}

/// The name that people know a user by.
pub(super) fn user_name(snapshot: &Snapshot, id: &str) -> String {
    snapshot.user(id).map_or_else(|| id.to_owned(), |user| user.name.to_string())
}
