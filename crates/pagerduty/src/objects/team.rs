//! A team.

use campanile_directory::{Kind, Team};
use campanile_model::TeamId;

use super::json::Value;
use super::reader::{Keys, Reader};
use super::reference;

const KEYS: Keys = Keys {
    of: "team",
    known: &["name", "description", "parent"],
    ignored: &["default_role", "provider_ids"],
    idle: &[],
};

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<Team> {
    let fields = reader.object(value, "", &KEYS)?;
    Some(Team {
        id: TeamId::new(reader.id()),
        name: reader.need_text(&fields, "name", "add the team's name").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        parent: reader.reference(&fields, "parent", Kind::Team).map(TeamId::new),
    })
}

pub(super) fn write(it: &Team) -> serde_json::Value {
    let mut body = serde_json::json!({ "name": it.name.as_str(), "description": it.description });
    if let Some(parent) = &it.parent {
        body["parent"] = reference(Kind::Team, parent.as_str());
    }
    body
}
