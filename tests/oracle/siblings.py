"""A dead sibling's open transaction: a processor dies when its offset is sent and its transaction not ended, and stays
dead until another has its shards.

What it forwarded to a neighbour hides whatever is forwarded there later (read_committed ends at the first open transaction),
until the broker ends the transaction or the next owner does. Measured beside it: how long the neighbours' hop lanes stall,
and that people's commands, which go another way, do not. Source: LEDGER, 1; reliability, M13.
"""

import json
import threading
import time

from confluent_kafka import Consumer, TopicPartition

import identity
import kafka_log
from door import Door, Refused
from kills import wait_for_work

TRANSACTION_S = 8.0
CLEANUP_S = 1.0
# A neighbour's hop lane may stall so long, and a command must be answered within so long.
STALL_MAX_S = TRANSACTION_S + CLEANUP_S + 2.0
ANSWER_MAX_S = 2.0
DIE_WAIT_S = 60
TRIES = 8


class Siblings:
    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.injected, self.longest_gap_s = 0, 0.0
        self.longest_stall_s, self.answers, self.slowest_s = 0.0, 0, 0.0

    def run(self, count: int, findings):
        for nth in range(count):
            for _ in range(TRIES):
                if self._one(self.house.processors[nth % 2], self.house.processors[1 - nth % 2], findings):
                    break
            else:
                findings.add("wrong", f"in {TRIES} deaths no open transaction had forwarded anything: this proves nothing")

    def _one(self, victim, other, findings) -> bool:
        """Whether the dead processor's open transaction held something in a neighbour's hop lane."""
        self.house.wait_for_owners()
        victim.kill()
        victim.launch_at(f"forwarding:{self.chance.randint(5, 20)}:die")
        if not victim.wait_died(DIE_WAIT_S):
            findings.add("wrong", f"{victim.name} did not die with its transaction open\n{victim.tail()}")
            return True
        died_at = time.time()
        living = [shard for shard, it in self.house.cluster.committed().items() if it.owner == other.name]
        commands = _Commands(self.house, living)
        commands.start()
        stalls = self._stalls(living, died_at)
        commands.stop()
        gap_s = wait_for_work(self.house.follower.moved_on_everywhere, died_at, self.house.senders)
        victim.start()
        if not stalls:
            return False
        self.injected += 1
        self.longest_gap_s = max(self.longest_gap_s, gap_s)
        self.longest_stall_s = max(self.longest_stall_s, *stalls.values())
        answered, unanswered = commands.answered()
        self.answers += len(answered)
        self.slowest_s = max([self.slowest_s, *answered])
        print(f"{victim.name} died with its transaction open: hop lanes of {other.name} stalled "
              f"{', '.join(f'{shard}: {stall_s:.1f} s' for shard, stall_s in sorted(stalls.items()))}; {len(answered)} commands "
              f"answered there meanwhile, the slowest after {max(answered, default=0):.2f} s", flush=True)
        if max(stalls.values()) > STALL_MAX_S:
            findings.add("wrong", f"a hop lane stalled {max(stalls.values()):.1f} s")
        if unanswered or max(answered, default=0) > ANSWER_MAX_S:
            findings.add("wrong", f"{unanswered} commands were not answered behind a dead sibling, the slowest took "
                         f"{max(answered, default=0):.2f} s")
        return True

    def _stalls(self, shards: list, died_at: float) -> dict:
        """For each lane that the open transaction pins, how long its stable end lies below its end."""
        ends, stable = (Consumer({**kafka_log.reading(self.house.cluster.brokers), "isolation.level": level})
                        for level in ("read_uncommitted", "read_committed"))
        places = {shard: TopicPartition("campanile.triage", shard) for shard in shards}
        pinned, stalls = {}, {}
        time.sleep(0.3)
        for shard, place in places.items():
            # Others forward there too, for milliseconds each: only what stays is the dead one's.
            low = stable.get_watermark_offsets(place, timeout=10)[1]
            if low < ends.get_watermark_offsets(place, timeout=10)[1]:
                pinned[shard] = low
        while pinned and time.time() < died_at + 4 * STALL_MAX_S:
            for shard in list(pinned):
                if stable.get_watermark_offsets(places[shard], timeout=10)[1] > pinned[shard]:
                    del pinned[shard]
                    stalls[shard] = time.time() - died_at
            time.sleep(0.05)
        ends.close()
        stable.close()
        stalls.update(dict.fromkeys(pinned, time.time() - died_at))
        return {shard: stall_s for shard, stall_s in stalls.items() if stall_s > 1.0}

    @property
    def note(self) -> str:
        return (f"hop lanes stalled at most {self.longest_stall_s:.1f} s; {self.answers} commands there answered meanwhile, the "
                f"slowest after {self.slowest_s:.2f} s")

    def told(self) -> str:
        return f"dead siblings {self.injected}: {self.note}"


class _Commands:
    """Priorities set on incidents of some shards, five a second, and when each was answered."""

    def __init__(self, house, shards: list):
        self.house, self.shards = house, shards
        self.asked = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(timeout=10)
        time.sleep(ANSWER_MAX_S)

    def _run(self):
        while not self._stop.wait(0.2):
            incident = self.house.follower.any_incident(self.house.commander.chance)
            if incident is None or identity.shard_of(incident) not in self.shards:
                continue
            name = f"sibling-{time.time_ns()}"
            command = {"v": 1, "id": name, "actor": {"type": "user_reference", "id": "PORACLE"}, "incident": incident,
                       "verb": "set_priority", "priority": f"P{time.time_ns() % 5}"}
            record = {"key": incident, "value": json.dumps(command)}
            try:
                with Door(self.house.home, timeout=5) as door:
                    self.asked[name] = time.time()
                    door.ask("append", topic="commands", partition=identity.shard_of(incident), records=[record])
            except (OSError, Refused):
                self.asked.pop(name, None)

    def answered(self) -> tuple:
        """Seconds until each answer, by the broker's clock, which is this machine's; and how many have none."""
        found = {}
        for message in kafka_log.read(self.house.cluster.brokers, ["campanile.incidents"]):
            value = message.value()
            if b"sibling-" not in value:
                continue
            name = json.loads(value)["cause"].get("command")
            if name in self.asked:
                found.setdefault(name, message.timestamp()[1] / 1000)
        return [found[name] - asked for name, asked in self.asked.items() if name in found], len(self.asked) - len(found)
