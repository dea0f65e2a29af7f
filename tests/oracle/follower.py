"""A reader beside the run: follows `campanile.incidents` while the server lives, dies and lives again.

What a reader was shown must never change or vanish: it was acted upon. The follower also knows incidents to send
commands for, and the append time of the newest record, by which the harness knows that the server works again.
"""

import json
import random
import threading

from door import Door, Refused


class Follower:
    def __init__(self, data, shards: int):
        self.data, self.shards = data, shards
        self.seen = [[] for _ in range(shards)]
        self.open, self.newest_at = {}, 0
        self.problems = []
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(shard,), daemon=True) for shard in range(shards)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def any_incident(self, chance: random.Random):
        """Some incident that was open when it was last seen, or None."""
        with self._lock:
            return chance.choice(list(self.open)) if self.open else None

    def _run(self, partition):
        seen = self.seen[partition]
        while not self._stop.is_set():
            # Sometimes from the start again: what was shown must be shown again as it was.
            after = max(0, len(seen) - 50)
            try:
                with Door(self.data, timeout=2) as door:
                    for line in door.follow("incidents", partition, after):
                        self._take(partition, seen, line)
                        if self._stop.is_set():
                            return
            except (OSError, Refused, ValueError):
                self._stop.wait(0.02)

    def _take(self, partition, seen, line):
        value, offset = line["value"], line["offset"]
        if offset < len(seen):
            if seen[offset] != value:
                self.problems.append(f"incidents[{partition}] {offset} was {seen[offset]} and is {value} now")
            return
        if offset > len(seen):
            self.problems.append(f"incidents[{partition}] goes from {len(seen) - 1} to {offset}")
        seen.append(value)
        self.newest_at = max(self.newest_at, line["at"])
        data = json.loads(value).get("data")
        if data:
            with self._lock:
                if data["status"] == "resolved":
                    self.open.pop(data["id"], None)
                else:
                    self.open[data["id"]] = True

    def check(self, topics, findings):
        """Everything that was shown stands in the final log, where it was shown."""
        for words in self.problems:
            findings.add("wrong", words)
        for partition, seen in enumerate(self.seen):
            log = topics.log("incidents", partition)
            for offset, value in enumerate(seen):
                if offset >= len(log) or log[offset].value.decode() != value:
                    findings.add("lost", f"incidents[{partition}] {offset} was shown to a reader and is not so: {value}")
