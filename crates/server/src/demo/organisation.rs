//! The seed's organisation, from the binary itself, and the maintenance that the demo adds.

use anyhow::{Result, anyhow};
use campanile_directory::{Kind, Snapshot};
use campanile_model::{Span, Timestamp};
use campanile_pagerduty::objects::File;
use serde_json::json;

include!(concat!(env!("OUT_DIR"), "/organisation.rs"));

/// The service that is under maintenance, by name.
pub const MAINTAINED: &str = "user-service";
/// How long the window is open, in log time: beyond the hour of noise and the playing afterwards.
const MAINTENANCE: Span = Span::hours(2);

/// Every object of the organisation.
///
/// # Errors
/// A file lies in no folder of a kind, which the tests of the example exclude.
pub fn files() -> Result<Vec<File>> {
    let files = FILES.iter().map(|(name, text)| File::new(name, text.as_bytes().to_vec()));
    let files: Result<Vec<_>, _> = files.collect();
    Ok(files.map_err(|diagnostic| anyhow!("{diagnostic}"))?.into_iter().flatten().collect())
}

/// A window over the maintained service, from `now` on.
///
/// # Errors
/// The organisation has no such service.
pub fn maintenance(snapshot: &Snapshot, now: Timestamp) -> Result<File> {
    let service = snapshot.services().find(|service| service.name == MAINTAINED);
    let service = service.ok_or_else(|| anyhow!("the organisation has no service {MAINTAINED}"))?;
    let window = json!({
        "maintenance_window": {
            "start_time": now.rfc3339_seconds().to_string(),
            "end_time": (now + MAINTENANCE).rfc3339_seconds().to_string(),
            "description": "Planned work on profiles (demo)",
            "services": [{ "id": service.id.as_str(), "type": "service_reference" }],
        }
    });
    let name = "maintenance_windows/PDEMOMW.json".to_owned();
    Ok(File { kind: Kind::Maintenance, id: "PDEMOMW".to_owned(), name, bytes: window.to_string().into_bytes() })
}
