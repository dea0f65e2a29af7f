#!/usr/bin/env python3
"""Kills a server under load, again and again, and asks the oracle what it lost, did twice, or did in the wrong order.

    python3 tests/oracle/exactly_once.py --kills 15 --events 500000
    python3 tests/oracle/exactly_once.py --kills 4 --events 20000 --mutate forgotten-cursor     must fail
    python3 tests/oracle/exactly_once.py --power cut                                            and loses what was not synced

Ends with one line; exit code 0 if nothing is wrong, 1 if something is, 2 if too few kills hit what they were meant to,
so that the run proves nothing.
"""

import argparse
import contextlib
import gc
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import binaries
import journal
import oracle
import state
import topics as topics_
from commands import Commander
from compare import Findings
from door import Door
from follower import Follower
from reorganiser import Reorganiser
from senders import Senders
from server import Dead, Server, wait_until_drained

# Of the kills, those that must find requests in flight; and how many must fall inside a commit. Source: reliability, T1.
IN_FLIGHT_SHARE = 0.8
IN_COMMIT_LEAST = 3
LOAD_S = (0.3, 5.0)
ROW_KINDS = ("alert", "answer", "details", "group", "incident", "members")


class Kills:
    """Kills, what they hit, and how long it took until something came out again."""

    def __init__(self, server, senders, follower, count: int, chance: random.Random, mutation=None):
        self.server, self.senders, self.follower, self.mutation = server, senders, follower, mutation
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
            self._aim(nth)
            self._kill(load_s)

    def _aim(self, nth):
        """Waits for a moment that is worth a kill: three in a commit, one with requests in flight."""
        if self.mutation == "forgotten-cursor":
            # Every 5th commit forgets it, and the next one makes it good: few random kills would ever see it.
            self.server.wait_for_commit(lambda seq: seq > 0 and seq % 5 == 0, 10)
        elif nth % 4 != 3:
            self.server.wait_for(lambda appends, commits: appends > 0 and commits > 0, 2)
        else:
            self.server.wait_for(lambda appends, _: appends > 0, 1)

    def _kill(self, load_s):
        killed_at = time.time()
        appends, commits = self.server.kill()
        self.done += 1
        self.in_flight += appends > 0
        self.in_commit += commits > 0
        self.server.start()
        # Append times are the server's own clock, which is this machine's: what came before the kill is told apart.
        while self.follower.newest_at <= killed_at * 1000 and time.time() < killed_at + 60 and self.senders.running():
            time.sleep(0.005)
        gap_s = time.time() - killed_at
        self.longest_gap_s = max(self.longest_gap_s, gap_s)
        print(f"kill {self.done} after {load_s:.1f} s of load: {appends} appends and {commits} commits in flight, "
              f"gap {gap_s:.2f} s", flush=True)

    def met(self) -> bool:
        """Whether the kills hit enough to prove something."""
        return (self.done >= self.count and self.in_flight >= IN_FLIGHT_SHARE * self.done
                and self.in_commit >= min(IN_COMMIT_LEAST, self.count))


def main() -> int:
    chosen = arguments()
    home = pathlib.Path(tempfile.mkdtemp(prefix="campanile-exactly-once-")).resolve()
    findings, told, proves = Findings(shown=20), "the run did not come to its end", False
    try:
        told, proves = run(chosen, home, findings)
    except Dead as death:
        # A server that finds its own disk to have lied is a finding; any other end of the run proves nothing.
        if not (chosen.mutate == "skip-fsync" and "lost confirmed writes" in str(death)):
            print(f"the run did not come to its end, nothing was judged: {death}\nkept: {home}")
            return 3
        findings.add("lost", str(death))
    for words in findings.words:
        print(words)
    if chosen.keep or not (findings.clean or chosen.mutate):
        print(f"kept: {home}")
    else:
        shutil.rmtree(home)
    if findings.clean and not proves:
        print(f"the kills prove too little: {IN_FLIGHT_SHARE:.0%} must find requests in flight and {IN_COMMIT_LEAST} fall "
              "inside a commit; run again, or longer")
    print(f"{findings.line().removesuffix(', wrong 0')} · {told}")
    return 1 if not findings.clean else 0 if proves else 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", choices=["rocks"], default="rocks")
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--rate", type=float, help="events per second; default: enough that the load outlasts the kills")
    parser.add_argument("--mutate", choices=["commit-before-state", "ack-before-append", "forgotten-cursor", "skip-fsync"],
                        help="break the server on purpose; the run must then fail")
    parser.add_argument("--power", choices=["cut"], help="cut files back to what was synced after each kill")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of kills and events")
    parser.add_argument("--campanile", type=pathlib.Path, help="a server with faults; default: built here")
    parser.add_argument("--load", type=pathlib.Path, help="the load harness; default: built here")
    parser.add_argument("--still", action="store_true", help="leave the organisation as it is; default: it changes all the time")
    parser.add_argument("--keep", action="store_true", help="keep the data directory")
    chosen = parser.parse_args()
    if chosen.mutate == "skip-fsync" and chosen.power != "cut":
        parser.error("the page cache outlives a kill: without --power cut nobody would miss a sync")
    chosen.campanile = chosen.campanile or binaries.server()
    chosen.load = chosen.load or binaries.load()
    # A gap of about a second follows each kill; some load must be left behind the last.
    chosen.rate = chosen.rate or chosen.events / (chosen.kills * (sum(LOAD_S) / 2 + 2) + 5)
    print(f"exactly-once: seed {chosen.seed}, {chosen.events} events at {chosen.rate:.0f}/s, {chosen.kills} kills", flush=True)
    return chosen


def run(chosen, home: pathlib.Path, findings: Findings) -> tuple:
    """One whole run: what was done, in words, and whether the kills hit enough to prove something."""
    directory = home / "directory"
    subprocess.run([chosen.load, "directory", directory, "--mix", "oracle", "--seed", str(chosen.seed)], check=True,
                   stdout=subprocess.DEVNULL)
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
        senders = Senders(chosen.load, server, chosen.events, chosen.seed, chosen.rate)
        commander = Commander(server.data, follower, chosen.seed)
        stack.callback(senders.clear)
        reorganiser = Reorganiser(server.data, chosen.seed)
        for part in (follower, senders, commander, *([] if chosen.still else [reorganiser])):
            part.start()
        kills = Kills(server, senders, follower, chosen.kills, chance, chosen.mutate)
        kills.run()
        # The rest of the load, and as long again for what waits behind it.
        for problem in senders.wait(60 + 3 * chosen.events / chosen.rate):
            findings.add("lost", problem)
        commander.stop()
        reorganiser.stop()
        wait_until_drained(server, 120)
        rows = keep_rows(server, card, home)
        follower.stop()
        if (code := server.end()) != 0:
            findings.add("wrong", f"SIGTERM: exit code {code}:\n{server.tail()}")
    export = export_log(chosen.campanile, server.data, card, home)
    reorganiser.check(findings)
    matched = judge(export, rows, senders, commander, follower, findings)
    told = (f"kills {kills.done} (in flight {kills.in_flight}, in commit {kills.in_commit}) · events {chosen.events} · "
            f"202s matched {matched} · epochs {reorganiser.applies} · longest gap {kills.longest_gap_s:.1f} s")
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
                    out.write(line_of(shard=shard, committed_seq=before[shard]))
                    for kind in ROW_KINDS:
                        for row in door.rows(shard, kind):
                            out.write(line_of(shard=shard, **row))
                if _commits(door) == before:
                    return path
            time.sleep(0.5)
    raise Dead("the rows did not stand still: timers fire without end")


def _commits(door) -> dict:
    return {shard["shard"]: shard["committed_seq"] for shard in door.ask("status")[1]["shards"]}


def line_of(**members) -> str:
    return json.dumps(members) + "\n"


def export_log(campanile, data: pathlib.Path, card: dict, home: pathlib.Path) -> pathlib.Path:
    """All topics of the stopped ledger, its card in front."""
    path = home / "export.ndjson"
    with open(path, "wb") as out:
        out.write(line_of(ledger=card["ledger"], shards=card["shards"]).encode())
        out.flush()
        subprocess.run([campanile, "log", "export", "--data", data], stdout=out, check=True)
    return path


def judge(export, rows, senders, commander, follower, findings) -> int:
    """Everything that can be compared. Gives how many promises were matched."""
    gc.disable()
    with open(export, encoding="utf-8") as lines:
        read = topics_.read(lines)
    with open(rows, encoding="utf-8") as lines:
        held = state.Rows(lines)
    _, ended = oracle.check(read, findings=findings, rows_at=held.at)
    held.compare(ended, findings)
    commander.check(read, findings)
    follower.check(read, findings)
    return journal.match(senders.journals, read, findings)


if __name__ == "__main__":
    sys.exit(main())
