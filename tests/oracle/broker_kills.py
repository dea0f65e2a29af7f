"""Kills of brokers, one of three at a time, under load: what they acknowledged is with the other two."""

import time

from kills import wait_for_work

LOAD_S = (2.0, 5.0)
# A broker that came back is in step again before the next one may go: two of three must be there.
IN_STEP_WAIT_S = 60


class BrokerKills:
    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.injected, self.longest_gap_s, self.note = 0, 0.0, "one of three brokers, in turn"

    def run(self, count: int, findings):
        for nth in range(count):
            time.sleep(self.chance.uniform(*LOAD_S))
            number = str(nth % self.house.cluster.count + 1)
            killed_at = time.time()
            self.house.cluster.script("kill", number)
            gap_s = wait_for_work(self.house.follower.moved_on_everywhere, killed_at, self.house.senders)
            self.house.cluster.script("start", number)
            if not self._in_step():
                findings.add("wrong", f"broker {number} was not in step again within {IN_STEP_WAIT_S} s")
                return
            self.injected += 1
            self.longest_gap_s = max(self.longest_gap_s, gap_s)
            print(f"broker {number} killed: all shards at work {gap_s:.1f} s later", flush=True)

    def _in_step(self) -> bool:
        until = time.monotonic() + IN_STEP_WAIT_S
        while time.monotonic() < until:
            if self.house.cluster.is_in_step():
                return True
            time.sleep(0.5)
        return False

    def told(self) -> str:
        return f"broker kills {self.injected} (longest gap {self.longest_gap_s:.1f} s)"
