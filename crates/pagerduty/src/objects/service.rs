//! A service, with two extensions: `priority_by_severity`, and `integrations` that are written and not only shown.

use campanile_directory::{Kind, ServiceDraft};
use campanile_model::{PolicyId, ServiceId, Severity, Span, TeamId};
use compact_str::CompactString;

use super::json::{Data, Value};
use super::reader::{Fields, Keys, Reader};
use super::{grouping, integration, reference, references, urgency};

const KEYS: Keys = Keys {
    of: "service",
    known: &[
        "name",
        "description",
        "status",
        "escalation_policy",
        "teams",
        "alert_creation",
        "alert_grouping_parameters",
        "incident_urgency_rule",
        "support_hours",
        "scheduled_actions",
        "auto_resolve_timeout",
        "acknowledgement_timeout",
        "integrations",
        "priority_by_severity",
        "auto_pause_notifications_parameters",
    ],
    ignored: &[
        "last_incident_timestamp",
        "addons",
        "alert_grouping",
        "alert_grouping_timeout",
        "response_play",
        "privilege",
        "metadata",
        "incidents_responders",
    ],
    idle: &[],
};
const PRIORITY_KEYS: Keys =
    Keys { of: "priority_by_severity", known: &["critical", "error", "warning", "info"], ignored: &[], idle: &[] };

/// Only `disabled` is the writer's to say; the others PagerDuty computes from open incidents, and so do we.
const STATUSES: [(&str, bool); 5] =
    [("active", false), ("disabled", true), ("warning", false), ("critical", false), ("maintenance", false)];

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Option<ServiceDraft> {
    let fields = reader.object(value, "", &KEYS)?;
    if fields.get("escalation_policy").is_none() {
        reader.missing(&fields, "escalation_policy", "add {\"id\": \"P…\", \"type\": \"escalation_policy_reference\"}");
    }
    // Both values mean the second one: PagerDuty has no incidents without alerts any more.
    reader.choice(&fields, "alert_creation", &[("create_alerts_and_incidents", ()), ("create_incidents", ())]);
    warn_of_auto_pause(reader, &fields);
    let urgency_rule = urgency::read_rule(reader, &fields);
    urgency::warn_of_idle_hours(reader, urgency_rule, fields.get("support_hours"));
    Some(ServiceDraft {
        id: ServiceId::new(reader.id()),
        name: reader.need_text(&fields, "name", "add the service's name").into(),
        description: reader.text_or_empty(&fields, "description").to_owned(),
        disabled: reader.choice(&fields, "status", &STATUSES).unwrap_or_default(),
        policy: PolicyId::new(reader.reference(&fields, "escalation_policy", Kind::Policy).unwrap_or_default()),
        teams: reader.references(&fields, "teams", Kind::Team).into_iter().map(TeamId::new).collect(),
        integrations: integration::read_all(reader, &fields),
        grouping: grouping::read_parameters(reader, &fields),
        urgency_rule,
        support_hours: urgency::read_hours(reader, &fields),
        urgency_raised_at: urgency::read_action(reader, &fields),
        auto_resolve: timeout(reader, &fields, "auto_resolve_timeout"),
        acknowledgement_timeout: timeout(reader, &fields, "acknowledgement_timeout"),
        priority_by_severity: read_priorities(reader, &fields),
    })
}

/// Seconds; absent, null and 0 are off.
fn timeout(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<Span> {
    reader.whole(fields, key).filter(|seconds| *seconds != 0).map(Span::seconds)
}

fn warn_of_auto_pause(reader: &mut Reader<'_>, service: &Fields<'_>) {
    const KEY: &str = "auto_pause_notifications_parameters";
    let enabled = service.get(KEY).and_then(|value| value.member("enabled"));
    if enabled.is_some_and(|enabled| enabled.data == Data::Bool(true)) {
        let help = "it may stay; a later version will read it";
        reader.warn(service.path_to(KEY), "notifications are not paused automatically yet", help);
    }
}

fn read_priorities(reader: &mut Reader<'_>, service: &Fields<'_>) -> [Option<CompactString>; 4] {
    const KEY: &str = "priority_by_severity";
    let mut priorities = [None, None, None, None];
    let Some(value) = service.get(KEY) else { return priorities };
    let Some(fields) = reader.object(value, &service.path_to(KEY), &PRIORITY_KEYS) else { return priorities };
    for severity in Severity::ALL {
        priorities[severity as usize] = reader.text(&fields, severity.as_str()).map(CompactString::from);
    }
    priorities
}

pub(super) fn write(it: &ServiceDraft) -> serde_json::Value {
    let priorities: serde_json::Map<_, _> = Severity::ALL
        .into_iter()
        .filter_map(|severity| {
            let priority = it.priority_by_severity[severity as usize].as_ref()?;
            Some((severity.as_str().to_owned(), priority.as_str().into()))
        })
        .collect();
    serde_json::json!({
        "name": it.name.as_str(),
        "description": it.description,
        "status": if it.disabled { "disabled" } else { "active" },
        "escalation_policy": reference(Kind::Policy, it.policy.as_str()),
        "teams": references(Kind::Team, it.teams.iter().map(|team| team.as_str())),
        "alert_creation": "create_alerts_and_incidents",
        "alert_grouping_parameters": it.grouping.as_ref().map(grouping::write_parameters),
        "incident_urgency_rule": urgency::write_rule(it.urgency_rule),
        "support_hours": it.support_hours.as_ref().map(urgency::write_hours),
        "scheduled_actions": urgency::write_actions(it.urgency_raised_at),
        "auto_resolve_timeout": it.auto_resolve.map(Span::whole_seconds),
        "acknowledgement_timeout": it.acknowledgement_timeout.map(Span::whole_seconds),
        "integrations": it.integrations.iter().map(integration::write).collect::<serde_json::Value>(),
        "priority_by_severity": priorities,
    })
}
