//! A maintenance window.

use campanile_directory::{Kind, MaintenanceWindow};
use campanile_model::{MaintenanceId, ServiceId};

use super::json::Value;
use super::reader::{Keys, Reader};
use super::references;

const KEYS: Keys = Keys {
    of: "maintenance window",
    known: &["start_time", "end_time", "description", "services"],
    ignored: &["sequence_number", "teams", "created_by"],
    idle: &[],
};

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<MaintenanceWindow> {
    let fields = reader.object(value, "", &KEYS)?;
    Some(MaintenanceWindow {
        id: MaintenanceId::new(reader.id()),
        start: reader.need_instant(&fields, "start_time"),
        end: reader.need_instant(&fields, "end_time"),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        services: reader.references(&fields, "services", Kind::Service).into_iter().map(ServiceId::new).collect(),
    })
}

pub(super) fn write(it: &MaintenanceWindow) -> serde_json::Value {
    serde_json::json!({
        "start_time": it.start.to_string(),
        "end_time": it.end.to_string(),
        "description": it.description,
        "services": references(Kind::Service, it.services.iter().map(|service| service.as_str())),
    })
}
