//! A priority of the account's list.

use campanile_directory::Priority;
use campanile_model::PriorityId;

use super::json::Value;
use super::reader::{Keys, Reader};

const KEYS: Keys = Keys {
    of: "priority",
    known: &["name", "description", "color", "order"],
    ignored: &["account_id", "schema_version"],
    idle: &[],
};

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<Priority> {
    let fields = reader.object(value, "", &KEYS)?;
    let order = reader.need_whole(&fields, "order", "add its place in the list; 1 is the most urgent");
    Some(Priority {
        id: PriorityId::new(reader.id()),
        name: reader.need_text(&fields, "name", "add a name, such as P1").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        color: reader.text_or_empty(&fields, "color").into(),
        order: u32::try_from(order).unwrap_or_else(|_| {
            let at = fields.get("order").map_or(fields.at, |value| value.at);
            reader.fault(at, format!("\"order\" of {order} is below 0"), "places in the list count from 0 or 1");
            0
        }),
    })
}

pub(super) fn write(it: &Priority) -> serde_json::Value {
    serde_json::json!({
        "name": it.name.as_str(),
        "description": it.description,
        "color": it.color.as_str(),
        "order": it.order,
    })
}
