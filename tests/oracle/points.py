"""Named crash points: a processor dies at each place of the crash matrix, some times over, under load, and comes back.

Source: reliability, 7.6. C6 and C13 to C17 are no places in the code and not here: kills of brokers, zombies, full disks,
older directories, cut logs.
"""

import signal
import time

from kills import wait_for_work

# How often the place is passed before it is the last: chosen anew each time, within these.
PASSES = {"C1": (5, 60), "C2": (5, 40), "C3": (5, 40), "C4": (5, 40), "C5": (5, 40), "C7": (5, 40), "C8": (1, 4),
          "C9": (1, 4), "C10": (1, 4), "C11": (1, 4), "C12": (1, 1), "C18": (1, 1)}
REACH_WAIT_S = 90
# A session, and what it takes to open the shards.
ALL_WAIT_S = 60
DIED = -signal.SIGABRT


class Points:
    """Deaths at each point; the longest time after one until every shard worked again."""

    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.deaths, self.longest = {}, {}

    def run(self, times: int, findings, points=tuple(PASSES)):
        for turn in range(times):
            for point in points:
                if not self.house.senders.running():
                    findings.add("wrong", f"the load ended before {point} came for the {turn + 1}. time: more events")
                    return
                self._one(point, self.house.processors[turn % 2], findings)

    def _one(self, point, victim, findings):
        victim.kill()
        at = f"{point}:{self.chance.randint(*PASSES[point])}:die"
        victim.launch_at(at)
        if point == "C12":
            self._make_it_revoke(victim)
        if not victim.wait_died(REACH_WAIT_S):
            findings.add("wrong", f"{victim.name} did not come to {at} within {REACH_WAIT_S} s: this proves nothing")
            return
        died_at = time.time()
        if victim.process.returncode != DIED:
            findings.add("wrong", f"{victim.name} was to die at {at} and ended with {victim.process.returncode}:\n"
                         f"{victim.tail()}")
        victim.start()
        gap_s = wait_for_work(self.house.follower.moved_on_everywhere, died_at, self.house.senders)
        self.deaths[point] = self.deaths.get(point, 0) + 1
        self.longest[point] = max(self.longest.get(point, 0.0), gap_s)
        print(f"died at {at} as {victim.name}, gap {gap_s:.2f} s", flush=True)

    def _make_it_revoke(self, victim):
        """Another processor leaves for longer than its session, so that the victim gets all; then it comes back, and the
        victim must give up shards."""
        began_at = time.time()
        other = next(it for it in self.house.processors if it is not victim)
        other.end()
        until = time.monotonic() + ALL_WAIT_S
        while time.monotonic() < until and len(victim.shards_since(began_at)) < self.house.cluster.shards:
            time.sleep(0.1)
        other.start()

    @property
    def injected(self) -> int:
        return sum(self.deaths.values())

    @property
    def longest_gap_s(self) -> float:
        return max(self.longest.values(), default=0.0)

    @property
    def note(self) -> str:
        return " ".join(self.deaths)

    def told(self) -> str:
        each = ", ".join(f"{point} × {count} (gap {self.longest[point]:.1f} s)" for point, count in self.deaths.items())
        return f"deaths at points {sum(self.deaths.values())}: {each}"
