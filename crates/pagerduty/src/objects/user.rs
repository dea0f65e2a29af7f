//! A user.

use campanile_directory::user::Role;
use campanile_directory::{Kind, User};
use campanile_model::{TeamId, UserId};

use super::json::Value;
use super::moment::zone_name;
use super::reader::{Keys, Reader};
use super::{contact, references};

const KEYS: Keys = Keys {
    of: "user",
    known: &[
        "name",
        "email",
        "time_zone",
        "role",
        "job_title",
        "description",
        "teams",
        "contact_methods",
        "notification_rules",
        "oncall_handoff_notification_rules",
    ],
    ignored: &[
        "color",
        "avatar_url",
        "invitation_sent",
        "billed",
        "locale",
        "license",
        "http_cal_url",
        "web_cal_url",
        "coordinated_incidents",
        "created_via_sso",
    ],
    idle: &[],
};

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<User> {
    let fields = reader.object(value, "", &KEYS)?;
    let roles = Role::ALL.map(|role| (role.as_str(), role));
    let (contact_methods, notification_rules) = contact::read(reader, &fields);
    Some(User {
        id: UserId::new(reader.id()),
        name: reader.need_text(&fields, "name", "add the user's name").into(),
        email: reader.need_text(&fields, "email", "add the user's e-mail address").into(),
        zone: reader.zone(&fields, "time_zone"),
        role: reader.choice(&fields, "role", &roles).unwrap_or_default(),
        job_title: reader.text_or_empty(&fields, "job_title").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        teams: reader.references(&fields, "teams", Kind::Team).into_iter().map(TeamId::new).collect(),
        contact_methods,
        notification_rules,
        handoff_rules: contact::read_handoffs(reader, &fields),
    })
}

pub(super) fn write(it: &User) -> serde_json::Value {
    let mut body = serde_json::json!({
        "name": it.name.as_str(),
        "email": it.email.as_str(),
        "time_zone": it.zone.as_ref().map(zone_name),
        "role": it.role.as_str(),
        "job_title": it.job_title.as_str(),
        "description": it.description,
        "teams": references(Kind::Team, it.teams.iter().map(|team| team.as_str())),
    });
    contact::write(it, &mut body);
    body
}
