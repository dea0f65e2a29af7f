//! What builds and still deserves a word: places where this system does other than the writer may expect.

use crate::build::{keeps_to, scopes, settings_by_service};
use crate::grouping::Grouping;
use crate::kind::Kind;
use crate::mint::has_affinity;
use crate::object::Object;
use crate::problem::Warning;

/// All warnings about these objects, in their order.
pub fn warnings(objects: &[Object]) -> Vec<Warning> {
    let settings = settings_by_service(objects.iter().filter_map(Object::as_setting));
    let mut found = Vec::new();
    for object in objects {
        let mut warn = |path: &str, message: String, help: &str| {
            let (kind, id) = (object.kind(), object.id().to_owned());
            found.push(Warning { kind, id, path: path.to_owned(), message, help: Some(help.to_owned()) });
        };
        match object {
            Object::Service(service) => {
                if let Some(setting) = settings.get(service.id.as_str())
                    && !keeps_to(service, setting)
                {
                    warn(
                        "/alert_grouping_parameters",
                        format!("these parameters take the service out of grouping setting {}", setting.id),
                        "remove alert_grouping_parameters to group with the setting, or the service from the setting",
                    );
                }
                if let Some(grouping) = &service.grouping {
                    warn_of_intelligence(grouping, "/alert_grouping_parameters/type", &mut warn);
                }
            }
            Object::Grouping(setting) => warn_of_intelligence(&setting.grouping, "/type", &mut warn),
            Object::Priority(_)
            | Object::Team(_)
            | Object::User(_)
            | Object::Schedule(_)
            | Object::Policy(_)
            | Object::Maintenance(_)
            | Object::Business(_)
            | Object::Subscription(_) => {}
        }
    }
    found.extend(foreign_keys(objects));
    found
}

fn warn_of_intelligence(grouping: &Grouping, path: &str, warn: &mut impl FnMut(&str, String, &str)) {
    let (Grouping::Intelligent { .. } | Grouping::ContentIntelligent { .. }) = grouping else { return };
    warn(
        path,
        "until event rules exist, intelligent grouping compares its fields for equality, \
         and without fields the summary with its digits masked"
            .to_owned(),
        "name the fields that make alerts alike, or use content_based",
    );
}

/// One warning for all pinned keys that cost a hop: an account brought over from elsewhere has only such keys.
fn foreign_keys(objects: &[Object]) -> Option<Warning> {
    let scopes = scopes(objects);
    let mut first = None;
    let (mut foreign, mut all) = (0, 0);
    for object in objects {
        let Some(service) = object.as_service() else { continue };
        let Some(scope) = scopes.get(&service.id) else { continue };
        for (i, integration) in service.integrations.iter().enumerate() {
            let Some(key) = &integration.key else { continue };
            all += 1;
            if !has_affinity(key.as_str(), scope.as_str()) {
                foreign += 1;
                first.get_or_insert((service.id.as_str().to_owned(), i));
            }
        }
    }
    let (id, i) = first?;
    Some(Warning {
        kind: Kind::Service,
        id,
        path: format!("/integrations/{i}/integration_key"),
        message: format!("{foreign} of {all} integration keys were not minted for their service's shard"),
        help: Some("events of producers that partition by key pay one more hop; a minted key pays none".to_owned()),
    })
}
