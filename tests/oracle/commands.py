"""Commands on random open incidents, sent through the door while the server is killed; some ids are sent again."""

import json
import random
import threading

import identity
from door import Door, Refused


class Commander:
    def __init__(self, data, follower, seed: int, per_s=40):
        self.data, self.follower, self.per_s = data, follower, per_s
        self.chance = random.Random(seed)
        self.promised, self.sent = [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self):
        while not self._stop.is_set():
            try:
                with Door(self.data, timeout=5) as door:
                    while not self._stop.wait(self.chance.expovariate(self.per_s)):
                        self._one(door)
            except (OSError, Refused):
                self._stop.wait(0.05)

    def _one(self, door):
        if self.sent and self.chance.random() < 0.2:
            command = self.chance.choice(self.sent[-50:])
        else:
            incident = self.follower.any_incident(self.chance)
            if incident is None:
                return
            command = self._make(incident)
            self.sent.append(command)
        record = {"key": command["incident"], "value": json.dumps(command)}
        door.ask("append", topic="commands", partition=identity.shard_of(command["incident"]), records=[record])
        self.promised.append(command["id"])

    def _make(self, incident: str) -> dict:
        chance = self.chance
        verb = chance.choice(["acknowledge", "acknowledge", "resolve", "set_priority", "set_urgency", "set_title"])
        command = {"v": 1, "id": f"oracle-{len(self.sent)}", "actor": {"type": "user_reference", "id": "PORACLE"},
                   "incident": incident, "verb": verb}
        if verb == "set_priority":
            command["priority"] = chance.choice(["P1", "P3", None, "PRIORP5", "P9"])
        elif verb == "set_urgency":
            command["urgency"] = chance.choice(["high", "low"])
        elif verb == "set_title":
            command["title"] = chance.choice(["renamed", "  ", "renamed twice"])
        if chance.random() < 0.2:
            command["revision"] = chance.randrange(1, 4)
        return command

    def check(self, topics, findings):
        """Every command that the door took is in the log; the oracle sees to its answer."""
        held = set()
        for partition in topics.numbers("commands"):
            held.update(json.loads(record.value).get("id") for record in topics.log("commands", partition))
        for command in self.promised:
            if command not in held:
                findings.add("lost", f"command {command} was taken and is not in the log")
