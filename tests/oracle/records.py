"""What the topics show of an incident and of an alert."""

import identity
from moments import rfc3339


def _reference(kind, id_, name):
    return {"id": id_, "type": f"{kind}_reference", "summary": name}


def show_alert(alert) -> dict:
    return {
        "v": 1, "id": alert.id, "type": "alert", "status": alert.status, "suppressed": alert.hidden is not None,
        "severity": alert.severity, "summary": alert.summary, "alert_key": alert.key[2],
        "service": _reference("service", alert.service, alert.service_name),
        "integration": {"id": alert.integration, "type": "integration_reference"},
        "incident": {"id": alert.incident, "type": "incident_reference"} if alert.incident else None,
        "verdict": alert.verdict, "count": alert.count, "created_at": rfc3339(alert.first_seen),
        "last_seen_at": rfc3339(alert.last_seen),
        "resolved_at": rfc3339(alert.resolved_at) if alert.resolved_at is not None else None, "body": alert.body,
    }


def show_incident(incident, shard: int) -> dict:
    priority = incident.priority
    return {
        "id": incident.id, "type": "incident", "self": f"/incidents/{incident.id}",
        "html_url": f"/incidents/{incident.id}", "number": identity.spoken(shard, incident.serial),
        "status": incident.status, "incident_key": incident.incident_key, "created_at": rfc3339(incident.created_at),
        "last_status_change_at": rfc3339(incident.changed_at),
        "resolved_at": rfc3339(incident.resolved_at) if incident.resolved_at is not None else None,
        "title": incident.title, "service": _reference("service", incident.service, incident.service_name),
        "assignees": [_reference("user", *user) for user in incident.assignees],
        "assignments": [{"at": rfc3339(incident.assigned_at), "assignee": _reference("user", *user)}
                        for user in incident.assignees],
        "escalation_level": incident.level,
        # The oracle knows no other hands than the notifier's: nothing is snoozed or merged.
        "snoozed_until": None, "resolve_reason": None,
        "escalation_policy": _reference("escalation_policy", incident.policy, incident.policy_name),
        "urgency": incident.urgency,
        "priority": _reference("priority", priority["id"], priority["name"]) if priority else None,
        "acknowledgements": list(incident.acknowledgements),
        "alert_counts": {"all": incident.alerts, "triggered": incident.open,
                         "resolved": incident.alerts - incident.open},
        "alert_grouping": incident.grouping,
    }
