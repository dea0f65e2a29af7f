//! `campanile directory`: the organisation, from a folder of PagerDuty's JSON into a running server.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use campanile_catalogue::error_codes::ErrorCode;
use campanile_directory::Kind;
use campanile_model::Epoch;
use campanile_pagerduty::objects::{Diagnostic, File, Known, load};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::at::At;
use super::{coverage, organisation};
use crate::client::{Client, Refused};
use crate::folder;
use crate::print::colour::Colour;
use crate::print::{Table, diagnostic};

#[derive(ClapArgs)]
#[command(after_help = "\
A directory is a folder of files <kind>/<ID>.json in PagerDuty's own shapes, such as services/PAPIGW1.json.

Examples:
  campanile directory check examples/seed-organisation
  campanile directory apply examples/seed-organisation --dry-run
  campanile directory apply examples/seed-organisation --prune
  campanile directory show services

A running server switches without a restart. Integration keys that a file does not pin are made once, stored, printed.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check a folder; needs no server. Exit 1 with file, line and column of everything that is wrong
    Check {
        /// Folder of the organisation
        dir: PathBuf,
    },
    /// Apply a folder to a running server, all of it or nothing
    Apply {
        /// Folder of the organisation
        dir: PathBuf,
        #[command(flatten)]
        at: At,
        /// Also take away what is not in the folder
        #[arg(long)]
        prune: bool,
        /// Check against the running server and count, change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what a running server has
    Show {
        /// Kind of objects, such as services; all without it
        kind: Option<String>,
        #[command(flatten)]
        at: At,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::Check { dir } => check(&dir),
        Verb::Apply { dir, at, prune, dry_run } => apply(&dir, &at, prune, dry_run),
        Verb::Show { kind, at, json } => show(kind.as_deref(), &at, json),
    }
}

fn check(dir: &Path) -> Result<ExitCode> {
    let folder = folder::read(dir)?;
    // Keys that would be made here are thrown away, so they need not be secret.
    let mut entropy = || [0; 16];
    let outcome = load(&folder.files, Known::NOTHING, &mut entropy, Epoch(1), 1);
    let mut faults = folder.misplaced;
    match outcome {
        Ok(loaded) if faults.is_empty() => {
            diagnostic::print(&loaded.warnings, Colour::Yellow)?;
            let (objects, warnings) = (loaded.objects.len(), loaded.warnings.len());
            println!("{}: {objects} objects are right, {warnings} warnings", dir.display());
            if !loaded.minted.is_empty() {
                println!(
                    "{} integrations have no key yet; apply makes one for each and prints it",
                    loaded.minted.len()
                );
            }
            coverage::tell_gaps(&loaded.snapshot, &format!(" --directory {}", dir.display()));
            return Ok(ExitCode::SUCCESS);
        }
        Ok(_) => {}
        Err(diagnostics) => faults.extend(diagnostics),
    }
    refuse(dir, &faults)
}

fn refuse(dir: &Path, faults: &[Diagnostic]) -> Result<ExitCode> {
    diagnostic::print(faults, Colour::Red)?;
    let (dir, count, code) = (dir.display(), faults.len(), ErrorCode::BadDirectory);
    writeln!(io::stderr(), "\n{dir}: {count} problems; nothing was changed ({code})")?;
    Ok(ExitCode::FAILURE)
}

fn apply(dir: &Path, at: &At, prune: bool, dry_run: bool) -> Result<ExitCode> {
    let folder = folder::read(dir)?;
    if !folder.misplaced.is_empty() {
        return refuse(dir, &folder.misplaced);
    }
    let files: Vec<_> = folder
        .files
        .iter()
        .map(|file| {
            json!({
                "kind": file.kind.folder(),
                "id": file.id,
                "name": file.name,
                "json": String::from_utf8_lossy(&file.bytes),
            })
        })
        .collect();
    let request = json!({ "op": "directory_apply", "files": files, "prune": prune, "dry_run": dry_run });
    let mut client = at.connect()?;
    let answer = match client.ask_once(&request) {
        Ok(answer) => answer,
        Err(error) => match error.downcast::<Refused>() {
            Ok(refused) if !refused.diagnostics.is_empty() => return refuse(dir, &refused.diagnostics),
            Ok(refused) => return Err(refused.into()),
            Err(error) => return Err(error),
        },
    };
    for warning in texts(&answer["warnings"]) {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    let (changed, epoch) = (&answer["changed"], &answer["epoch"]);
    match (dry_run, changed.as_u64()) {
        (true, _) => println!("{changed} objects would change; nothing was changed (dry run)"),
        (false, Some(0)) => println!("nothing to change; epoch {epoch} stays"),
        (false, _) if at.kafka().is_some() => {
            println!("{changed} objects changed; every process on the cluster goes over to epoch {epoch}");
        }
        (false, _) => println!("{changed} objects changed; the server judges by epoch {epoch} now"),
    }
    print_minted(&answer["minted"], dry_run)?;
    print_secrets(&answer["minted_secrets"], dry_run)?;
    if !prune {
        tell_left(&mut client, &folder.files)?;
    }
    if !dry_run {
        coverage::tell_gaps(&organisation::of_server(&mut client)?, "");
    }
    Ok(ExitCode::SUCCESS)
}

/// What an apply without `--prune` leaves in place: objects that are on the server and not in the folder.
fn tell_left(client: &mut Client, files: &[File]) -> Result<()> {
    let known: HashSet<_> = files.iter().map(|file| (file.kind.folder(), file.id.as_str())).collect();
    let objects = client.objects()?;
    let left = objects.iter().filter(|it| !known.contains(&(it.kind.as_str(), it.id.as_str()))).count();
    if left > 0 {
        println!("{left} more objects are on the server and not in the folder; they stay, --prune takes them away");
    }
    Ok(())
}

fn print_minted(minted: &Value, dry_run: bool) -> Result<()> {
    let minted = minted.as_array().map(Vec::as_slice).unwrap_or_default();
    if minted.is_empty() {
        return Ok(());
    }
    if dry_run {
        println!("{} integration keys would be made", minted.len());
        return Ok(());
    }
    println!("\nNew integration keys, for `routing_key` in events; they are stored and stay:");
    let mut table = Table::new(&["SERVICE", "INTEGRATION", "KEY"]);
    for key in minted {
        table.add(["service", "integration", "key"].map(|name| word(&key[name])).to_vec());
    }
    table.print()?;
    Ok(())
}

fn print_secrets(minted: &Value, dry_run: bool) -> Result<()> {
    let minted = minted.as_array().map(Vec::as_slice).unwrap_or_default();
    if minted.is_empty() {
        return Ok(());
    }
    if dry_run {
        println!("{} secrets of webhooks would be made", minted.len());
        return Ok(());
    }
    println!("\nNew secrets of webhooks, for the receivers to verify with; they are stored and stay:");
    let mut table = Table::new(&["SUBSCRIPTION", "SECRET"]);
    for it in minted {
        table.add(["subscription", "secret"].map(|name| word(&it[name])).to_vec());
    }
    table.print()?;
    Ok(())
}

fn show(kind: Option<&str>, at: &At, as_json: bool) -> Result<ExitCode> {
    let kind = kind.map(known_kind).transpose()?;
    let mut lines = Vec::new();
    let last = at.connect()?.ask(&json!({ "op": "directory" }), |line| {
        lines.push(line);
        Ok(())
    })?;
    let shown = lines.iter().filter(|line| kind.is_none_or(|kind| line["kind"] == kind.folder()));
    if as_json {
        let mut out = io::stdout().lock();
        for line in shown {
            writeln!(out, "{line}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["KIND", "ID", "NAME", "INTEGRATION KEYS"]);
    for line in shown {
        let object: Value = serde_json::from_str(line["json"].as_str().unwrap_or_default()).unwrap_or_default();
        let body = object.as_object().and_then(|wrapper| wrapper.values().next()).cloned().unwrap_or_default();
        let name = body["name"].as_str().or_else(|| body["description"].as_str()).unwrap_or_default();
        let keys: Vec<_> = body["integrations"]
            .as_array()
            .map(|list| {
                list.iter().map(|it| format!("{} {}", word(&it["name"]), word(&it["integration_key"]))).collect()
            })
            .unwrap_or_default();
        table.add(vec![word(&line["kind"]), word(&line["id"]), name.to_owned(), keys.join(", ")]);
    }
    if table.is_empty() {
        println!("nothing there yet; `campanile directory apply DIR` brings an organisation in");
    } else {
        table.print()?;
        println!("\nepoch {}", last["epoch"]);
    }
    Ok(ExitCode::SUCCESS)
}

fn known_kind(name: &str) -> Result<Kind> {
    Kind::of_folder(name).or_else(|| Kind::parse(name)).ok_or_else(|| {
        anyhow::anyhow!("\"{name}\" is no kind of object; kinds are {}", Kind::ALL.map(Kind::folder).join(", "))
    })
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
