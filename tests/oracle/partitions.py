"""A processor is cut off from the brokers for longer than its session, in three ways; another takes over, the network heals,
and it must be at work again and have disturbed nobody. Source: reliability, T11."""

import time

from kills import wait_for_work

CUT_S = (14.0, 20.0)
HEALED_WITHIN_S = 30.0
REST_S = 3.0


class Partitions:
    def __init__(self, house, chance):
        self.house, self.chance, self.network = house, chance, house.network
        self.injected, self.longest_gap_s, self.longest_heal_s = 0, 0.0, 0.0

    def run(self, count: int, findings):
        victim = self.house.processors[0]
        ways = (self.network.lose_answers, self.network.lose_requests, self.network.pull_the_plug)
        for nth in range(count):
            self.house.wait_for_owners()
            way, cut_s = ways[nth % len(ways)], self.chance.uniform(*CUT_S)
            cut_at = time.time()
            way()
            gap_s = wait_for_work(self.house.follower.moved_on_everywhere, cut_at, self.house.senders)
            time.sleep(max(0.0, cut_at + cut_s - time.time()))
            self.network.heal()
            healed_at = time.time()
            heal_s = self._healed(victim, healed_at)
            if heal_s is None:
                findings.add("wrong", f"{victim.name} had no shard again within {HEALED_WITHIN_S} s of the network's healing\n"
                             f"{victim.tail()}")
                return
            heal_s = max(heal_s, wait_for_work(self.house.follower.moved_on_everywhere, healed_at, self.house.senders))
            if heal_s > HEALED_WITHIN_S:
                findings.add("wrong", f"all shards were at work {heal_s:.1f} s after the network healed")
            self.injected += 1
            self.longest_gap_s, self.longest_heal_s = max(self.longest_gap_s, gap_s), max(self.longest_heal_s, heal_s)
            print(f"{way.__name__} for {cut_s:.1f} s: all shards at work {gap_s:.1f} s after the cut, {victim.name} too "
                  f"{heal_s:.1f} s after it healed", flush=True)

    def _healed(self, victim, since: float):
        """Seconds until it has a shard again; None if it takes too long."""
        while time.time() < since + HEALED_WITHIN_S:
            if victim.shards_since(since):
                return time.time() - since
            time.sleep(0.1)
        return None

    @property
    def note(self) -> str:
        return f"at work again {self.longest_heal_s:.1f} s after healing"

    def told(self) -> str:
        return (f"partitions {self.injected} (longest gap {self.longest_gap_s:.1f} s, at work again at most "
                f"{self.longest_heal_s:.1f} s after healing)")
