"""An organisation of people who are each reached by mail and by ntfy, with a service of their own."""

import json
from pathlib import Path


def routing_key(nth):
    return f"{0x2000_0000_0000_0000_0000_0000_0000_0000 + nth:032x}"


def mail_address(nth):
    return f"person{nth}@example.com"


def topic(nth):
    return f"person-{nth}"


def write(folder: Path, people: int):
    for nth in range(people):
        rule = {"type": "assignment_notification_rule", "start_delay_in_minutes": 0, "urgency": "high"}
        mail = {"id": "MAIL", "type": "email_contact_method"}
        ntfy = {"id": "NTFY", "type": "ntfy_contact_method"}
        user = {
            "name": f"Person {nth}",
            "email": mail_address(nth),
            "contact_methods": [mail | {"address": mail_address(nth)}, ntfy | {"address": topic(nth)}],
            "notification_rules": [rule | {"contact_method": mail}, rule | {"contact_method": ntfy}],
        }
        # Long, so that nobody is paged a second time.
        escalation = {"escalation_delay_in_minutes": 600, "targets": [{"id": f"PU{nth}", "type": "user_reference"}]}
        policy = {"name": f"policy {nth}", "escalation_rules": [escalation]}
        service = {
            "name": f"service {nth}",
            "escalation_policy": {"id": f"PP{nth}", "type": "escalation_policy_reference"},
            "integrations": [
                {
                    "id": f"PI{nth}",
                    "type": "events_api_v2_inbound_integration",
                    "name": "kill",
                    "integration_key": routing_key(nth),
                }
            ],
        }
        _put(folder / "users" / f"PU{nth}.json", {"user": user})
        _put(folder / "escalation_policies" / f"PP{nth}.json", {"escalation_policy": policy})
        _put(folder / "services" / f"PS{nth}.json", {"service": service})


def _put(path: Path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body))
