"""A reader beside the run: follows `campanile.incidents` while servers live, die and live again.

What a reader was shown must never change or vanish: it was acted upon. The follower also knows incidents to send
commands for, and the append time of the newest record of each partition, by which the harness knows that work goes on.
"""

import json
import random
import threading

from door import Door, Refused

# Records from which a follower that comes again reads once more what it was shown.
AGAIN = 50


class Shown:
    """What one reader was shown of all partitions, whoever showed it. `gaps`: offsets need not follow each other."""

    def __init__(self, shards: int, gaps=False):
        self.gaps = gaps
        self.seen = [{} for _ in range(shards)]
        self.newest = [0] * shards
        self.open, self.problems = {}, []
        self._lock = threading.Lock()

    def any_incident(self, chance: random.Random):
        """Some incident that was open when it was last seen, or None."""
        with self._lock:
            return chance.choice(list(self.open)) if self.open else None

    def moved_on(self, at: int) -> bool:
        """Whether something has come out that was appended after `at`."""
        return max(self.newest) > at

    def moved_on_everywhere(self, at: int) -> bool:
        """The same of every shard that ever gave anything."""
        return all(newest > at for newest in self.newest if newest)

    def again_from(self, partition: int) -> int:
        """Offset from which to read when coming again: what was shown must be shown again as it was."""
        offsets = list(self.seen[partition])
        return offsets[max(0, len(offsets) - AGAIN)] if offsets else 0

    def take(self, partition: int, offset: int, at: int, value: str):
        seen = self.seen[partition]
        last = next(reversed(seen), -1)
        if offset <= last:
            if seen.get(offset) != value:
                self.problems.append(f"incidents[{partition}] {offset} was {seen.get(offset)} and is {value} now")
            return
        if offset > last + 1 and not self.gaps:
            self.problems.append(f"incidents[{partition}] goes from {last} to {offset}")
        seen[offset] = value
        self.newest[partition] = max(self.newest[partition], at)
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
            for offset, value in seen.items():
                record = topics.at("incidents", partition, offset)
                if record is None or record.value.decode() != value:
                    findings.add("lost", f"incidents[{partition}] {offset} was shown to a reader and is not so: {value}")


class Follower(Shown):
    """Follows through the operator's door."""

    def __init__(self, data, shards: int):
        super().__init__(shards)
        self.data = data
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(shard,), daemon=True) for shard in range(shards)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _run(self, partition):
        while not self._stop.is_set():
            try:
                with Door(self.data, timeout=2) as door:
                    for line in door.follow("incidents", partition, self.again_from(partition)):
                        self.take(partition, line["offset"], line["at"], line["value"])
                        if self._stop.is_set():
                            return
            except (OSError, Refused, ValueError):
                self._stop.wait(0.02)
