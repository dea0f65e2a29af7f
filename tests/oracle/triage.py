"""The judge, as the documents describe it: deduplicate, suppress, group, and live the incident's life.

One `Triage` is one shard. It knows no commit and no topic: what it decides it hands to `sink`, which has `incident`,
`forward` and `dead`; alerts that changed wait in `announced` until the commit, as their topic shows them once a commit.
Rows are plain objects and keys are tuples: nothing here shares a byte with what it checks.
"""

import json

import events
import identity
from moments import rfc3339
from records import show_alert, show_incident
from timers import ACKNOWLEDGEMENT, ANSWER, AUTO_RESOLVE, TOMBSTONE, URGENCY_RISE, WORDS_OF_TIMERS, Timers

HOPS_MAX = 3
TOMBSTONE_KEPT_MS = 10 * 60_000
ANSWER_KEPT_MS = 24 * 3_600_000
COMMAND_ID_CHARS_MAX = 128
ASSIGNEES_MAX = 100

DEDUP_KEY_CHARS_MAX = 255
# Bytes of dedup keys that one record of an incident lists; the rest is counted.
ALERT_KEYS_BYTES_MAX = 64_000

# Event types that change an incident's status, and with it the time of its last change.
STATUS_CHANGES = {"incident.triggered", "incident.acknowledged", "incident.unacknowledged", "incident.resolved"}


class Source:
    """The first append of an event, and how often it was sent on since."""

    __slots__ = ("partition", "offset", "at", "hops")

    def __init__(self, partition, offset, at, hops):
        self.partition, self.offset, self.at, self.hops = partition, offset, at, hops

    def is_older_than(self, place) -> bool:
        """Within a partition offsets compare, else append times, and a tie is no proof."""
        partition, offset, at = place
        return self.offset < offset if self.partition == partition else self.at < at

    @property
    def place(self):
        return self.partition, self.offset, self.at


class Alert:
    __slots__ = ("id", "key", "status", "severity", "hidden", "incident", "count", "first_seen", "last_seen", "trigger",
                 "resolved_at", "service", "service_name", "integration", "summary", "verdict", "body")


class Incident:
    __slots__ = ("id", "serial", "status", "urgency", "priority", "title", "incident_key", "service", "service_name",
                 "policy", "policy_name", "created_at", "changed_at", "resolved_at", "revision", "alerts", "open",
                 "grouping", "last_joined_at", "acknowledgements", "auto_resolve_at", "acknowledgement_ends_at",
                 "rises_at", "members", "assignees", "assigned_at", "level")


class Triage:
    def __init__(self, ledger: int, shard: int, sink):
        self.ledger, self.shard, self.sink = ledger, shard, sink
        self.serial = 0
        self.alerts, self.incidents, self.groups, self.answers = {}, {}, {}, {}
        self.announced, self.timers = {}, Timers()
        self.directory = None

    # Events

    def event(self, record, source: Source, now: int):
        """Judges the bytes of a main or hop record."""
        event = events.read(record.value)
        if type(event) is str:
            return self.sink.dead(record, source, event, "decode")
        route = self.directory.routes.get(event.routing_key)
        if route is None:
            return self.sink.dead(record, source, "unknown_key", "judge")
        service, integration = route
        if service.home != self.shard:
            if source.hops >= HOPS_MAX:
                return self.sink.dead(record, source, "too_many_hops", "judge")
            return self.sink.forward(record, source, service.home)
        if event.dedup_key is None:
            minted = record.headers.get("campanile-dedup-key") or ""
            fits = minted.strip() and len(minted) <= DEDUP_KEY_CHARS_MAX
            event.dedup_key = minted if fits else derived_dedup_key(source)
        key = (service.id, integration, event.dedup_key)
        if event.action == "trigger":
            self._trigger(service, integration, key, event, source, now)
        elif event.action == "resolve":
            self._resolve(service, key, source, now)
        else:
            alert = self._open(key)
            if alert is not None and alert.incident is not None:
                incident = self.incidents[alert.incident]
                self._acknowledge(incident, service.acknowledgement_ms, _agent(service), _event(source), now)

    def _open(self, key):
        row = self.alerts.get(key)
        return row if type(row) is Alert else None

    def _trigger(self, service, integration, key, event, source, now):
        row = self.alerts.get(key)
        if type(row) is Alert:
            return self._repeat(row, service, integration, event, source, now)
        alert = Alert()
        self.serial += 1
        alert.id = identity.derive(self.ledger, self.shard, self.serial)
        alert.key, alert.status, alert.severity = key, "triggered", event.severity
        alert.hidden = alert.incident = alert.resolved_at = None
        alert.count, alert.first_seen, alert.last_seen, alert.trigger = 1, now, now, source.place
        if row is not None and source.is_older_than(row):
            # Its own resolve has overtaken it: stored as resolved, shown, told to nobody.
            alert.status, alert.resolved_at = "resolved", now
            self._describe(alert, service, integration, event, {"outcome": "overtaken"})
            self.announced[alert.id] = show_alert(alert)
            return None
        hidden = service.hidden(now)
        if hidden:
            alert.hidden = hidden[0]
            verdict = _hidden(hidden)
        else:
            verdict = self._place(alert, service, event, _event(source), now)
        self._describe(alert, service, integration, event, verdict)
        self.alerts[key] = alert
        self._announce(alert)
        return None

    def _repeat(self, alert, service, integration, event, source, now):
        alert.count += 1
        alert.last_seen = now
        regraded = False
        if not source.is_older_than(alert.trigger):
            alert.trigger = source.place
            regraded = alert.severity != event.severity
            alert.severity = event.severity
        if alert.hidden is None:
            if regraded:
                self._describe(alert, service, integration, event, alert.verdict)
                self._announce(alert)
            return
        hidden = service.hidden(now)
        if hidden is None:
            verdict = self._place(alert, service, event, _event(source), now)
            alert.hidden = None
        elif hidden[0] != alert.hidden or regraded:
            verdict = _hidden(hidden)
            alert.hidden = hidden[0]
        else:
            return
        self._describe(alert, service, integration, event, verdict)
        self._announce(alert)

    def _describe(self, alert, service, integration, event, verdict):
        alert.service, alert.service_name, alert.integration = service.id, service.name, integration
        alert.summary, alert.verdict, alert.body = event.summary, verdict, event.stored_body()

    def _announce(self, alert):
        if type(self.announced.get(alert.id)) is not dict:
            self.announced.setdefault(alert.id, alert)

    # Grouping

    def _place(self, alert, service, event, cause, now):
        """Puts a visible alert into an open incident of its group, or opens one for it. Gives the verdict."""
        groups = service.grouping.keys(service.scope, event) if service.grouping else []
        for group in groups:
            incident = self.incidents.get(self.groups.get(group))
            if incident is not None and service.grouping.takes(incident, now):
                incident.alerts += 1
                incident.open += 1
                incident.last_joined_at = now
                self._join(incident, alert, groups)
                return {"outcome": "grouped", "grouping": service.grouping.type}
        incident = self._open_incident(alert, service, event, now)
        self._join(incident, alert, groups)
        self.sink.incident(self._revision(incident, "incident.triggered", _agent(service), cause, now, [alert.key[2]]))
        return {"outcome": "opened_incident"}

    def _join(self, incident, alert, groups):
        alert.incident = incident.id
        incident.members.append((alert.key, alert.id, groups))
        for group in groups:
            self.groups[group] = incident.id

    def _open_incident(self, alert, service, event, now):
        incident = Incident()
        self.serial += 1
        incident.serial = self.serial
        incident.id = identity.derive(self.ledger, self.shard, self.serial)
        incident.status, incident.urgency = "triggered", service.urgency(event.severity, now)
        word = service.priorities.get(event.severity)
        incident.priority = self.directory.priority(word) if word else None
        incident.title, incident.incident_key = event.summary, alert.key[2]
        incident.service, incident.service_name = service.id, service.name
        incident.policy, incident.policy_name = service.policy, service.policy_name
        incident.assignees, incident.assigned_at, incident.level = [], None, 0
        incident.created_at = incident.changed_at = incident.last_joined_at = now
        incident.resolved_at = incident.acknowledgement_ends_at = None
        incident.revision = incident.alerts = incident.open = 1
        incident.grouping = service.grouping.type if service.grouping else None
        incident.acknowledgements, incident.members = [], []
        incident.auto_resolve_at = now + service.auto_resolve_ms if service.auto_resolve_ms else None
        incident.rises_at = service.rises_after(now) if incident.urgency == "low" else None
        if incident.auto_resolve_at is not None:
            self.timers.set(AUTO_RESOLVE, incident.id, incident.auto_resolve_at)
        if incident.rises_at is not None:
            self.timers.set(URGENCY_RISE, incident.id, incident.rises_at)
        self.incidents[incident.id] = incident
        return incident

    # The end of alerts and incidents

    def _resolve(self, service, key, source, now):
        alert = self._open(key)
        if alert is not None and source.is_older_than(alert.trigger):
            return
        if alert is not None:
            self._close_alert(alert, now)
        if source.hops:
            self.alerts[key] = source.place
            self.timers.set(TOMBSTONE, key, now + TOMBSTONE_KEPT_MS)
        if alert is not None and alert.incident is not None:
            incident = self.incidents[alert.incident]
            incident.open -= 1
            if incident.open == 0:
                self._close_incident(incident, _agent(service), _event(source), now, [key[2]])

    def _close_alert(self, alert, now):
        del self.alerts[alert.key]
        alert.status, alert.resolved_at = "resolved", now
        # A changed value keeps its place: the alert is shown where it first changed in this commit.
        self.announced[alert.id] = show_alert(alert)

    def _resolve_incident(self, incident, agent, cause, now):
        closed = []
        for key, alert_id, _ in incident.members:
            alert = self._open(key)
            # The key may be open again under another incident.
            if alert is not None and alert.id == alert_id:
                self._close_alert(alert, now)
                closed.append(key[2])
        incident.open = 0
        self._close_incident(incident, agent, cause, now, closed)

    def _close_incident(self, incident, agent, cause, now, alert_keys):
        for kind in (AUTO_RESOLVE, ACKNOWLEDGEMENT, URGENCY_RISE):
            self.timers.clear(kind, incident.id)
        for _, _, groups in incident.members:
            for group in groups:
                if self.groups.get(group) == incident.id:
                    del self.groups[group]
        incident.members = []
        incident.assignees, incident.assigned_at = [], None
        incident.status, incident.resolved_at = "resolved", now
        incident.auto_resolve_at = incident.acknowledgement_ends_at = incident.rises_at = None
        incident.acknowledgements = []
        self._revise(incident, "incident.resolved", agent, cause, now, alert_keys)

    def _acknowledge(self, incident, timeout_ms, by, cause, now) -> bool:
        """Acknowledges, or restarts the time-out. Says whether a revision was made."""
        before = incident.acknowledgement_ends_at
        incident.acknowledgement_ends_at = now + timeout_ms if timeout_ms else None
        # A later deadline leaves a running timer alone; the first one and an earlier one set it.
        if timeout_ms and (before is None or now + timeout_ms < before):
            self.timers.set(ACKNOWLEDGEMENT, incident.id, now + timeout_ms)
        elif not timeout_ms:
            self.timers.let_go(ACKNOWLEDGEMENT, incident.id)
        if incident.status == "acknowledged":
            return False
        incident.status = "acknowledged"
        incident.acknowledgements.append({"at": rfc3339(now), "acknowledger": by})
        self._revise(incident, "incident.acknowledged", by, cause, now)
        return True

    # Timers

    def fire(self, kind, thing, now):
        """Does what a timer asks for when it falls due; the caller has checked that it was its turn."""
        self.timers.clear(kind, thing)
        if kind == ANSWER:
            self.answers.pop(thing, None)
            return
        if kind == TOMBSTONE:
            if type(self.alerts.get(thing)) is tuple:
                del self.alerts[thing]
            return
        incident = self.incidents.get(thing)
        deadline = _deadline(incident, kind)
        if deadline is None:
            return
        if deadline > now:
            self.timers.set(kind, thing, deadline)
            return
        cause = {"type": "timer", "timer": WORDS_OF_TIMERS[kind]}
        if kind == AUTO_RESOLVE:
            self._resolve_incident(incident, None, cause, now)
        elif kind == ACKNOWLEDGEMENT:
            incident.status, incident.acknowledgement_ends_at, incident.acknowledgements = "triggered", None, []
            self._revise(incident, "incident.unacknowledged", None, cause, now)
        else:
            incident.urgency, incident.rises_at = "high", None
            self._revise(incident, "incident.urgency_updated", None, cause, now)

    def is_closed(self, incident_id: str) -> bool:
        incident = self.incidents.get(incident_id)
        return incident is not None and incident.status == "resolved"

    # Commands

    def command(self, record, source: Source, now: int):
        command = read_command(record.value)
        if command is None:
            return self.sink.dead(record, source, "bad_command", "decode")
        repeated = command["id"] in self.answers
        if repeated:
            answer = self.answers[command["id"]]
        else:
            answer = self._judge(command, now)
            self.answers[command["id"]] = answer
            self.timers.set(ANSWER, command["id"], now + ANSWER_KEPT_MS)
        if repeated or answer[0] != "command.applied":
            self._answer(command, answer, repeated, now)
        return None

    def _judge(self, command, now):
        """(event type, revision, reason) of the answer; makes the revision if there is one to make."""
        incident = self.incidents.get(command["incident"])
        if incident is None:
            return "command.refused", None, "unknown_incident"
        if command.get("revision") is not None and command["revision"] != incident.revision:
            return "command.refused", None, "stale_revision"
        verb, actor = command["verb"], command["actor"]
        actor = {"id": actor["id"], "type": actor["type"]}
        if incident.status == "resolved":
            if verb == "resolve":
                return "command.unchanged", incident.revision, None
            return "command.refused", None, "resolved"
        cause = {"type": "command", "command": command["id"]}
        refusal = None
        if verb == "escalate":
            changed, refusal = self._escalate(incident, command, actor, cause, now)
        elif verb == "acknowledge":
            service = self.directory.services.get(incident.service)
            timeout = service.acknowledgement_ms if service else None
            changed = self._acknowledge(incident, timeout, actor, cause, now)
        elif verb == "resolve":
            self._resolve_incident(incident, actor, cause, now)
            changed = True
        else:
            changed, refusal = self._set(incident, command, actor, cause, now)
        if refusal:
            return "command.refused", None, refusal
        return ("command.applied" if changed else "command.unchanged"), incident.revision, None

    def _escalate(self, incident, command, actor, cause, now):
        """A step of the notifier's ladder: these people have it now, unless somebody has acknowledged it."""
        if incident.status == "acknowledged":
            return False, "acknowledged"
        if not 1 <= len(command["assignees"]) <= ASSIGNEES_MAX:
            return False, "bad_assignees"
        if any(user not in self.directory.users for user in command["assignees"]):
            return False, "unknown_user"
        users = [(user, self.directory.users[user]) for user in dict.fromkeys(command["assignees"])]
        same = incident.assignees == users
        event_type = "incident.assigned" if same or not incident.assignees else "incident.escalated"
        if not same:
            incident.assigned_at = now
        incident.assignees, incident.level = users, command["level"]
        self._revise(incident, event_type, actor, cause, now)
        return True, None

    def _set(self, incident, command, actor, cause, now):
        """The verbs that write one field: (changed, refusal)."""
        if command["verb"] == "set_priority":
            word = command.get("priority")
            priority = self.directory.priority(word) if word is not None else None
            if word is not None and priority is None:
                return False, "unknown_priority"
            if (incident.priority or {}).get("id") == (priority or {}).get("id"):
                return False, None
            incident.priority, event_type = priority, "incident.priority_updated"
        elif command["verb"] == "set_urgency":
            if incident.urgency == command["urgency"]:
                return False, None
            incident.urgency, event_type = command["urgency"], "incident.urgency_updated"
            incident.rises_at = None
            self.timers.clear(URGENCY_RISE, incident.id)
        else:
            if not command["title"].strip(events.WHITE):
                return False, "blank_title"
            title = events.cut(command["title"])
            if incident.title == title:
                return False, None
            incident.title, event_type = title, "incident.title_updated"
        self._revise(incident, event_type, actor, cause, now)
        return True, None

    # Records

    def _answer(self, command, answer, repeated, now):
        event_type, revision, reason = answer
        record = {"v": 1, "event_type": event_type, "reason": reason, "repeated": repeated, "occurred_at": rfc3339(now),
                  "cause": {"type": "command", "command": command["id"]}, "epoch": self.directory.epoch,
                  "incident": command["incident"]}
        if revision is not None:
            record["revision"] = revision
        self.sink.incident(record)

    def _revise(self, incident, event_type, agent, cause, now, alert_keys=()):
        incident.revision += 1
        if event_type in STATUS_CHANGES:
            incident.changed_at = now
        self.sink.incident(self._revision(incident, event_type, agent, cause, now, list(alert_keys)))

    def _revision(self, incident, event_type, agent, cause, now, alert_keys):
        shown, room = [], ALERT_KEYS_BYTES_MAX
        for key in alert_keys:
            room -= len(key.encode())
            if room < 0:
                break
            shown.append(key)
        record = {"v": 1, "event_type": event_type, "revision": incident.revision, "occurred_at": rfc3339(now),
                  "agent": agent, "cause": cause, "epoch": self.directory.epoch, "alert_keys": shown,
                  "data": show_incident(incident, self.shard)}
        if len(shown) < len(alert_keys):
            record["alert_keys_omitted"] = len(alert_keys) - len(shown)
        return record

    def commit(self) -> list:
        """The alerts' records of the commit that ends here, each alert once, as it stands now."""
        shown = [it if type(it) is dict else show_alert(it) for it in self.announced.values()]
        self.announced = {}
        return shown


def _deadline(incident, kind):
    """When the incident wants this timer; None if it does not."""
    if incident is None or incident.status == "resolved":
        return None
    if kind == AUTO_RESOLVE:
        return incident.auto_resolve_at
    if kind == ACKNOWLEDGEMENT:
        return incident.acknowledgement_ends_at if incident.status == "acknowledged" else None
    return incident.rises_at if incident.urgency == "low" else None


def derived_dedup_key(source: Source) -> str:
    """The dedup key of a trigger that came without one: its first place in the log."""
    return f"log:{source.partition}:{source.offset}"


def read_command(raw: bytes):
    """The command in the bytes; None if they are none."""
    try:
        command = json.loads(raw)
        if command["v"] != 1 or identity.number_of(command["incident"]) is None:
            return None
        actor = command["actor"]
        for text in (command["id"], actor["id"], actor["type"]):
            if type(text) is not str or not 1 <= len(text) <= COMMAND_ID_CHARS_MAX:
                return None
        verb, revision = command["verb"], command.get("revision")
        if revision is not None and (type(revision) is not int or revision < 0):
            return None
        if type(command.get("priority")) not in (str, type(None)):
            return None
    except (ValueError, KeyError, TypeError):
        return None
    if verb == "set_urgency" and command.get("urgency") not in ("high", "low"):
        return None
    if verb == "set_title" and type(command.get("title")) is not str:
        return None
    if verb == "escalate":
        # A person's own request has no assignees; nobody sends one here.
        users, level = command.get("assignees"), command.get("level")
        named = type(users) is list and all(type(user) is str and user for user in users)
        return command if named and type(level) is int and level >= 0 else None
    return command if verb in ("acknowledge", "resolve", "set_priority", "set_urgency", "set_title") else None


def _agent(service):
    return {"id": service.id, "type": "service_reference"}


def _event(source):
    return {"type": "event", "partition": source.partition, "offset": source.offset}


def _hidden(hidden):
    word, window = hidden
    verdict = {"outcome": "suppressed", "reason": word}
    return dict(verdict, maintenance_window=window) if window else verdict
