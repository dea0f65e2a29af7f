"""Zombies: a processor stops at some place for longer than its session, another takes over, then the first goes on.

Nothing that it had under way may become visible, and it must not disturb whoever has its shards now. Source: reliability,
T10 and C13.
"""

import time

import commits
from kills import wait_for_work

# Where it stops, and how often it passes there before. `renewing` and `probed` lie between an unknown outcome and the new
# producer; so that it comes there, some commits are kept back.
PASSES = {"C1": (5, 60), "C2": (5, 40), "C3": (5, 40), "C4": (5, 40), "C7": (5, 40), "renewing": (1, 1), "probed": (1, 1)}
KEPT_BACK = "lost-commit:10"
OF_ONE_SHARD = ("renewing", "probed")
STOP_WAIT_S = 90
TAKEOVER_WAIT_S = 90
# What a zombie does after it goes on, it does at once.
WATCH_S = 4
RENEWED = "the producer was made anew"


class Zombies:
    def __init__(self, house, chance):
        self.house, self.chance = house, chance
        self.done, self.marks, self.disturbed = {}, [], set()
        self.fences_in_window, self.longest_gap_s = 0, 0.0

    def run(self, count: int, findings, points=tuple(PASSES)):
        for nth in range(count):
            if not self.house.senders.running():
                findings.add("wrong", f"the load ended before the {nth + 1}. zombie: more events")
                return
            victim, other = self.house.processors[::1 if nth % 2 else -1]
            self._one(points[nth % len(points)], victim, other, findings)

    def _one(self, point, victim, other, findings):
        if other in self.disturbed:
            # It would go on making its producers anew, which is not to be told apart from what a zombie does to it.
            other.kill()
            other.start()
            self.disturbed.remove(other)
        self.house.wait_for_owners()
        of_one = point in OF_ONE_SHARD
        shard = min(it for it, commit in self.house.cluster.committed().items() if commit.owner == victim.name)
        # Held just before it claims the shard that the zombie stops in: the longest moment in which one could slip in.
        held = point == "probed"
        if held:
            other.kill()
            other.launch_at(f"restored-{shard}:1:stop")
        victim.kill()
        passes = self.chance.randint(*PASSES[point])
        disturb = {"CAMPANILE_DISTURB": KEPT_BACK} if of_one else {}
        (self.disturbed.add if of_one else self.disturbed.discard)(victim)
        victim.launch_at(f"{point}-{shard}:1:stop" if of_one else f"{point}:{passes}:stop", **disturb)
        if not victim.wait_stopped(STOP_WAIT_S):
            findings.add("wrong", f"{victim.name} did not stop at {point}: this proves nothing\n{victim.tail()}")
            return
        stopped_at = time.time()
        lost = {shard for shard, it in self.house.cluster.committed().items() if it.owner == victim.name}
        if not (other.wait_stopped(TAKEOVER_WAIT_S) if held else self._taken_over(lost, other, stopped_at)):
            findings.add("wrong", f"{other.name} did not take over from {victim.name} within {TAKEOVER_WAIT_S} s: this "
                         f"proves nothing\n{other.tail()}")
        resumed_at = time.time()
        victim.go_on()
        time.sleep(WATCH_S / 2)
        if held:
            other.go_on()
        time.sleep(WATCH_S / 2)
        self.marks.append((victim.name, stopped_at, resumed_at))
        fences = [line for at, line in other.told(RENEWED)
                  if resumed_at <= at <= resumed_at + WATCH_S and line["shard"] in lost]
        for line in fences:
            # Stopped between the group's answer and the new producer: no owner can be kept from that. It costs him a
            # transaction, once, and loses nothing. With commits kept back the other shards of the zombie are as often there
            # as the one that it stops in.
            if held or (of_one and line["shard"] != shard):
                self.fences_in_window += 1
            else:
                findings.add("wrong", f"the zombie {victim.name} fenced {other.name}, who has shard {line['shard']} now")
        if not victim.runs():
            findings.add("wrong", f"the zombie {victim.name} ended with {victim.process.returncode}:\n{victim.tail()}")
            victim.start()
        gap_s = wait_for_work(self.house.follower.moved_on_everywhere, resumed_at, self.house.senders)
        self.done[point] = self.done.get(point, 0) + 1
        self.longest_gap_s = max(self.longest_gap_s, resumed_at - stopped_at)
        print(f"zombie at {point} as {victim.name}, stopped for {resumed_at - stopped_at:.1f} s, all shards at work "
              f"{gap_s:.1f} s later", flush=True)

    def _taken_over(self, lost: set, other, since: float) -> bool:
        until = time.monotonic() + TAKEOVER_WAIT_S
        while time.monotonic() < until:
            if lost and lost <= other.shards_since(since):
                return True
            time.sleep(0.1)
        return False

    def check(self, topics, findings):
        """No commit under a claim of before the stop was appended after the zombie went on."""
        for name, stopped_at, resumed_at in self.marks:
            for shard in range(self.house.cluster.shards):
                old = set()
                for offset, at, commit in commits.history(topics, shard):
                    if commit.owner != name:
                        continue
                    if at <= stopped_at * 1000:
                        old.add(commit.claim)
                    elif at >= resumed_at * 1000 and commit.claim in old:
                        findings.add("wrong", f"changelog[{shard}] {offset}: commit {commit.seq} of the zombie {name} "
                                     "became visible")

    def told(self) -> str:
        each = ", ".join(f"{point} × {count}" for point, count in self.done.items())
        return f"zombies {self.injected}: {each}, {self.note}"

    @property
    def injected(self) -> int:
        return sum(self.done.values())

    @property
    def note(self) -> str:
        return f"commits of a zombie 0 unless told as wrong, owners fenced inside the window of the probe {self.fences_in_window}"
