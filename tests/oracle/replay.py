"""One shard again, from its inputs and its step records: what each commit consumed, and in which order.

The step records say *when* the shard did something; whether it might, and what came of it, is judged here.
"""

import json

import commits
import identity
import state
from compare import Stream
from timers import TIMER_WORDS, URGENCY_RISE
from triage import Source, Triage

LANES = ("main", "hop", "door")
TOPICS = {"main": "events", "hop": "triage", "door": "commands"}
# Beyond every offset.
END = 1 << 63


class Shard:
    """Replays a shard. `forwarded` takes what it sends on: (home, source partition, source offset, at,
    hops, key, value, minted dedup key). `rows_at`: the commit at which `rows` are kept, to be compared with the ledger's."""

    def __init__(self, topics, shard: int, ledger: int, snapshots: dict, findings, forwarded: list, rows_at=None):
        self.rows_at, self.rows = rows_at, None
        self.topics, self.shard, self.snapshots, self.findings = topics, shard, snapshots, findings
        self.forwarded = forwarded
        self.triage = Triage(ledger, shard, self)
        self.next = dict.fromkeys(LANES, 0)
        self.now = self.fired_until = self.out_seq = self.seq = 0
        # Commits that only claimed the shard: they consume nothing and note no step.
        self.claims = commits.claims(topics, shard)
        # Inputs that were judged at another time than their own: they claimed to come from the future.
        self.clamped = {}
        self.panicked = _panicked(topics.log("dead-letters", shard))
        self.incidents = Stream(f"incidents[{shard}]", _incidents(topics.log("incidents", shard)), _incident_identity,
                                _same_incident, findings)
        self.alerts = Stream(f"alerts[{shard}]", _decoded(topics.log("alerts", shard)), _alert_identity, _same_alert,
                             findings)
        dead = [_dead_letter(record) for record in topics.log("dead-letters", shard)]
        self.dead_letters = Stream(f"dead-letters[{shard}]", [it for it in dead if it[1] != "gateway"],
                                   lambda it: it[2], _same, findings)

    # The sink of the judge

    def incident(self, record: dict):
        self.out_seq += 1
        record["out_seq"] = self.out_seq
        self.incidents.expect(record)

    def forward(self, record, source, home):
        self.forwarded.append((home, *source.place, source.hops + 1, *sent_on(record)))

    def dead(self, record, source, reason, stage):
        topic = "commands" if reason == "bad_command" else "events"
        position = f"campanile.{topic};{source.partition};{source.offset};{source.at}"
        self.dead_letters.expect((reason, stage, position, record.key, record.value))

    # Commits

    def run(self):
        for record in self.topics.log("steps", self.shard):
            self._commit(json.loads(record.value))
        for stream in (self.incidents, self.alerts, self.dead_letters):
            stream.finish()
        for lane, topic in TOPICS.items():
            left = self.topics.between(topic, self.shard, self.next[lane], END)
            self.findings.add("lost", f"shard {self.shard}: {left} inputs of {topic} from offset {self.next[lane]} were "
                              "never consumed", left)
        self._check_out_seq()

    def _commit(self, step: dict):
        where = f"shard {self.shard}, commit {step['seq']}"
        due = self.seq + 1
        while due in self.claims:
            due += 1
        if step["seq"] != due and (self.seq or self.claims):
            kind = "lost" if step["seq"] > due else "duplicated"
            self.findings.add(kind, f"{where} follows commit {self.seq}")
        self.seq = step["seq"]
        snapshot = self.snapshots.get(step["epoch"])
        if snapshot is None or (self.triage.directory and snapshot.epoch < self.triage.directory.epoch):
            self.findings.add("wrong", f"{where} has epoch {step['epoch']}, which is not there or runs back")
        self.triage.directory = snapshot or self.triage.directory or self.snapshots[0]
        for run in step["runs"]:
            if run[0] == "timer":
                self._timer(where, *run[1:])
            elif run[0] == "clamped":
                self.clamped[run[1], run[2]] = run[3]
            else:
                self._lane(where, *run)
        for alert in self.triage.commit():
            self.alerts.expect(alert)
        self._check_standing(where, step)
        if step["seq"] == self.rows_at:
            self.rows = state.rows_of(self.triage)

    def _check_standing(self, where, step):
        said = (step["now"], step["serial"], step["out_seq"])
        found = (self.now, self.triage.serial, self.out_seq)
        for name, says, is_ in zip(("now", "serial", "out_seq"), said, found):
            if says != is_:
                self.findings.add("wrong", f"{where}: {name} is {says}, expected {is_}")
        for lane, says in zip(LANES, step["next"]):
            if says > self.next[lane]:
                words = f"{where}: {lane} stands at {says}, only what is below {self.next[lane]} was judged"
                self.findings.add("lost", words, says - self.next[lane])
            elif says < self.next[lane]:
                self.findings.add("wrong", f"{where}: {lane} stands at {says}, expected {self.next[lane]}")
        # Go on from what the record says, or one fault would be told again at every commit.
        self.now = step["now"]
        self.triage.serial, self.out_seq = step["serial"], step["out_seq"]
        self.next = dict(zip(LANES, step["next"]))

    def _check_out_seq(self):
        for place, record in enumerate(self.incidents.actual, 1):
            if record.get("out_seq") != place:
                self.findings.add("wrong", f"incidents[{self.shard}]: out_seq {record.get('out_seq')} in place {place}")
                return

    def _timer(self, where, word, thing, due, at):
        kind, number = TIMER_WORDS[word], int(thing, 16)
        first = self.triage.timers.first()
        ours = first and first[:2] == (due, kind)
        if ours and kind <= URGENCY_RISE:
            ours = first[2] == identity.show(number)
        idle = kind, identity.show(number)
        if not ours and self.triage.timers.idle.get(idle) != due:
            words = f"{where}: timer {word} of {thing} due {due} fired, expected {first}"
            if kind <= URGENCY_RISE and self.triage.is_closed(identity.show(number)):
                words += ": its incident is closed and must own no timer (TR-7)"
            self.findings.add("out of order", words)
            self.now = max(self.now, due)
            return
        if at != max(self.now, due):
            self.findings.add("wrong", f"{where}: timer {word} due {due} fired at {at}, expected {max(self.now, due)}")
        self.now = max(self.now, due)
        self.fired_until = max(self.fired_until, due)
        if ours:
            self.triage.fire(kind, first[2], self.now)
        else:
            self.triage.timers.clear(*idle)

    def _lane(self, where, lane, first, count):
        due = self.next[lane]
        if first > due:
            skipped = self.topics.between(TOPICS[lane], self.shard, due, first) if self.topics.gaps else first - due
            self.findings.add("lost", f"{where}: {lane} goes on at {first}, {due} to {first - 1} were skipped", skipped)
        elif first < due:
            again = min(count, due - first)
            self.findings.add("duplicated", f"{where}: {lane} consumes {first} to {first + again - 1} again", again)
            first, count = first + again, count - again
        log, place = self.topics.log(TOPICS[lane], self.shard), self.topics.place(TOPICS[lane], self.shard, first)
        for offset in range(first, first + count):
            if place < len(log) and log[place].offset == offset:
                self._input(where, lane, log[place])
                place += 1
            else:
                self.findings.add("lost", f"{where}: input {lane} {offset} was consumed and is not in the log")
        self.next[lane] = max(due, first + count)

    def _input(self, where, lane, record):
        if lane == "door":
            source = Source(self.shard, record.offset, record.at, 0)
            # The door sees the later of log time and its own, and does not move log time.
            self.triage.command(record, source, max(self.now, self.clamped.pop((lane, record.offset), record.at)))
            return
        if lane == "main":
            source = Source(self.shard, record.offset, record.at, 0)
            if record.at < self.fired_until:
                self.findings.add("out of order", f"{where}: main {record.offset} at {record.at} comes after a timer due "
                                  f"{self.fired_until} had fired")
        else:
            source = record.source()
            if source is None:
                self.findings.add("wrong", f"{where}: hop {record.offset} has no source")
                return
            source = Source(*source)
        at = self.clamped.pop((lane, record.offset), source.at)
        if at > source.at:
            self.findings.add("wrong", f"{where}: {lane} {record.offset} at {source.at} was judged later, at {at}")
        first = self.triage.timers.first()
        if first and first[0] <= at:
            self.findings.add("out of order", f"{where}: {lane} {record.offset} at {at} was judged before the "
                              f"timer {first} that was due")
        self.now = max(self.now, at)
        if (lane, record.offset) in self.panicked:
            self.findings.add("wrong", f"{where}: the machine panicked on {lane} {record.offset}")
            self.dead_letters.expect(self.panicked[lane, record.offset])
            return
        self.triage.event(record, source, self.now)


def sent_on(record) -> tuple:
    """What a forwarded event must carry just as it came."""
    return record.key, record.value, record.headers.get("campanile-dedup-key")


def _decoded(log):
    return [json.loads(record.value) for record in log]


def _incidents(log):
    """Of the two links only the end is ours to know: where people reach the server is its own business."""
    records = _decoded(log)
    for record in records:
        for link in ("self", "html_url") if "data" in record else ():
            written = str(record["data"].get(link))
            record["data"][link] = written[written.find("/incidents/"):]
    return records


def _dead_letter(record):
    headers = record.headers
    return (headers.get("campanile-reason"), headers.get("campanile-stage"), headers.get("campanile-position"),
            record.key, record.value)


def _panicked(log) -> dict:
    """Dead letters of inputs that no judge survived, by lane and offset."""
    found = {}
    for letter in map(_dead_letter, log):
        if letter[0] == "panicked":
            topic, _, offset, _ = letter[2].split(";")
            lane = {name: lane for lane, name in TOPICS.items()}[topic.removeprefix("campanile.")]
            found[lane, int(offset)] = letter
    return found


def _incident_identity(record):
    if record["event_type"].startswith("command."):
        return "answer", record["cause"]["command"], record["repeated"]
    return record["data"]["id"], record["revision"]


def _alert_identity(record):
    return record["id"], record["status"], record["count"]


def _same(expected, actual, whole=True):
    return expected == actual


def _same_alert(expected, actual, whole=True):
    return expected == actual


def _same_incident(expected, actual, whole=True):
    """`whole`: the number in the partition too."""
    return expected == (actual if whole else dict(actual, out_seq=expected["out_seq"]))
