"""Changes the organisation while the load runs: services are disabled and enabled again, time-outs and groupings move.

Each apply is an epoch; the oracle judges every commit by the epoch that its step record names.
"""

import copy
import json
import random
import threading

from door import Door, Refused

GROUPINGS = [
    None,
    {"type": "time", "config": {"timeout": 1}},
    {"type": "intelligent", "config": {"time_window": 300}},
    {"type": "content_based", "config": {"aggregate": "any", "fields": ["class", "source"], "time_window": 300}},
    {"type": "content_based_intelligent",
     "config": {"aggregate": "all", "fields": ["component"], "iag_fields": ["class"], "time_window": 600}},
]


# What a directory apply says when it refuses to move a service away from its open alerts.
MOVE_REFUSED = "would move to another shard"


class Reorganiser:
    def __init__(self, data, seed: int, every_s=1.0):
        self.data, self.every_s = data, every_s
        self.chance = random.Random(seed)
        self.applies = self.moves_refused = 0
        self.problems = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def _run(self):
        while not self._stop.wait(self.chance.expovariate(1 / self.every_s)):
            try:
                with Door(self.data, timeout=50) as door:
                    self._one(door)
            except Refused as refusal:
                # A service whose grouping takes it to another shard may not go while its alerts are open.
                if MOVE_REFUSED in str(refusal):
                    self.moves_refused += 1
                    continue
                self.problems.append(f"a directory was refused: {refusal}")
            except OSError:
                pass  # killed meanwhile: it may be applied or not, and either is right

    def _one(self, door):
        objects = [line for line in door.ask("directory")[0] if line["kind"] == "services"]
        if not objects:
            return
        chosen = self.chance.choice(objects)
        service = json.loads(chosen["json"])
        files = [dict(chosen, json=json.dumps(self._changed(service)))]
        door.ask("directory_apply", files=files)
        self.applies += 1

    def _changed(self, written: dict) -> dict:
        written = copy.deepcopy(written)
        service, chance = written["service"], self.chance
        what = chance.choice(["status", "acknowledgement_timeout", "auto_resolve_timeout", "grouping", "urgency"])
        if what == "status":
            service["status"] = "active" if service["status"] == "disabled" else "disabled"
        elif what == "grouping":
            service["alert_grouping_parameters"] = chance.choice(GROUPINGS)
        elif what == "urgency":
            service["incident_urgency_rule"] = {"type": "constant", "urgency": chance.choice(["high", "low", "severity_based"])}
        else:
            service[what] = chance.choice([None, 3, 10, 30])
        return written

    def check(self, findings):
        for words in self.problems:
            findings.add("wrong", words)
