"""The organisation at one epoch, from the records of `campanile.directory` alone."""

import json
import re

import moments
from murmur2 import home

WRAPPERS = {"priority", "team", "user", "schedule", "escalation_policy", "service", "alert_grouping_setting",
            "maintenance_window", "business_service"}
DEFAULT_PRIORITIES = [{"id": f"PRIORP{n}", "name": f"P{n}", "order": n} for n in range(1, 6)]
GROUP_WINDOW_DEFAULT_S = 300
GROUP_AGE_MAX_MS = 24 * 3_600_000
GROUP_ALERTS_MAX = 1000


class Grouping:
    """How new alerts of a service join open incidents."""

    def __init__(self, written: dict, minutes: bool):
        config = written.get("config") or {}
        self.type = written["type"]
        self.all = (config.get("aggregate") or "all") == "all"
        self.window_ms = (config.get("time_window") or GROUP_WINDOW_DEFAULT_S) * 1000
        self.fields, self.similar = [], []
        if self.type == "time":
            timeout = config.get("timeout") or 0
            # A service counts in minutes, a setting in seconds.
            self.window_ms = timeout * (60_000 if minutes else 1000) or None
        elif self.type == "intelligent":
            named = config.get("iag_fields") if config.get("iag_fields") is not None else config.get("fields")
            self.similar = _chosen(named)
        else:
            self.fields = list(config.get("fields") or [])
            if self.type == "content_based_intelligent":
                self.similar = _chosen(config.get("iag_fields"))

    def same_as(self, other) -> bool:
        return vars(self) == vars(other)

    def takes(self, incident, now: int) -> bool:
        """Whether an incident still takes alerts under this grouping."""
        if incident.status == "resolved" or incident.alerts >= GROUP_ALERTS_MAX:
            return False
        age = now - incident.created_at
        if self.type == "time":
            return self.window_ms is None or age < self.window_ms
        return age < GROUP_AGE_MAX_MS and now - incident.last_joined_at < self.window_ms

    def keys(self, scope: str, event) -> list:
        """The groups of an alert, first choice first; equal tuples are the same group."""
        if self.type == "time":
            return [("time", scope)]
        similar = [_masked(event.summary)] if not self.similar else [_field(event, name) for name in self.similar]
        if self.type == "intelligent":
            values, also, whole = similar, [], True
        else:
            values = [_field(event, name) for name in self.fields]
            also = similar if self.type == "content_based_intelligent" else []
            whole = self.all
        also = tuple(also)
        if whole:
            if all(value is None for value in (*values, *also)):
                return []
            return [("all", scope, tuple(enumerate(values)), also)]
        return [("any", scope, (n, value), also) for n, value in enumerate(values) if value is not None]


def _chosen(fields) -> list:
    # `["summary"]` is what PagerDuty answers where nobody chose: likeness of summaries.
    return [] if not fields or fields == ["summary"] else list(fields)


def _masked(text: str) -> str:
    return re.sub(r"[0-9]+", "#", text)


def _field(event, name: str):
    if name.startswith("custom_details."):
        return event.detail(name.split(".")[1:])
    return getattr(event, "class_" if name == "class" else name)


class Service:
    """A service with all that its references lead to."""

    def __init__(self, id_: str, written: dict, organisation: dict, shards: int, settings: dict, windows: list):
        self.id, self.name = id_, written["name"]
        self.disabled = written.get("status") == "disabled"
        self.policy = written["escalation_policy"]["id"]
        policy = organisation.get(("escalation_policy", self.policy))
        self.policy_name = policy["name"] if policy else ""
        self.auto_resolve_ms = (written.get("auto_resolve_timeout") or 0) * 1000 or None
        self.acknowledgement_ms = (written.get("acknowledgement_timeout") or 0) * 1000 or None
        self.rule = written.get("incident_urgency_rule") or {"type": "constant", "urgency": "high"}
        self.hours = moments.SupportHours(written["support_hours"]) if written.get("support_hours") else None
        actions = written.get("scheduled_actions") or []
        self.raised_at = actions[0]["at"]["name"] if actions else None
        self.windows = windows
        self.priorities = written.get("priority_by_severity") or {}
        self._place(written, shards, settings.get(id_))

    def _place(self, written, shards, setting):
        own = written.get("alert_grouping_parameters")
        self.grouping = Grouping(own, minutes=True) if own and own.get("type") else None
        self.scope = self.id
        if setting:
            grouping, members, setting_id = setting
            keeps_to = self.grouping is None or self.grouping.same_as(grouping)
            if len(members) > 1 and keeps_to:
                self.scope = setting_id
            self.grouping = self.grouping or grouping
        self.home = home(self.scope, shards)

    def hidden(self, now: int):
        """Why a new alert would reach nobody: (word, window id), or None."""
        if self.disabled:
            return "disabled_service", ""
        for start, window_id, end in self.windows:
            if start <= now < end:
                return "maintenance", window_id
        return None

    def urgency(self, severity: str, now: int) -> str:
        rule = self.rule
        if rule["type"] == "use_support_hours":
            inside = self.hours is not None and self.hours.cover(now)
            rule = rule["during_support_hours" if inside else "outside_support_hours"]
        if rule["urgency"] == "severity_based":
            return "high" if severity in ("error", "critical") else "low"
        return rule["urgency"]

    def rises_after(self, now: int):
        if self.hours is None or self.raised_at is None:
            return None
        wall = self.hours.start if self.raised_at == "support_hours_start" else self.hours.end
        return self.hours.next_after(now, wall)


class Snapshot:
    """What machines read: routes, services, priorities, and the names of people."""

    def __init__(self, epoch: int, shards: int, organisation: dict):
        self.epoch = epoch
        written = [dict(it, id=id_) for (kind, id_), it in organisation.items() if kind == "priority"]
        self.priorities = sorted(written or DEFAULT_PRIORITIES, key=lambda it: (it["order"], it["id"]))
        settings, windows = {}, {}
        for (kind, id_), it in sorted(organisation.items()):
            if kind == "alert_grouping_setting":
                members = [service["id"] for service in it["services"]]
                for member in members:
                    settings[member] = (Grouping(it, minutes=False), members, id_)
            elif kind == "maintenance_window":
                times = moments.instant(it["start_time"]), id_, moments.instant(it["end_time"])
                for member in {service["id"] for service in it["services"]}:
                    windows.setdefault(member, []).append(times)
        self.users = {id_: it["name"] for (kind, id_), it in organisation.items() if kind == "user"}
        self.services, self.routes = {}, {}
        for (kind, id_), it in sorted(organisation.items()):
            if kind != "service":
                continue
            service = Service(id_, it, organisation, shards, settings, sorted(windows.get(id_, [])))
            self.services[id_] = service
            for integration in it.get("integrations") or []:
                self.routes[integration["integration_key"]] = (service, integration["id"])

    def priority(self, word):
        """By id, or by name as people write it."""
        for field in ("id", "name"):
            for it in self.priorities:
                if it[field] == word:
                    return it
        return None


def snapshots(records, shards: int) -> dict:
    """Every epoch's snapshot, from the records of the directory's topic in their order."""
    found, organisation = {0: Snapshot(0, shards, {})}, {}
    for record in records:
        key = (record.key or b"").decode()
        if key == "~epoch":
            epoch = json.loads(record.value)["epoch"]
            found[epoch] = Snapshot(epoch, shards, organisation)
        elif "/" in key:
            kind, id_ = key.split("/", 1)
            if record.value:
                written = json.loads(record.value)
                wrapper = next(iter(written)) if len(written) == 1 else kind
                body = written[wrapper] if wrapper in WRAPPERS and wrapper in written else written
                organisation[(wrapper, id_)] = body
            else:
                for stored in [stored for stored in organisation if stored[1] == id_ and _is(kind, stored[0])]:
                    del organisation[stored]
    return found


def _is(written_kind: str, kind: str) -> bool:
    """Whether a key's kind, singular or plural, names this kind."""
    plural = kind[:-1] + "ies" if kind.endswith("y") else kind + "s"
    return written_kind in (kind, plural)
