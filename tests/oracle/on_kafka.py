"""The run on Kafka: brokers, a gateway and processors apart, what befalls them, the oracle over what a consumer reads."""

import contextlib
import json
import os
import pathlib
import random
import time

import binaries
import commits
import judging
import kafka_log
import mutations
import networks
import restores
from broker_kills import BrokerKills
from commands import Commander
from compare import Findings
from damages import Damages
from kafka_cluster import Cluster, Role
from kafka_door import KafkaDoor
from kafka_log import Reader
from kills import Kills, wait_for_work
from late_ends import LateEnds
from partitions import Partitions
from points import Points
from proxy import Proxy
from reorganiser import Reorganiser
from rolling import Rolling
from senders import Senders
from server import wait_until_drained
from siblings import Siblings
from storms import Storms
from zombies import Zombies

SHARDS = 4
PROCESSORS = ("p1", "p2")
# Rolling restarts want more of both.
SHARDS_ROLLING, PROCESSORS_ROLLING = 8, ("p1", "p2", "p3")
# Of the kills, one in so many hits the gateway; one in so many leaves a processor dead until another has its shards.
GATEWAY_ONE_IN = 6
TAKEOVER_ONE_IN = 5
DRAIN_WAIT_S = 120
# While processors die at points, stop or find their directories damaged: so many events a second, until it is over.
TROUBLED_RATE = 600
WITHOUT_END = 10_000_000
# Owners that have not changed for so long are at rest.
REST_S, REST_WAIT_S = 3, 90
TROUBLES = {"points": Points, "zombies": Zombies, "damages": Damages, "storms": Storms, "broker_kills": BrokerKills,
            "partitions": Partitions, "late_ends": LateEnds, "siblings": Siblings, "rolling": Rolling}


class RoleKills(Kills):
    """Kills of gateway and processors. Some processors come back only after another has taken over."""

    def __init__(self, gateway, processors, *rest):
        super().__init__(*rest)
        self.gateway, self.processors = gateway, processors
        self.takeovers, self.longest_takeover_s = 0, 0.0

    @property
    def injected(self) -> int:
        return self.done

    @property
    def note(self) -> str:
        return (f"in flight {self.in_flight}, in commit {self.in_commit}; takeovers {self.takeovers}, longest "
                f"{self.longest_takeover_s:.1f} s")

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

    def __init__(self, chosen, home: pathlib.Path, stack: contextlib.ExitStack, plan):
        self.home, self.chosen = home, chosen
        self.environment = environment = {**os.environ, **plan.environment}
        self.network = self.proxy = None
        if plan.counts.get("partitions"):
            self.network = networks.Network()
            stack.callback(self.network.close)
        if plan.counts.get("late_ends"):
            self.proxy = Proxy()
            self.proxy.start()
            stack.callback(self.proxy.close)
        host = self.network.host if self.network else "127.0.0.1"
        self.shards = plan.shards
        self.cluster = Cluster(chosen.campanile, home, self.shards, 3 if plan.counts.get("broker_kills") else 1, host, self.proxy)
        stack.callback(self.cluster.stop)
        self.stack = stack
        self.directory = binaries.organisation(chosen.load, home / "directory", chosen.seed)
        self.gateway = Role(self.cluster, "gateway", "gateway", environment)
        self.processors = [Role(self.cluster, "processor", name, environment) for name in plan.processors]
        if self.network:
            self.processors[0].within = self.network.within
        for role in self.roles():
            stack.callback(role.clear)
        self.gateway.start("--directory", self.directory)
        self.door = KafkaDoor(self.cluster, self.directory, dict(os.environ))
        stack.callback(self.door.close)
        self.door.start()
        self.follower = Reader(self.cluster.brokers, self.shards)
        self.senders = Senders(chosen.load, self.gateway.url, self.door.socket, home, chosen)
        stack.callback(self.senders.clear)
        self.commander = Commander(home, self.follower, chosen.seed)
        self.reorganiser = Reorganiser(home, chosen.seed, every_s=4.0)

    def roles(self) -> list:
        return [self.gateway, *self.processors]

    def guest(self) -> Role:
        """A processor beside those that belong here, not started."""
        guest = Role(self.cluster, "processor", "guest", self.environment)
        self.stack.callback(guest.clear)
        return guest

    def wait_for_owners(self):
        """Until each processor has shards, and the same for some seconds."""
        owners, since, until = {}, time.monotonic(), time.monotonic() + REST_WAIT_S
        while time.monotonic() < until:
            found = {shard: commit.owner for shard, commit in self.cluster.committed().items()}
            if found != owners or len(set(found.values())) < len(self.processors):
                owners, since = found, time.monotonic()
            elif time.monotonic() - since > REST_S:
                return
            time.sleep(0.3)

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
        digests = kafka_log.export(self.cluster.brokers, self.cluster.ledger, self.shards, export)
        self.follower.stop()
        self.reorganiser.check(findings)
        read, _ = judging.judge(export, findings)
        commits.check(read, self.shards, findings)
        self._check_digests(digests, read, findings)
        if plan.zombies:
            plan.zombies.check(read, findings)
        found = restores.check(read, self.processors, self.shards, findings, plan.damage_is_wrong)
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
        self.counts = {name: getattr(chosen, name) for name in TROUBLES}
        if need and need.run != "kills":
            self.counts = {need.run: need.count}
        is_rolling = bool(self.counts.get("rolling"))
        self.shards = SHARDS_ROLLING if is_rolling else SHARDS
        self.processors = PROCESSORS_ROLLING if is_rolling else PROCESSORS
        self.points = chosen.point or (need and need.points)
        self.damage_is_wrong = not self.counts.get("damages")
        if need and need.rate:
            chosen.rate, chosen.events = need.rate, int(need.rate * 40)
        if any(self.counts.values()):
            # Until the last trouble is over; then it is cut short.
            chosen.rate, chosen.events = min(chosen.rate, TROUBLED_RATE), WITHOUT_END
        self.told, self.proves, self.zombies, self.rows = [], True, None, []

    def carry_out(self, chosen, house, findings: Findings):
        chance = random.Random(chosen.seed)
        for what, make in TROUBLES.items():
            if count := self.counts.get(what):
                troubles = make(house, chance)
                troubles.run(count, findings, *([tuple(self.points)] if self.points else []))
                self.told.append(troubles.told())
                self._row(what, troubles)
                if what == "zombies":
                    self.zombies = troubles
        if self.told:
            return house.senders.cut_short()
        kills = RoleKills(house.gateway, house.processors, house.senders, house.follower, chosen.kills, chance)
        kills.run()
        self.told.append(f"{kills.told()} · longest gap {kills.longest_gap_s:.1f} s · takeovers {kills.takeovers} (longest "
                         f"{kills.longest_takeover_s:.1f} s)")
        self.proves = kills.met()
        self._row("kills", kills)

    def _row(self, fault, troubles):
        self.rows.append({"fault": fault, "injected": troubles.injected, "longest_gap_s": round(troubles.longest_gap_s, 1),
                          "note": troubles.note})

    def write(self, path, findings: Findings):
        """What befell it and what was found, for whoever puts several runs together."""
        path.write_text(json.dumps({"faults": self.rows, "violations": sum(findings.counts.values()),
                                    "proves": self.proves}))


def run(chosen, home: pathlib.Path, findings: Findings) -> tuple:
    """One whole run: what was done, in words, and whether what was done was enough to prove something."""
    plan = Plan(chosen)
    with contextlib.ExitStack() as stack:
        house = House(chosen, home, stack, plan)
        for processor in house.processors:
            processor.start()
        house.wait_for_shards()
        house.start_load()
        plan.carry_out(chosen, house, findings)
        house.calm(findings)
        told = house.judge(findings, plan)
    if chosen.summary:
        plan.write(chosen.summary, findings)
    return " · ".join([*plan.told, told]), plan.proves
