"""Rolling restarts of all processors under load, and takeovers from dead ones: how long each partition stands idle.

Idle is the time between two commits of a shard that consumed something, so it counts the end of the old process, the start
of the new, the claim, and the first work. Only shards of the processor that was restarted or killed are counted. Source:
reliability, T16.
"""

import statistics
import threading
import time

from confluent_kafka import Consumer, TopicPartition

import commits
import kafka_log
from kafka_cluster import SESSION_S

MEDIAN_MAX_S, WORST_MAX_S = 3.0, 6.0
TAKEOVER_MAX_S = SESSION_S + 2.0
IDLE_WAIT_S = 60


class Rolling:
    def __init__(self, house, chance):
        self.house = house
        self.idles, self.takeovers, self.rounds = [], [], 0

    def run(self, count: int, findings):
        pace = Pace(self.house.cluster)
        pace.start()
        for _ in range(count):
            for processor in self.house.processors:
                self.idles += self._restart(processor, pace, findings)
            self.rounds += 1
        for nth in range(count):
            self.takeovers += self._take_over(self.house.processors[nth % len(self.house.processors)], pace)
        pace.stop()
        if statistics.median(self.idles) > MEDIAN_MAX_S or max(self.idles) > WORST_MAX_S:
            findings.add("wrong", f"partitions were idle too long: {self._idle()}; wanted a median of {MEDIAN_MAX_S} s and at "
                         f"worst {WORST_MAX_S} s")
        if max(self.takeovers) > TAKEOVER_MAX_S:
            findings.add("wrong", f"a takeover took {max(self.takeovers):.1f} s; wanted {TAKEOVER_MAX_S} s")

    def _own(self, processor) -> list:
        self.house.wait_for_owners()
        return [shard for shard, it in self.house.cluster.committed().items() if it.owner == processor.name]

    def _restart(self, processor, pace, findings) -> list:
        own, began = self._own(processor), time.time()
        if (code := processor.end()) != 0:
            findings.add("wrong", f"SIGTERM of {processor.name}: exit code {code}:\n{processor.tail()}")
        ended = time.time()
        processor.start()
        idles = pace.idle_after(own, began)
        print(f"restart of {processor.name} with {len(own)} shards: ended in {ended - began:.1f} s, idle "
              f"{' '.join(f'{idle_s:.1f}' for idle_s in sorted(idles))} s", flush=True)
        return idles

    def _take_over(self, processor, pace) -> list:
        own, began = self._own(processor), time.time()
        processor.kill()
        idles = pace.idle_after(own, began)
        print(f"kill of {processor.name} with {len(own)} shards: taken over after "
              f"{' '.join(f'{idle_s:.1f}' for idle_s in sorted(idles))} s", flush=True)
        processor.start()
        return idles

    @property
    def injected(self) -> int:
        return self.rounds * len(self.house.processors)

    @property
    def longest_gap_s(self) -> float:
        return max(self.idles, default=0.0)

    def _idle(self) -> str:
        if not self.idles:
            return "nothing was measured"
        return f"median {statistics.median(self.idles):.1f} s, worst {max(self.idles):.1f} s over {len(self.idles)} shards"

    @property
    def note(self) -> str:
        return f"idle {self._idle()}; takeover after kill -9 at most {max(self.takeovers, default=0):.1f} s"

    def told(self) -> str:
        return f"rolling restarts {self.rounds} of {len(self.house.processors)} processors: {self.note}"


class Pace:
    """When each shard last consumed something, read from the changelog as it grows."""

    def __init__(self, cluster):
        self.cluster, self.times = cluster, [[] for _ in range(cluster.shards)]
        self.claims = [[] for _ in range(cluster.shards)]
        self._next = [None] * cluster.shards
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self):
        consumer = Consumer(kafka_log.reading(self.cluster.brokers))
        places = [TopicPartition(kafka_log.CHANGELOG, shard) for shard in range(self.cluster.shards)]
        for place in places:
            place.offset = consumer.get_watermark_offsets(place, timeout=30)[1]
        consumer.assign(places)
        while not self._stop.is_set():
            for message in consumer.consume(500, 0.1):
                if message.error() is None and message.key() == kafka_log.COMMIT:
                    commit = commits.parse(message.value().decode())
                    if commit.next != self._next[message.partition()]:
                        self._next[message.partition()] = commit.next
                        self.times[message.partition()].append(message.timestamp()[1] / 1000)
                        self.claims[message.partition()].append(commit.claim)
        consumer.close()

    def longest_since(self, since: float) -> float:
        """The longest pause of any shard from an instant until now."""
        gaps = [after - before for times in self.times for before, after in zip(times, times[1:]) if after > since]
        return max(gaps, default=0.0)

    def idle_after(self, shards: list, since: float) -> list:
        """The pause of each shard at the first change of its claim after an instant, once each has gone on."""
        until = time.monotonic() + IDLE_WAIT_S
        found = {}
        while len(found) < len(shards) and time.monotonic() < until:
            time.sleep(0.1)
            for shard in set(shards) - set(found):
                claims = self.claims[shard]
                times = self.times[shard][:len(claims)]
                changes = [nth for nth in range(1, len(times)) if times[nth] > since and claims[nth] != claims[nth - 1]]
                if changes:
                    found[shard] = times[changes[0]] - times[changes[0] - 1]
        return [found.get(shard, float(IDLE_WAIT_S)) for shard in shards]
