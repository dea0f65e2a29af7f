"""A storm of joins and leaves: a third processor comes and goes every second or two, killed or ended, so that the group never
comes to rest."""

import time

from kills import wait_for_work
from rolling import Pace

STAY_S = (0.8, 2.5)


class Storms:
    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.injected, self.longest_gap_s, self.note = 0, 0.0, ""

    def run(self, count: int, findings):
        guest, pace = self.house.guest(), Pace(self.house.cluster)
        pace.start()
        began = time.time()
        for nth in range(count):
            guest.start()
            time.sleep(self.chance.uniform(*STAY_S))
            if nth % 2:
                guest.kill()
            elif (code := guest.end()) != 0:
                findings.add("wrong", f"SIGTERM of {guest.name}: exit code {code}:\n{guest.tail()}")
            self.injected += 1
        # Its own shards wait for it for a session; then all must work.
        ended = time.time()
        rest_s = wait_for_work(self.house.follower.moved_on_everywhere, ended, self.house.senders)
        pace.stop()
        self.longest_gap_s = pace.longest_since(began)
        self.note = (f"of a third processor, which opened {len(guest.told('the shard is ours'))} shards; all at work "
                     f"{rest_s:.1f} s after the last")
        print(f"{count} joins and leaves in {ended - began:.1f} s: {self.note}", flush=True)

    def told(self) -> str:
        return f"joins and leaves {self.injected} {self.note}, longest gap {self.longest_gap_s:.1f} s"
