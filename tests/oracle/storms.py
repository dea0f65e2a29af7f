"""A storm of joins and leaves: a third processor comes and goes every second or two, killed or ended, so that the group never
comes to rest."""

import time

from kills import wait_for_work

STAY_S = (0.8, 2.5)


class Storms:
    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.injected, self.longest_gap_s, self.note = 0, 0.0, "joins and leaves of a third processor"

    def run(self, count: int, findings):
        guest = self.house.guest()
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
        self.longest_gap_s = wait_for_work(self.house.follower.moved_on_everywhere, ended, self.house.senders)
        print(f"{count} joins and leaves in {ended - began:.1f} s: all shards at work {self.longest_gap_s:.1f} s after the last",
              flush=True)

    def told(self) -> str:
        return f"joins and leaves {self.injected} (all at work {self.longest_gap_s:.1f} s after the last)"
