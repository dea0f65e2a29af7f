"""State directories that are damaged, foreign, old or gone while their processor is dead; nothing may come of it but time.

What is not continued is kept until its replacement is verified, even if the process dies on the way. Source: reliability,
T13; LEDGER, 7.
"""

import random
import shutil
import time

from kills import wait_for_work

DIES_AT = "C11:3:die"
DIE_WAIT_S = 30


def _cut_manifest(house, table):
    for manifest in table.glob("MANIFEST-*"):
        with open(manifest, "r+b") as file:
            file.truncate(manifest.stat().st_size // 2)


def _flip_byte(house, table):
    for kept in [*table.glob("*.sst"), *table.glob("*.log")]:
        data = bytearray(kept.read_bytes())
        if data:
            data[len(data) // 2] ^= 0xFF
            kept.write_bytes(data)


def _delete(house, table):
    shutil.rmtree(table)


def _foreign(house, table):
    others = [path for path in sorted(table.parent.glob("triage-?")) if path != table]
    shutil.rmtree(table)
    shutil.copytree(others[0], table)


def _older(house, table):
    shutil.rmtree(table)
    shutil.copytree(house.older[table.name], table)


DAMAGES = {"manifest-cut": _cut_manifest, "byte-flipped": _flip_byte, "deleted": _delete, "foreign": _foreign,
           "older": _older}
# Those after which the directory cannot be continued and something of it is left that must be kept.
SET_ASIDE = ("manifest-cut", "foreign")


class Damages:
    def __init__(self, house, chance: random.Random):
        self.house, self.chance = house, chance
        self.done, self.longest_gap_s, self.note = {}, 0.0, "none was continued, none was deleted before its replacement"

    def run(self, count: int, findings, kinds=tuple(DAMAGES)):
        for nth in range(count):
            self._one(kinds[nth % len(kinds)], self.house.processors[nth % 2], findings)

    def _one(self, kind, victim, findings):
        home = victim.data / "kafka" / victim.name
        own = [shard for shard, it in self.house.cluster.committed().items() if it.owner == victim.name]
        victim.kill()
        shard = self.chance.choice(own)
        table = home / f"triage-{shard}"
        if kind == "older":
            kept = victim.data / "older"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(table, kept)
            self.house.older = {table.name: kept}
            victim.start()
            time.sleep(3)
            victim.kill()
        aside = set(home.glob(f"triage-{shard}.aside-*"))
        DAMAGES[kind](self.house, table)
        victim.launch_at(DIES_AT)
        victim.wait_died(DIE_WAIT_S)
        victim.clear()
        began = time.time()
        victim.start()
        gap_s = wait_for_work(self.house.follower.moved_on_everywhere, began, self.house.senders)
        if kind in SET_ASIDE and set(home.glob(f"triage-{shard}.aside-*")) <= aside:
            findings.add("wrong", f"{victim.name}, shard {shard}, {kind}: its directory was deleted and not "
                         "set aside")
        self.done[kind] = self.done.get(kind, 0) + 1
        self.longest_gap_s = max(self.longest_gap_s, gap_s)
        print(f"damage {kind} of {victim.name}, shard {shard}: at work {gap_s:.1f} s after it came back", flush=True)

    @property
    def injected(self) -> int:
        return sum(self.done.values())

    def told(self) -> str:
        return f"damaged directories {self.injected}: " + ", ".join(self.done)
