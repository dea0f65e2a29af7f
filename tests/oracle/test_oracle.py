#!/usr/bin/env python3
"""The oracle judged: small ledgers made by hand must pass, and each way of breaking one must be found."""

import copy
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import compare
import directory
import events
import identity
import journal
import moments
import murmur2
import oracle
import state
import topics as topics_

LEDGER, KEY, FAR_KEY = 0xABC, "k" * 32, "f" * 32
T0 = 1_790_000_000_000
CONTENT = {"type": "content_based", "config": {"aggregate": "all", "fields": ["class"], "time_window": 300}}


def service(key, **more):
    return {"service": {
        "name": "web", "status": "active", "escalation_policy": {"id": "PPOL"}, "auto_resolve_timeout": 600,
        "acknowledgement_timeout": 60, "incident_urgency_rule": {"type": "constant", "urgency": "severity_based"},
        "alert_grouping_parameters": CONTENT, "priority_by_severity": {"critical": "P1"},
        "integrations": [{"id": "PINT", "name": "it", "integration_key": key}], **more}}


def event(action="trigger", dedup_key="disk", severity="critical", key=KEY, class_="io", **more):
    body = {"routing_key": key, "event_action": action, "dedup_key": dedup_key}
    if action == "trigger":
        body["payload"] = {"summary": f"{dedup_key} is full", "source": "db-1", "severity": severity, "class": class_}
    return json.dumps({**body, **more})


class Ledger:
    """A hand-made export. Of two shards, `PAPI` lives on the second."""

    def __init__(self, shards=1, **more):
        self.lines, self.offsets, self.seqs, self.next = [], {}, {}, {}
        self.shards = shards
        self.put("directory", 0, T0, "escalation_policy/PPOL", json.dumps({"escalation_policy": {"name": "on call"}}))
        for id_, name in (("PANN", "Ann"), ("PBOB", "Bob")):
            self.put("directory", 0, T0, f"user/{id_}", json.dumps({"user": {"name": name}}))
        self.put("directory", 0, T0, "service/PWEB", json.dumps(service(KEY, **more)))
        self.put("directory", 0, T0, "service/PAPI", json.dumps(service(FAR_KEY)))
        self.put("directory", 0, T0, "~epoch", '{"v":1,"epoch":1}')

    def put(self, topic, partition, at, key, value, headers=None):
        offset = self.offsets.get((topic, partition), 0)
        self.offsets[topic, partition] = offset + 1
        self.lines.append({"topic": f"campanile.{topic}", "partition": partition, "offset": offset, "at": at, "key": key,
                           "value": value, "headers": headers or {}})
        return offset

    def step(self, runs, now, serial, out_seq, shard=0, epoch=1):
        next_ = self.next.setdefault(shard, {"main": 0, "hop": 0, "door": 0})
        for lane, first, *count in (run for run in runs if run[0] != "timer"):
            next_[lane] = first + count[0]
        self.seqs[shard] = self.seqs.get(shard, 0) + 1
        self.put("steps", shard, now, str(self.seqs[shard]), json.dumps({
            "v": 1, "seq": self.seqs[shard], "now": now, "epoch": epoch, "serial": serial, "out_seq": out_seq,
            "next": [next_["main"], next_["hop"], next_["door"]], "runs": runs}))

    def judge(self):
        read = topics_.read(json.dumps(line) for line in self.lines)
        findings = compare.Findings()
        return oracle.check(read, shards=self.shards, ledger=LEDGER, findings=findings)

    def fill(self):
        """Writes what must come out, as the oracle itself expects it: the tests below pin its main points by hand."""
        _, ended = self.judge()
        for shard in ended:
            for topic, stream in (("incidents", shard.incidents), ("alerts", shard.alerts)):
                for record in stream.rest:
                    record = copy.deepcopy(record)
                    if "data" in record:
                        for link in ("self", "html_url"):
                            record["data"][link] = "http://127.0.0.1:8080" + record["data"][link]
                    self.put(topic, shard.shard, T0, "id", json.dumps(record))
            for reason, stage, position, key, value in shard.dead_letters.rest:
                self.put("dead-letters", shard.shard, T0, key.decode(), value.decode(), {
                    "campanile-reason": reason, "campanile-stage": stage, "campanile-position": position})
        return self

    def values(self, topic):
        return [json.loads(line["value"]) for line in self.lines if line["topic"] == f"campanile.{topic}"]

    def drop(self, topic, at):
        """Takes a record away and closes the gap, as a log that never held it would look."""
        mine = [line for line in self.lines if line["topic"] == f"campanile.{topic}"]
        self.lines.remove(mine[at])
        for line in mine[at + 1:] if at >= 0 else []:
            line["offset"] -= 1

    def repeat(self, topic, at):
        line = next(line for line in self.lines if line["topic"] == f"campanile.{topic}" and line["offset"] == at)
        self.put(topic, line["partition"], line["at"], line["key"], line["value"], line["headers"])

    def swap(self, topic, one, other):
        mine = {line["offset"]: line for line in self.lines if line["topic"] == f"campanile.{topic}"}
        mine[one]["value"], mine[other]["value"] = mine[other]["value"], mine[one]["value"]

    def edit(self, topic, at, change):
        line = [line for line in self.lines if line["topic"] == f"campanile.{topic}"][at]
        value = json.loads(line["value"])
        change(value)
        line["value"] = json.dumps(value)


def incident_life():
    """A trigger, its repeat, one that joins, an acknowledgement that runs out, a command, bad bytes, and the end."""
    it = Ledger()
    for at, value in [(0, event()), (1000, event()), (2000, event(dedup_key="cpu", severity="info")),
                      (3000, event("acknowledge")), (4000, "{"), (70_000, event("resolve"))]:
        it.put("events", 0, T0 + at, KEY, value)
    incident = identity.derive(LEDGER, 0, 2)
    it.put("commands", 0, T0 + 71_000, incident, json.dumps({
        "v": 1, "id": "c1", "actor": {"type": "user_reference", "id": "PANN"}, "incident": incident, "verb": "set_title",
        "title": "database"}))
    it.put("commands", 0, T0 + 72_000, incident, json.dumps({
        "v": 1, "id": "c1", "actor": {"type": "user_reference", "id": "PANN"}, "incident": incident, "verb": "set_title",
        "title": "database"}))
    number = f"{identity.number_of(incident):x}"
    it.step([["main", 0, 5]], T0 + 4000, 3, 2)
    it.step([["timer", "acknowledgement_timeout", number, T0 + 63_000, T0 + 63_000], ["main", 5, 1]], T0 + 70_000, 3, 3)
    it.step([["door", 0, 2]], T0 + 70_000, 3, 5)
    it.step([["timer", "auto_resolve", number, T0 + 600_000, T0 + 600_000]], T0 + 600_000, 3, 6)
    return it.fill()


def ladder_steps():
    """A step of the notifier's ladder, the next one, and one that comes after an acknowledgement."""
    it = Ledger()
    it.put("events", 0, T0, KEY, event())
    incident = identity.derive(LEDGER, 0, 2)
    actor = {"type": "escalation_policy_reference", "id": "PPOL"}
    for nth, (verb, users) in enumerate([("escalate", ["PANN"]), ("escalate", ["PBOB", "PBOB"]), ("escalate", ["PGONE"]),
                                         ("acknowledge", None), ("escalate", ["PANN"])]):
        command = {"v": 1, "id": f"step-{nth}", "actor": actor, "incident": incident, "verb": verb}
        if users:
            command |= {"assignees": users, "level": nth + 1, "lap": 0}
        it.put("commands", 0, T0 + 1000 + nth, incident, json.dumps(command))
    it.step([["main", 0, 1]], T0, 2, 1)
    it.step([["door", 0, 5]], T0, 2, 6)
    return it.fill()


class Judging(unittest.TestCase):
    def check(self, ledger, **counts):
        findings, ended = ledger.judge()
        for kind in compare.KINDS:
            expected = counts.get(kind.replace(" ", "_"), 0)
            if expected is not None:
                self.assertEqual(findings.counts[kind], expected, findings.words)
        return ended

    def found(self, ledger, kind):
        findings, _ = ledger.judge()
        self.assertGreater(findings.counts[kind], 0, findings.line())

    def test_a_whole_life_passes_and_reads_as_documented(self):
        it = incident_life()
        ended = self.check(it)
        self.assertEqual(state.open_things(ended), ([], []))
        records = it.values("incidents")
        self.assertEqual([record["event_type"] for record in records], [
            "incident.triggered", "incident.acknowledged", "incident.unacknowledged", "incident.title_updated",
            "command.applied", "incident.resolved"])
        self.assertEqual([record["out_seq"] for record in records], [1, 2, 3, 4, 5, 6])
        self.assertEqual(records[0]["data"]["priority"]["id"], "PRIORP1")
        self.assertEqual(records[0]["data"]["urgency"], "high")
        self.assertEqual(records[5]["alert_keys"], ["cpu"])
        self.assertEqual(records[5]["data"]["alert_counts"], {"all": 2, "triggered": 0, "resolved": 2})
        self.assertTrue(records[4]["repeated"])
        alerts = it.values("alerts")
        self.assertEqual([(alert["alert_key"], alert["status"], alert["count"]) for alert in alerts], [
            ("disk", "triggered", 2), ("cpu", "triggered", 1), ("disk", "resolved", 2), ("cpu", "resolved", 1)])
        self.assertEqual(alerts[1]["verdict"], {"outcome": "grouped", "grouping": "content_based"})
        self.assertEqual(it.lines[-1]["headers"]["campanile-position"], f"campanile.events;0;4;{T0 + 4000}")

    def test_a_step_assigns_the_next_escalates_and_an_acknowledged_incident_refuses_it(self):
        it = ladder_steps()
        self.check(it)
        records = it.values("incidents")
        self.assertEqual([(record["event_type"], record.get("reason")) for record in records], [
            ("incident.triggered", None), ("incident.assigned", None), ("incident.escalated", None),
            ("command.refused", "unknown_user"), ("incident.acknowledged", None), ("command.refused", "acknowledged")])
        self.assertEqual([user["summary"] for user in records[2]["data"]["assignees"]], ["Bob"])
        self.assertEqual(records[2]["data"]["escalation_level"], 2)
        it.edit("incidents", 2, lambda value: value["data"]["assignees"].clear())
        self.found(it, "wrong")

    def test_a_record_that_is_missing_is_lost(self):
        for topic, at in (("incidents", 5), ("alerts", 3), ("dead-letters", 0)):
            it = incident_life()
            it.drop(topic, at)
            self.check(it, lost=1)

    def test_a_missing_record_in_the_middle_is_lost_once(self):
        it = incident_life()
        it.drop("incidents", 2)
        self.check(it, lost=1, wrong=1)  # and out_seq has a gap

    def test_a_record_that_comes_twice_is_duplicated(self):
        for topic in ("alerts", "dead-letters"):
            it = incident_life()
            it.repeat(topic, 0)
            self.check(it, duplicated=1)
        it = incident_life()
        it.repeat("incidents", 3)
        self.found(it, "duplicated")

    def test_records_that_cross_are_out_of_order(self):
        it = incident_life()
        it.swap("alerts", 0, 1)
        self.check(it, out_of_order=1)
        it = incident_life()
        it.swap("incidents", 1, 2)
        self.found(it, "out of order")

    def test_content_that_differs_is_wrong(self):
        it = incident_life()
        it.edit("incidents", 0, lambda value: value["data"].update(urgency="low"))
        self.check(it, wrong=1)
        it = incident_life()
        it.edit("alerts", 0, lambda value: value.update(severity="error"))
        self.check(it, wrong=1)

    def test_inputs_consumed_twice_are_duplicated_and_skipped_ones_lost(self):
        it = incident_life()
        it.edit("steps", 1, lambda value: value["runs"][1].__setitem__(slice(1, 3), [4, 2]))
        self.found(it, "duplicated")
        it = incident_life()
        it.edit("steps", 0, lambda value: value["runs"][0].__setitem__(2, 4))
        self.found(it, "lost")

    def test_inputs_that_nobody_consumed_are_lost(self):
        it = incident_life()
        it.put("events", 0, T0 + 700_000, KEY, event())
        self.check(it, lost=1)

    def test_a_commit_that_is_missing_or_comes_twice_is_found(self):
        it = incident_life()
        it.drop("steps", 1)
        self.found(it, "lost")
        it = incident_life()
        it.repeat("steps", 3)
        self.found(it, "duplicated")

    def test_a_timer_that_did_not_fire_in_its_turn_is_out_of_order(self):
        it = incident_life()
        it.edit("steps", 1, lambda value: value["runs"].reverse())
        self.found(it, "out of order")
        it = incident_life()
        it.edit("steps", 3, lambda value: value["runs"][0].__setitem__(3, T0 + 599_000))
        self.found(it, "out of order")

    def test_an_event_from_before_a_fired_timer_is_out_of_order(self):
        it = incident_life()
        it.put("events", 0, T0 + 80_000, KEY, event("resolve"))
        it.step([["main", 6, 1]], T0 + 600_000, 3, 6)
        self.check(it, out_of_order=1)

    def test_a_standing_that_is_not_so_is_wrong(self):
        for field in ("now", "serial", "out_seq"):
            it = incident_life()
            it.edit("steps", 3, lambda value: value.update({field: value[field] + 1}))
            self.found(it, "wrong")

    def test_rows_that_differ_from_what_was_decided_are_found(self):
        it = incident_life()
        read = topics_.read(json.dumps(line) for line in it.lines)
        _, ended = oracle.check(read, shards=1, ledger=LEDGER, rows_at={0: 2})
        lines = [{"shard": 0, "committed_seq": 2}]
        for kind, things in ended[0].rows.items():
            if kind == "members":
                lines.append({"shard": 0, "kind": kind, "value": {"members": [{"alert": it} for it in things]}})
            else:
                lines.extend({"shard": 0, "kind": kind, "value": json.loads(thing)} for thing in things)
        for change, expected in (({}, 0), ({"count": 7}, 2)):
            for line in lines:
                if line.get("kind") == "alert":
                    line["value"].update(change)
            findings = compare.Findings()
            state.Rows(json.dumps(line) for line in lines).compare(ended, findings)
            self.assertEqual(sum(findings.counts.values()), expected, findings.words)

    def test_an_id_of_another_serial_is_no_id_of_ours(self):
        it = incident_life()
        it.edit("alerts", 1, lambda value: value.update(id=identity.derive(LEDGER, 0, 9)))
        self.check(it, lost=1, duplicated=1)

    def test_the_log_itself_must_be_in_order(self):
        it = incident_life()
        it.lines[6]["at"] = T0 - 1
        self.found(it, "out of order")


class Letting(unittest.TestCase):
    """An acknowledgement whose service has lost its time-out leaves a timer that nobody wants."""

    def make(self, *late):
        it = Ledger()
        without = service(KEY)
        without["service"].update(acknowledgement_timeout=None, auto_resolve_timeout=None)
        for at, action in ((0, "trigger"), (1000, "acknowledge"), (2000, "acknowledge"), (3000, "resolve")):
            it.put("events", 0, T0 + at, KEY, event(action))
        it.step([["main", 0, 2]], T0 + 1000, 2, 2)
        it.put("directory", 0, T0, "services/PWEB", json.dumps(without))
        it.put("directory", 0, T0, "~epoch", '{"v":1,"epoch":2}')
        it.step([["main", 2, 1]], T0 + 2000, 2, 2, epoch=2)
        timer = ["timer", "acknowledgement_timeout", f"{identity.number_of(identity.derive(LEDGER, 0, 2)):x}",
                 T0 + 61_000, T0 + 61_000]
        for run in late:
            runs, now = ([["main", 3, 1]], T0 + 3000) if run == "resolve" else ([timer], T0 + 61_000)
            it.step(runs, now, 2, 3 if "resolve" in late[:late.index(run) + 1] else 2, epoch=2)
        return it.fill()

    def test_it_may_be_taken_away(self):
        findings, _ = self.make("resolve").judge()
        self.assertTrue(findings.clean, findings.words)

    def test_after_the_end_of_its_incident_it_must_not_fire(self):
        findings, _ = self.make("resolve", "timer").judge()
        self.assertIn("TR-7", findings.words[0])


class Homes(unittest.TestCase):
    def make(self):
        it = Ledger(shards=2)
        self.assertEqual(murmur2.home("PAPI", 2), 1)
        for at, action in ((0, "trigger"), (1000, "resolve"), (2000, "resolve")):
            it.put("events", 0, T0 + at, FAR_KEY, event(action, key=FAR_KEY))
        it.step([["main", 0, 3]], T0 + 2000, 0, 0)
        for at, offset in ((0, 0), (1000, 1), (2000, 2)):
            value = next(line["value"] for line in it.lines
                         if line["topic"] == "campanile.events" and line["offset"] == offset)
            it.put("triage", 1, T0 + 5000, FAR_KEY, value, {"campanile-source": f"0;{offset};{T0 + at};1"})
        it.step([["hop", 0, 3]], T0 + 2000, 2, 2, shard=1)
        due = T0 + 2000 + 600_000
        it.step([["timer", "tombstone_expiry", "123abc", due, due]], due, 2, 2, shard=1)
        return it.fill()

    def test_a_forwarded_event_is_judged_at_home_at_its_first_time(self):
        it = self.make()
        findings, _ = it.judge()
        self.assertTrue(findings.clean, findings.words)
        self.assertEqual([record["occurred_at"] for record in it.values("incidents")],
                         [moments.rfc3339(T0), moments.rfc3339(T0 + 1000)])

    def test_hops_lost_and_duplicated_are_found(self):
        it = self.make()
        it.drop("triage", 2)
        findings, _ = it.judge()
        self.assertGreater(findings.counts["lost"], 0)
        it = self.make()
        it.repeat("triage", 1)
        findings, _ = it.judge()
        self.assertGreater(findings.counts["duplicated"], 0)

    def test_a_trigger_that_its_resolve_overtook_stays_quiet(self):
        it = Ledger(shards=2)
        it.put("triage", 1, T0 + 5000, FAR_KEY, event("resolve", key=FAR_KEY), {"campanile-source": f"0;7;{T0 + 7};1"})
        it.put("triage", 1, T0 + 5000, FAR_KEY, event(key=FAR_KEY), {"campanile-source": f"0;6;{T0 + 6};1"})
        it.step([["hop", 0, 2]], T0 + 7, 1, 0, shard=1)
        it.fill()
        self.assertEqual([alert["verdict"] for alert in it.values("alerts")], [{"outcome": "overtaken"}])
        self.assertEqual(it.values("incidents"), [])


class Suppressing(unittest.TestCase):
    def test_a_hidden_alert_is_promoted_when_nothing_hides_it(self):
        it = Ledger()
        # The window comes before the end of the apply.
        it.lines.pop()
        it.offsets["directory", 0] -= 1
        window = {"maintenance_window": {"start_time": moments.rfc3339(T0), "end_time": moments.rfc3339(T0 + 5000),
                                         "services": [{"id": "PWEB"}]}}
        it.put("directory", 0, T0, "maintenance_windows/PMW", json.dumps(window))
        it.put("directory", 0, T0, "~epoch", '{"v":1,"epoch":1}')
        for at in (0, 1000, 5000):
            it.put("events", 0, T0 + at, KEY, event())
        it.step([["main", 0, 2]], T0 + 1000, 1, 0)
        it.step([["main", 2, 1]], T0 + 5000, 2, 1)
        it.fill()
        findings, _ = it.judge()
        self.assertTrue(findings.clean, findings.words)
        self.assertEqual([alert["suppressed"] for alert in it.values("alerts")], [True, False])
        self.assertEqual(it.values("alerts")[0]["verdict"],
                         {"outcome": "suppressed", "reason": "maintenance", "maintenance_window": "PMW"})


class Reading(unittest.TestCase):
    def test_verdicts_where_json_leaves_them_open(self):
        good = event()
        cases = {
            "\ufeff" + good: None,
            good + " x": "unparseable",
            "[]": "unparseable",
            "": "unparseable",
            event(n=18446744073709551615): None,
            event(n=18446744073709551616): "unparseable",
            event(n=-9223372036854775809): "unparseable",
            good[:-1] + ',"n":1e400}': "unparseable",
            good[:-1] + ',"n":NaN}': "unparseable",
            good[:-1] + ',"n":"\\ud800"}': "unparseable",
            good[:-1] + ',"n":"\\ud83d\\ude00"}': None,
            good[:-1] + ',"n":' + "[" * 63 + "]" * 63 + "}": None,
            good[:-1] + ',"n":' + "[" * 64 + "]" * 64 + "}": "unparseable",
            event(dedup_key="x" * 255): None,
            event(dedup_key="x" * 256): "invalid",
            event("resolve", dedup_key=" "): "invalid",
            event(dedup_key=" "): None,
            event(dedup_key=7): "invalid",
            event(key="k" * 31): "invalid",
            event("closed"): "invalid",
            event(severity="fatal"): "invalid",
            event("resolve", payload=7): None,
            event(pad="x" * 524288): "too_large",
        }
        for text, expected in cases.items():
            found = events.read(text.encode())
            self.assertEqual(found if type(found) is str else None, expected, text[:120])
        self.assertEqual(events.read(b'{"a":"\xff"}'), "unparseable")

    def test_a_long_summary_is_cut_and_marked(self):
        body = json.loads(event())
        body["payload"]["summary"] = "x" * 1025
        found = events.read(json.dumps(body).encode())
        self.assertEqual((len(found.summary), found.summary[-1]), (1024, "…"))
        self.assertTrue(found.stored_body()["summary_cut"])

    def test_details_are_compared_as_written(self):
        text = ('{"routing_key":"%s","event_action":"trigger","payload":{"summary":"s","source":"s","severity":"info",'
                '"custom_details":{"a":{"n":1.50,"t":true,"s":"x","o":{ "k" : [1, "a b"] },"z":null}}}}' % KEY)
        found = events.read(text.encode())
        for name, expected in (("n", "1.50"), ("t", "true"), ("s", "x"), ("o", '{"k":[1,"a b"]}'), ("z", None), ("q", None)):
            self.assertEqual(found.detail(["a", name]), expected)


class Words(unittest.TestCase):
    def test_murmur2_is_kafkas(self):
        # Source: Apache Kafka, UtilsTest.testMurmur2, made non-negative.
        known = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
                 "a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
                 "abc": 479470107}
        for text, expected in known.items():
            self.assertEqual(murmur2.murmur2(text.encode()), expected & 0x7FFFFFFF)

    def test_ids_are_read_and_written(self):
        text = identity.derive(LEDGER, 3, 41)
        self.assertEqual((len(text), text[0]), (14, "Q"))
        self.assertEqual((identity.ledger_bits(text), identity.shard_of(text)), (LEDGER, 3))
        self.assertEqual(identity.show(identity.number_of(text)), text)
        self.assertIsNone(identity.number_of("QIIIIIIIIIIIII"))

    def test_support_hours_stand_in_their_zone_over_a_change_of_offset(self):
        hours = moments.SupportHours({"time_zone": "America/New_York", "days_of_week": [7], "start_time": "02:30:00",
                                      "end_time": "17:00:00"})
        before = moments.instant("2026-03-08T05:00:00Z")
        # 02:30 does not exist that day: the gap ends at 03:00 local, 07:00 UTC.
        self.assertEqual(hours.next_after(before, hours.start), moments.instant("2026-03-08T07:00:00Z"))
        self.assertTrue(hours.cover(moments.instant("2026-03-08T07:00:00Z")))
        self.assertFalse(hours.cover(moments.instant("2026-03-08T21:00:00Z")))

    def test_groupings_of_both_apis_are_one(self):
        own = directory.Grouping({"type": "time", "config": {"timeout": 5}}, minutes=True)
        shared = directory.Grouping({"type": "time", "config": {"timeout": 300}}, minutes=False)
        self.assertTrue(own.same_as(shared))

    def test_a_promise_that_was_not_kept_is_lost(self):
        it = Ledger()
        it.put("events", 0, T0, KEY, event(dedup_key="a", event=5))
        it.put("events", 0, T0, KEY, '{"event":9,"cut')
        read = topics_.read(json.dumps(line) for line in it.lines)
        answers = [(5, {"status": 202}), (6, {"status": 202}), (7, {"status": "lost", "reason": "gone"}),
                   (9, {"status": "done", "partition": 0, "offset": 1}),
                   (9, {"status": "done", "partition": 0, "offset": 2})]
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as sent:
            for number, answer in answers:
                sent.write(json.dumps({"send": number, "try": 1, "key": KEY, "dedup_key": "a"}) + "\n")
                sent.write(json.dumps({"answer": number, "try": 1, **answer}) + "\n")
            sent.write('{"send')
            sent.flush()
            findings = compare.Findings()
            self.assertEqual(journal.match([sent.name], read, findings), 2)
        self.assertEqual(findings.counts["lost"], 2)


if __name__ == "__main__":
    unittest.main()
