"""Kills of brokers, one of three at a time, under load: what they acknowledged is with the other two."""

import time

from kills import wait_for_work
from rolling import Pace

LOAD_S = (2.0, 5.0)
# Longer than the controllers wait for a broker (9 s): it is put out of step, and all must work without it. Back sooner, it
# would seem in step while it is not, and with the next one's death nobody would be.
DEAD_S = 13.0
# A broker that came back is in step again before the next one may go: two of three must be there.
IN_STEP_WAIT_S = 60


class BrokerKills:
    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.injected, self.longest_gap_s, self.note = 0, 0.0, "one of three brokers, in turn"

    def run(self, count: int, findings):
        pace = Pace(self.house.cluster)
        pace.start()
        for nth in range(count):
            time.sleep(self.chance.uniform(*LOAD_S))
            number = str(nth % self.house.cluster.count + 1)
            began = time.time()
            self.house.cluster.script("kill", number)
            time.sleep(DEAD_S)
            wait_for_work(self.house.follower.moved_on_everywhere, time.time(), self.house.senders)
            gap_s = pace.longest_since(began)
            self.house.cluster.script("start", number)
            if not self._in_step():
                findings.add("wrong", f"broker {number} was not in step again within {IN_STEP_WAIT_S} s")
                return
            self.injected += 1
            self.longest_gap_s = max(self.longest_gap_s, gap_s)
            print(f"broker {number} killed: no shard paused longer than {gap_s:.1f} s", flush=True)
        pace.stop()

    def _in_step(self) -> bool:
        until = time.monotonic() + IN_STEP_WAIT_S
        while time.monotonic() < until:
            if self.house.cluster.is_in_step():
                return True
            time.sleep(0.5)
        return False

    def told(self) -> str:
        return f"broker kills {self.injected} (longest gap {self.longest_gap_s:.1f} s)"
