"""The run on the embedded ledger: one server, its door, and the oracle with the rows of the shards."""

import contextlib
import json
import os
import pathlib
import random
import subprocess
import time

import binaries
import judging
import state
from commands import Commander
from compare import Findings
from door import Door
from follower import Follower
from kills import Kills
from process import Dead
from reorganiser import Reorganiser
from senders import Senders
from server import Server, wait_until_drained

MUTATIONS = ("commit-before-state", "ack-before-append", "forgotten-cursor", "skip-fsync")
DRAIN_WAIT_S = 120
ROW_KINDS = ("alert", "answer", "details", "group", "incident", "members")


class ServerKills(Kills):
    """Kills of the one server."""

    def __init__(self, server, mutation, *rest):
        super().__init__(*rest)
        self.server, self.mutation = server, mutation

    def victim(self, nth):
        return self.server

    def aim(self, nth, victim):
        if self.mutation == "forgotten-cursor":
            # Every 5th commit forgets it, and the next one makes it good: few random kills would ever see it.
            self.server.wait_for_commit(lambda seq: seq > 0 and seq % 5 == 0, 10)
        else:
            super().aim(nth, victim)


def run(chosen, home: pathlib.Path, findings: Findings) -> tuple:
    """One whole run: what was done, in words, and whether the kills hit enough to prove something."""
    directory = binaries.organisation(chosen.load, home / "directory", chosen.seed)
    environment = dict(os.environ)
    if chosen.mutate:
        environment["CAMPANILE_MUTATE"] = chosen.mutate
    shim = binaries.shim(home) if chosen.power == "cut" else None
    chance = random.Random(chosen.seed)
    with contextlib.ExitStack() as stack:
        server = Server(chosen.campanile, home, directory, environment, shim)
        stack.callback(server.clear)
        server.start(first=True)
        with Door(server.data) as door:
            card = door.ask("card")[1]
        follower = Follower(server.data, card["shards"])
        senders = Senders(chosen.load, server.url, server.socket, home, chosen)
        commander = Commander(server.data, follower, chosen.seed)
        stack.callback(senders.clear)
        reorganiser = Reorganiser(server.data, chosen.seed)
        for part in (follower, senders, commander, *([] if chosen.still else [reorganiser])):
            part.start()
        kills = ServerKills(server, chosen.mutate, senders, follower, chosen.kills, chance)
        kills.run()
        # The rest of the load, and as long again for what waits behind it.
        for problem in senders.wait(60 + 3 * chosen.events / chosen.rate):
            findings.add("lost", problem)
        commander.stop()
        reorganiser.stop()
        if left := wait_until_drained(server, DRAIN_WAIT_S):
            raise Dead(f"{left} inputs were not judged within {DRAIN_WAIT_S} s")
        rows = keep_rows(server, card, home)
        follower.stop()
        if (code := server.end()) != 0:
            findings.add("wrong", f"SIGTERM: exit code {code}:\n{server.tail()}")
    export = export_log(chosen.campanile, server.data, card, home)
    reorganiser.check(findings)
    with open(rows, encoding="utf-8") as lines:
        held = state.Rows(lines)
    read, ended = judging.judge(export, findings, rows_at=held.at)
    held.compare(ended, findings)
    matched = judging.promises(read, senders, commander, follower, findings)
    told = (f"{kills.told()} · events {chosen.events} · 202s matched {matched} · epochs {reorganiser.applies} · longest gap {kills.longest_gap_s:.1f} s")
    return told, kills.met()


def keep_rows(server, card, home: pathlib.Path) -> pathlib.Path:
    """The rows of every shard, with the commit they stand at."""
    path = home / "rows.ndjson"
    with Door(server.data) as door:
        # Time-outs of the mix are half a minute at most: by then the last timer has fired.
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with open(path, "w", encoding="utf-8") as out:
                before = _commits(door)
                for shard in range(card["shards"]):
                    out.write(judging.line_of(shard=shard, committed_seq=before[shard]))
                    for kind in ROW_KINDS:
                        for row in door.rows(shard, kind):
                            out.write(judging.line_of(shard=shard, **row))
                if _commits(door) == before:
                    return path
            time.sleep(0.5)
    raise Dead("the rows did not stand still: timers fire without end")


def _commits(door) -> dict:
    return {shard["shard"]: shard["committed_seq"] for shard in door.ask("status")[1]["shards"]}


def export_log(campanile, data: pathlib.Path, card: dict, home: pathlib.Path) -> pathlib.Path:
    """All topics of the stopped ledger, its card in front."""
    path = home / "export.ndjson"
    with open(path, "wb") as out:
        out.write(judging.line_of(ledger=card["ledger"], shards=card["shards"]).encode())
        out.flush()
        subprocess.run([campanile, "log", "export", "--data", data], stdout=out, check=True)
    return path
