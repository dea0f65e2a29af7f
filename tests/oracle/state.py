"""The rows of the shards at the end: what the machine would go on from, against what the oracle would.

Rows are NDJSON as the operator's door shows them, with their shard: `{"shard","kind","key","value"}`. Keys are hashes
that the oracle does not make, so rows are compared by what they say, each kind as a bag. A line
`{"shard","committed_seq"}` tells at which commit the rows stood.
"""

import json
from collections import Counter

from compare import same_bag
from moments import instant
from triage import Alert


def open_things(ended) -> tuple:
    """Ids of open incidents and alerts."""
    incidents = [it.id for shard in ended for it in shard.triage.incidents.values() if it.status != "resolved"]
    alerts = [it.id for shard in ended for it in shard.triage.alerts.values() if type(it) is Alert]
    return incidents, alerts


class Rows:
    """Rows as they were at some commit of each shard: `at` tells which."""

    def __init__(self, lines):
        self.at, self.found, self.count = {}, {}, 0
        for text in lines:
            row = json.loads(text)
            if "committed_seq" in row:
                self.at[row["shard"]] = row["committed_seq"]
                continue
            self.count += 1
            bag = self.found.setdefault((row["shard"], row["kind"]), Counter())
            bag.update(_told(row["kind"], row["value"]))

    def compare(self, ended, findings):
        """Compares every row with what the shards would have had at that commit."""
        for shard in ended:
            if shard.rows is None:
                findings.add("lost", f"shard {shard.shard}: its rows stand at commit {self.at.get(shard.shard)}, which no "
                             "step record tells of")
                continue
            for kind, wanted in shard.rows.items():
                held = self.found.get((shard.shard, kind), Counter())
                same_bag(f"rows {kind} of shard {shard.shard}", wanted, list(held.elements()), findings)


def _plain(thing) -> str:
    return json.dumps(thing, sort_keys=True)


def _told(kind: str, value: dict) -> list:
    if kind == "members":
        return [member["alert"] for member in value["members"]]
    return [_plain(value)]


def rows_of(triage) -> dict:
    """What the rows of a shard must tell, by kind."""
    rows = {"alert": [], "details": [], "incident": [], "group": [], "members": [], "answer": []}
    for row in triage.alerts.values():
        if type(row) is Alert:
            rows["alert"].append(_plain(_alert(row)))
            rows["details"].append(_plain(_details(row)))
        else:
            partition, offset, at = row
            rows["alert"].append(_plain({"state": "tombstone", "partition": partition, "offset": offset, "at": at}))
    for incident in triage.incidents.values():
        rows["incident"].append(_plain(_incident(incident, triage.shard)))
        rows["members"].extend(alert_id for _, alert_id, _ in incident.members)
    for incident_id in triage.groups.values():
        rows["group"].append(_plain({"incident": incident_id}))
    for event_type, revision, reason in triage.answers.values():
        answer = {"answer": event_type.removeprefix("command.")}
        answer.update({"reason": reason} if reason else {"revision": revision})
        rows["answer"].append(_plain(answer))
    return rows


def _alert(row) -> dict:
    partition, offset, at = row.trigger
    return {"state": "open", "id": row.id, "status": row.status, "severity": row.severity, "hidden": row.hidden,
            "incident": row.incident, "count": row.count, "first_seen": row.first_seen, "last_seen": row.last_seen,
            "last_trigger": {"partition": partition, "offset": offset, "at": at}, "resolved_at": row.resolved_at}


def _details(row) -> dict:
    verdict = dict(row.verdict)
    if verdict["outcome"] == "suppressed":
        verdict.setdefault("maintenance_window", "")
    return {"service": {"id": row.service, "name": row.service_name}, "integration": row.integration,
            "dedup_key": row.key[2], "summary": row.summary, "verdict": verdict, "body": row.body}


def _incident(it, shard: int) -> dict:
    priority = it.priority and {"id": it.priority["id"], "name": it.priority["name"]}
    return {"id": it.id, "number": it.serial * 1000 + shard, "status": it.status, "urgency": it.urgency,
            "priority": priority, "title": it.title, "incident_key": it.incident_key,
            "service": {"id": it.service, "name": it.service_name},
            "escalation_policy": {"id": it.policy, "name": it.policy_name}, "created_at": it.created_at,
            "status_changed_at": it.changed_at, "resolved_at": it.resolved_at, "revision": it.revision, "alerts": it.alerts,
            "open": it.open, "grouping": it.grouping or "", "last_joined_at": it.last_joined_at,
            "acknowledgements": [_acknowledgement(one) for one in it.acknowledgements],
            "auto_resolve_at": it.auto_resolve_at, "acknowledgement_ends_at": it.acknowledgement_ends_at,
            "urgency_rises_at": it.rises_at}


def _acknowledgement(written: dict) -> dict:
    return {"at": instant(written["at"]), "by": written["acknowledger"]}
