//! `directory_apply` and `directory`.

use campanile_directory::Kind;
use campanile_pagerduty::objects::{Diagnostic, File};
use serde_json::{Value, json};

use super::Ports;
use super::request::NewObject;
use super::serve::{Answer, Asker, Refusal, members, write_line};
use crate::apply::{Change, Refused};

pub(super) fn apply(ports: &Ports, objects: Vec<NewObject>, prune: bool, dry_run: bool) -> Answer {
    let files = objects.into_iter().map(file).collect::<Result<Vec<_>, _>>().map_err(Refusal::said)?;
    let change = Change { files, prune, dry_run };
    let outcome = ports.applier.apply(change, ports.target());
    match outcome {
        Ok(applied) => {
            let minted: Vec<_> = applied
                .minted
                .iter()
                .map(|(service, integration, key)| {
                    json!({ "service": service.as_str(), "integration": integration.as_str(), "key": key.as_str() })
                })
                .collect();
            let secrets: Vec<_> = applied
                .minted_secrets
                .iter()
                .map(|(id, secret)| json!({ "subscription": id.as_str(), "secret": secret.as_str() }))
                .collect();
            Ok(members(json!({
                "epoch": applied.epoch.0,
                "changed": applied.changed,
                "minted": minted,
                "minted_secrets": secrets,
                "warnings": applied.warnings,
            })))
        }
        Err(Refused::Failed(reason)) => Err(Refusal::said(reason)),
        Err(Refused::Invalid(diagnostics)) => Err(Refusal::Said {
            error: format!("the directory has {} problems; nothing was changed", diagnostics.len()),
            more: members(json!({ "diagnostics": diagnostics.iter().map(diagnostic).collect::<Vec<_>>() })),
        }),
    }
}

fn file(object: NewObject) -> Result<File, String> {
    let kind = Kind::of_folder(&object.kind).or_else(|| Kind::parse(&object.kind)).ok_or_else(|| {
        let folders = Kind::ALL.map(Kind::folder).join(", ");
        format!("unknown kind of object \"{}\"; kinds are {folders}", object.kind)
    })?;
    let name = object.name.unwrap_or_else(|| format!("{}/{}.json", kind.folder(), object.id));
    Ok(File { kind, id: object.id, name, bytes: object.json.into_bytes() })
}

fn diagnostic(it: &Diagnostic) -> Value {
    json!({ "file": it.file, "line": it.line, "column": it.column, "message": it.message, "help": it.help })
}

/// One line per object, in the form that `directory_apply` takes.
pub(super) fn show(ports: &Ports, asker: &mut dyn Asker) -> Answer {
    let (epoch, objects) = ports.feed.current();
    for ((kind, id), bytes) in &objects {
        let line = json!({ "kind": kind.folder(), "id": id, "json": String::from_utf8_lossy(bytes) });
        write_line(asker, &line)?;
    }
    Ok(members(json!({ "epoch": epoch.0 })))
}
