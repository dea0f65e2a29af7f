"""The run on Kafka: a broker, a gateway and processors apart, kills of each, the oracle over what a consumer reads."""

import contextlib
import os
import pathlib
import random
import time

import binaries
import commits
import judging
import kafka_log
import mutations
import restores
from commands import Commander
from compare import Findings
from damages import Damages
from kafka_cluster import Cluster, Role
from kafka_door import KafkaDoor
from kafka_log import Reader
from kills import Kills, wait_for_work
from points import Points
from reorganiser import Reorganiser
from senders import Senders
from server import wait_until_drained
from zombies import Zombies

SHARDS = 4
PROCESSORS = ("p1", "p2")
# Of the kills, one in so many hits the gateway; one in so many leaves a processor dead until another has its shards.
GATEWAY_ONE_IN = 6
TAKEOVER_ONE_IN = 5
DRAIN_WAIT_S = 120
# While processors die at points, stop or find their directories damaged: so many events a second, until it is over.
TROUBLED_RATE = 600
WITHOUT_END = 10_000_000


class RoleKills(Kills):
    """Kills of gateway and processors. Some processors come back only after another has taken over."""

    def __init__(self, gateway, processors, *rest):
        super().__init__(*rest)
        self.gateway, self.processors = gateway, processors
        self.takeovers, self.longest_takeover_s = 0, 0.0

    def victim(self, nth):
        if nth % GATEWAY_ONE_IN == GATEWAY_ONE_IN - 1:
            return self.gateway
        return self.chance.choice(self.processors)

    def aim(self, nth, victim):
        if victim is self.gateway:
            victim.wait_for(lambda waiting, _: waiting > 0, 1)
        else:
            super().aim(nth, victim)

    def bring_back(self, nth, victim, killed_at):
        if victim is not self.gateway and nth % TAKEOVER_ONE_IN == TAKEOVER_ONE_IN - 1:
            wait_for_work(self.follower.moved_on_everywhere, killed_at, self.senders)
            self.takeovers += 1
            victim.start()
        else:
            victim.start()
            wait_for_work(self.follower.moved_on_everywhere, killed_at, self.senders)

    def note_gap(self, nth, gap_s):
        if nth % TAKEOVER_ONE_IN == TAKEOVER_ONE_IN - 1:
            self.longest_takeover_s = max(self.longest_takeover_s, gap_s)
        else:
            super().note_gap(nth, gap_s)


class House:
    """Everything of one run, started; ended with the stack."""

    def __init__(self, chosen, home: pathlib.Path, stack: contextlib.ExitStack, environment=None):
        self.home, self.chosen = home, chosen
        environment = {**os.environ, **(environment or {})}
        self.cluster = Cluster(chosen.campanile, home, SHARDS)
        stack.callback(self.cluster.stop)
        self.directory = binaries.organisation(chosen.load, home / "directory", chosen.seed)
        self.gateway = Role(self.cluster, "gateway", "gateway", environment)
        self.processors = [Role(self.cluster, "processor", name, environment) for name in PROCESSORS]
        for role in self.roles():
            stack.callback(role.clear)
        self.gateway.start("--directory", self.directory)
        self.door = KafkaDoor(self.cluster, self.directory, dict(os.environ))
        stack.callback(self.door.close)
        self.door.start()
        self.follower = Reader(self.cluster.brokers, SHARDS)
        self.senders = Senders(chosen.load, self.gateway.url, self.door.socket, home, chosen)
        stack.callback(self.senders.clear)
        self.commander = Commander(home, self.follower, chosen.seed)
        self.reorganiser = Reorganiser(home, chosen.seed, every_s=4.0)

    def roles(self) -> list:
        return [self.gateway, *self.processors]

    def wait_for_shards(self, wait_s=60):
        """Until each processor has some: one that has none is not worth a kill."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until and not all(it.shards_since(0) for it in self.processors):
            time.sleep(0.1)

    def start_load(self):
        for part in (self.follower, self.senders, self.commander):
            part.start()
        if not self.chosen.still:
            self.reorganiser.start()

    def calm(self, findings: Findings):
        """Waits until all is sent and judged, and ends the roles."""
        for problem in self.senders.wait(60 + 3 * self.chosen.events / self.chosen.rate):
            findings.add("lost", problem)
        self.commander.stop()
        self.reorganiser.stop()
        if left := wait_until_drained(self.cluster, DRAIN_WAIT_S):
            findings.add("lost", f"{left} inputs were not judged within {DRAIN_WAIT_S} s", left)
        for role in self.roles():
            if role.runs() and (code := role.end()) != 0:
                findings.add("wrong", f"SIGTERM of {role.name}: exit code {code}:\n{role.tail()}")

    def judge(self, findings: Findings, plan) -> str:
        """Asks the oracle. Gives in words what was found."""
        export = self.home / "export.ndjson"
        digests = kafka_log.export(self.cluster.brokers, self.cluster.ledger, SHARDS, export)
        self.follower.stop()
        self.reorganiser.check(findings)
        read, _ = judging.judge(export, findings)
        commits.check(read, SHARDS, findings)
        self._check_digests(digests, read, findings)
        if plan.zombies:
            plan.zombies.check(read, findings)
        found = restores.check(read, self.processors, SHARDS, findings, plan.damage_is_wrong)
        matched = judging.promises(read, self.senders, self.commander, self.follower, findings)
        inputs = read.count("events")
        return (f"events {inputs} · 202s matched {matched} · commits {read.count('commits')} · hops {read.count('triage')} "
                f"· epochs {self.reorganiser.applies} · {found.told()}")

    def _check_digests(self, digests, read, findings):
        for shard, found in enumerate(digests):
            history = commits.history(read, shard)
            if history and history[-1][2].digest != found:
                findings.add("wrong", f"changelog[{shard}]: its rows add up to {found:032x}, its last commit says "
                             f"{history[-1][2].digest:032x}")


class Plan:
    """What befalls the processors in one run, and whether it was enough to prove something."""

    def __init__(self, chosen):
        need = mutations.ON_KAFKA.get(chosen.mutate)
        self.environment = {"CAMPANILE_MUTATE": chosen.mutate, **need.environment} if need else {}
        if chosen.disturb:
            self.environment["CAMPANILE_DISTURB"] = chosen.disturb
        self.counts = {"points": chosen.points, "zombies": chosen.zombies, "damages": chosen.damages}
        if need and need.run != "kills":
            self.counts = {need.run: need.count}
        self.points = chosen.point or (need and need.points)
        self.damage_is_wrong = not self.counts.get("damages")
        if need and need.rate:
            chosen.rate, chosen.events = need.rate, int(need.rate * 40)
        if any(self.counts.values()):
            # Until the last trouble is over; then it is cut short.
            chosen.rate, chosen.events = min(chosen.rate, TROUBLED_RATE), WITHOUT_END
        self.told, self.proves, self.zombies = [], True, None

    def carry_out(self, chosen, house, findings: Findings):
        chance = random.Random(chosen.seed)
        for what, make in (("points", Points), ("zombies", Zombies), ("damages", Damages)):
            if count := self.counts.get(what):
                troubles = make(house, chance)
                troubles.run(count, findings, *([tuple(self.points)] if self.points else []))
                self.told.append(troubles.told())
                if what == "zombies":
                    self.zombies = troubles
        if self.told:
            return house.senders.cut_short()
        kills = RoleKills(house.gateway, house.processors, house.senders, house.follower, chosen.kills, chance)
        kills.run()
        self.told.append(f"{kills.told()} · longest gap {kills.longest_gap_s:.1f} s · takeovers {kills.takeovers} (longest "
                         f"{kills.longest_takeover_s:.1f} s)")
        self.proves = kills.met()


def run(chosen, home: pathlib.Path, findings: Findings) -> tuple:
    """One whole run: what was done, in words, and whether what was done was enough to prove something."""
    plan = Plan(chosen)
    with contextlib.ExitStack() as stack:
        house = House(chosen, home, stack, plan.environment)
        for processor in house.processors:
            processor.start()
        house.wait_for_shards()
        house.start_load()
        plan.carry_out(chosen, house, findings)
        house.calm(findings)
        told = house.judge(findings, plan)
    return " · ".join([*plan.told, told]), plan.proves
