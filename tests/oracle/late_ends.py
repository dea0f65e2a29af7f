"""EndTxn requests that come late, are repeated while the first is still on its way, or whose answers are late or lost.

What a late EndTxn may do to a transaction after its own is the danger: the producer is made anew for it. Source: reliability,
T15, M11.
"""

import time

from kills import wait_for_work
from proxy import WAYS

# Of a transaction's 8 s and of the 2 s after which a commit counts as slow, some on each side.
BY_S = (0.05, 4.0)
DONE_WAIT_S = 20


class LateEnds:
    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.injected, self.longest_gap_s = 0, 0.0

    def run(self, count: int, findings):
        proxy = self.house.proxy
        for nth in range(count):
            way, by_s = WAYS[nth % len(WAYS)], self.chance.uniform(*BY_S)
            began, before = time.time(), len(proxy.done)
            proxy.disturb(way, by_s)
            while len(proxy.done) == before and time.time() < began + DONE_WAIT_S:
                time.sleep(0.005)
            if len(proxy.done) == before:
                findings.add("wrong", f"no EndTxn came by within {DONE_WAIT_S} s: this proves nothing")
                return
            time.sleep(by_s)
            gap_s = wait_for_work(self.house.follower.moved_on_everywhere, began, self.house.senders)
            self.injected += 1
            self.longest_gap_s = max(self.longest_gap_s, gap_s)
            print(f"EndTxn {way}, by {by_s:.2f} s: all shards at work {gap_s:.1f} s later", flush=True)

    @property
    def note(self) -> str:
        return ", ".join(WAYS)

    def told(self) -> str:
        return f"late EndTxn {self.injected} (longest gap {self.longest_gap_s:.1f} s)"
