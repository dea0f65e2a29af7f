"""Kills under load: when, of what, what they hit, and how long it took until something came out again."""

import random
import time

# Of the kills, those that must find requests in flight; and how many must fall inside a commit. Source: reliability, T1.
IN_FLIGHT_SHARE = 0.8
IN_COMMIT_LEAST = 3
LOAD_S = (0.3, 5.0)
GAP_MAX_S = 60


def wait_for_work(moved_on, since: float, senders) -> float:
    """Waits until something has come out that was appended after an instant; gives how long that took from it. Append
    times are the servers' clock, which is this machine's: what came before a kill is told apart."""
    until = time.time() + GAP_MAX_S
    while not moved_on(since * 1000) and time.time() < until and senders.running():
        time.sleep(0.005)
    return time.time() - since


class Kills:
    """`follower` is a reader beside the run."""

    def __init__(self, senders, follower, count: int, chance: random.Random):
        self.senders, self.follower = senders, follower
        self.count, self.chance = count, chance
        self.done = self.in_flight = self.in_commit = 0
        self.longest_gap_s = 0.0

    def run(self):
        """As many kills as were asked for, and up to as many again while they have not hit enough."""
        for nth in range(2 * self.count):
            if nth >= self.count and self.met():
                return
            load_s = self.chance.uniform(*LOAD_S)
            time.sleep(load_s)
            if not self.senders.running():
                return
            victim = self.victim(nth)
            self.aim(nth, victim)
            self._kill(nth, victim, load_s)

    def victim(self, nth: int):
        """What the nth kill is to hit."""
        raise NotImplementedError

    def aim(self, nth: int, victim):
        """Waits for a moment that is worth a kill: three in a commit, one with requests in flight."""
        if nth % 4 != 3:
            victim.wait_for(lambda waiting, commits: waiting > 0 and commits > 0, 2)
        else:
            victim.wait_for(lambda waiting, _: waiting > 0, 1)

    def bring_back(self, nth: int, victim, killed_at: float):
        """Starts it again and waits until work goes on."""
        victim.start()
        wait_for_work(self.follower.moved_on, killed_at, self.senders)

    def _kill(self, nth, victim, load_s):
        killed_at = time.time()
        waiting, commits = victim.kill()
        self.done += 1
        self.in_flight += waiting > 0
        self.in_commit += commits > 0
        self.bring_back(nth, victim, killed_at)
        gap_s = time.time() - killed_at
        self.note_gap(nth, gap_s)
        print(f"kill {self.done} of {victim.name} after {load_s:.1f} s of load: {waiting} inputs and {commits} commits in "
              f"flight, gap {gap_s:.2f} s", flush=True)

    def note_gap(self, nth: int, gap_s: float):
        self.longest_gap_s = max(self.longest_gap_s, gap_s)

    def met(self) -> bool:
        """Whether the kills hit enough to prove something."""
        return (self.done >= self.count and self.in_flight >= IN_FLIGHT_SHARE * self.done
                and self.in_commit >= min(IN_COMMIT_LEAST, self.count))

    def told(self) -> str:
        return f"kills {self.done} (in flight {self.in_flight}, in commit {self.in_commit})"
