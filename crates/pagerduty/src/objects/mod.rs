//! JSON of directory objects in PagerDuty's own shapes: what its REST API takes, what it answers with, and the seed's.
//!
//! ```text
//! bytes ── json ──► values with places ── reader + one file per kind ──► Object ── directory::build ──► Snapshot
//!   ▲                                                                      │
//!   └──────────────────────────── write (canonical) ◄──────────────────────┘
//! ```
//!
//! Read-only keys of PagerDuty's answers are passed over, so that an export loads; a key that nobody knows is a fault.

mod business_service;
mod contact;
mod escalation_policy;
mod folder;
mod grouping;
mod integration;
mod json;
mod maintenance_window;
mod moment;
mod positions;
mod priority;
mod reader;
mod schedule;
mod service;
mod team;
mod urgency;
mod user;
mod webhook_subscription;

use std::fmt;

use campanile_directory::suggest::did_you_mean;
use campanile_directory::{Kind, Object, Warning};

use json::{Data, Value};
use reader::Reader;

pub use folder::{Diagnostic, File, Known, Loaded, OBJECT_BYTES_MAX, load, snapshot_from_records};
pub use positions::{line_column, position_of};

/// What keeps bytes from being an object, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In bytes, from the start.
    pub offset: usize,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
    /// What is allowed, or what to do.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// The object that the bytes hold, bare or inside its wrapper key, and what its writer should know about it.
///
/// Values are checked here as far as one key can tell; ranges and references are for `campanile_directory::build`.
///
/// # Errors
/// Every fault of the bytes; of a syntax error only the first, for nothing after it can be trusted.
pub fn read(kind: Kind, id: &str, bytes: &[u8]) -> Result<(Object, Vec<Warning>), Vec<Fault>> {
    let mut reader = Reader::new(kind, id, bytes);
    let root = match json::parse(bytes) {
        Ok(root) => root,
        Err(error) => {
            reader.fault(error.at, error.message, error.help);
            return Err(reader.faults);
        }
    };
    let body = match positions::unwrap(&root) {
        Some((wrapper, inside)) => {
            if wrapper != kind.as_str() {
                let own = kind.as_str();
                let help =
                    format!("write {{\"{own}\": …}}, or the object without a wrapper, or move it to its own kind");
                reader.fault(root.at, format!("found \"{wrapper}\" where \"{own}\" belongs"), help);
            }
            inside
        }
        None => &root,
    };
    check_identity(&mut reader, kind, body);
    let object = match kind {
        Kind::Priority => priority::read(&mut reader, body).map(Object::Priority),
        Kind::Team => team::read(&mut reader, body).map(Object::Team),
        Kind::User => user::read(&mut reader, body).map(Object::User),
        Kind::Schedule => schedule::read(&mut reader, body).map(Object::Schedule),
        Kind::Policy => escalation_policy::read(&mut reader, body).map(Object::Policy),
        Kind::Service => service::read(&mut reader, body).map(|it| Object::Service(Box::new(it))),
        Kind::Grouping => grouping::read_setting(&mut reader, body).map(Object::Grouping),
        Kind::Maintenance => maintenance_window::read(&mut reader, body).map(Object::Maintenance),
        Kind::Business => business_service::read(&mut reader, body).map(Object::Business),
        Kind::Subscription => {
            webhook_subscription::read(&mut reader, body).map(|it| Object::Subscription(Box::new(it)))
        }
    };
    match object {
        Some(object) if reader.faults.is_empty() => Ok((object, reader.warnings)),
        _ => {
            reader.faults.sort_by_key(|fault| fault.offset);
            Err(reader.faults)
        }
    }
}

/// An `id` or `type` inside the object must not contradict the place it was found in.
fn check_identity(reader: &mut Reader<'_>, kind: Kind, body: &Value) {
    let text = |key: &str| match body.member(key) {
        Some(Value { at, data: Data::Text(text) }) => Some((*at, text.as_str())),
        // Of another type, or absent: the reader of the kind says so where it matters.
        Some(_) | None => None,
    };
    if let Some((at, id)) = text("id")
        && id != reader.id()
    {
        let message = format!("the object calls itself \"{id}\", and is stored as \"{}\"", reader.id());
        reader.fault(at, message, "make file name and id the same, or leave the id out");
    }
    // A grouping setting's type is the type of its grouping.
    if kind != Kind::Grouping
        && let Some((at, written)) = text("type")
        && written.strip_suffix("_reference").unwrap_or(written) != kind.as_str()
    {
        let offer = did_you_mean(written, [kind.as_str()]);
        let message = format!("\"type\" of this {kind} cannot be \"{written}\"{offer}");
        reader.fault(at, message, format!("write \"{}\", or leave the type out", kind.as_str()));
    }
}

/// The one form that is stored: inside its wrapper key, keys sorted, nothing that PagerDuty would compute.
/// `read` of it gives the same object again.
pub fn write(object: &Object) -> Vec<u8> {
    let mut body = match object {
        Object::Priority(it) => priority::write(it),
        Object::Team(it) => team::write(it),
        Object::User(it) => user::write(it),
        Object::Schedule(it) => schedule::write(it),
        Object::Policy(it) => escalation_policy::write(it),
        Object::Service(it) => service::write(it),
        Object::Grouping(it) => grouping::write_setting(it),
        Object::Maintenance(it) => maintenance_window::write(it),
        Object::Business(it) => business_service::write(it),
        Object::Subscription(it) => webhook_subscription::write(it),
    };
    let kind = object.kind().as_str();
    body["id"] = object.id().into();
    if object.kind() != Kind::Grouping {
        body["type"] = kind.into();
    }
    serde_json::json!({ kind: body }).to_string().into_bytes()
}

/// `{"id", "type": "…_reference"}`.
fn reference(kind: Kind, id: &str) -> serde_json::Value {
    serde_json::json!({ "id": id, "type": format!("{}_reference", kind.as_str()) })
}

fn references<'i>(kind: Kind, ids: impl Iterator<Item = &'i str>) -> serde_json::Value {
    ids.map(|id| reference(kind, id)).collect()
}
