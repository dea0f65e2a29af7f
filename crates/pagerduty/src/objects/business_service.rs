//! A business service, with the extension `depends_on`, which PagerDuty keeps apart under `/service_dependencies`.

use campanile_directory::{BusinessDraft, DependencyDraft, Kind};
use campanile_model::{BusinessServiceId, TeamId};

use super::json::{Data, Value};
use super::reader::{Keys, Reader};
use super::reference;

const KEYS: Keys = Keys {
    of: "business service",
    known: &["name", "description", "point_of_contact", "team", "depends_on"],
    ignored: &[],
    idle: &[],
};

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<BusinessDraft> {
    let fields = reader.object(value, "", &KEYS)?;
    let dependencies = reader.list(&fields, "depends_on");
    Some(BusinessDraft {
        id: BusinessServiceId::new(reader.id()),
        name: reader.need_text(&fields, "name", "add the business service's name").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        point_of_contact: reader.text_or_empty(&fields, "point_of_contact").to_owned(),
        team: reader.reference(&fields, "team", Kind::Team).map(TeamId::new),
        depends_on: dependencies.iter().filter_map(|item| dependency(reader, item)).collect(),
    })
}

fn dependency(reader: &mut Reader<'_>, item: &Value) -> Option<DependencyDraft> {
    if let Data::Text(word) = &item.data {
        return Some(DependencyDraft { kind: None, id_or_name: word.into() });
    }
    let (kind, id) = reader.reference_in(item, &[Kind::Service, Kind::Business])?;
    Some(DependencyDraft { kind: Some(kind), id_or_name: id.into() })
}

pub(super) fn write(it: &BusinessDraft) -> serde_json::Value {
    let dependency = |to: &DependencyDraft| match to.kind {
        Some(kind) => reference(kind, &to.id_or_name),
        None => to.id_or_name.as_str().into(),
    };
    let mut body = serde_json::json!({
        "name": it.name.as_str(),
        "description": it.description,
        "point_of_contact": it.point_of_contact,
        "depends_on": it.depends_on.iter().map(dependency).collect::<serde_json::Value>(),
    });
    if let Some(team) = &it.team {
        body["team"] = reference(Kind::Team, team.as_str());
    }
    body
}
