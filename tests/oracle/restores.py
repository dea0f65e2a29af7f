"""What processors say of their restores, against the changelog: how much of it they read again."""

import bisect

import commits

# A table is written behind every second, on a turn of its worker; the rest is room for a busy machine.
TAIL_MAX_MS = 1000 + 3000
DAMAGE = ("the local rows are not those that were committed; restoring anew", "the state directory is set aside",
          "the state directory is damaged; setting it aside")
REFUSED = "a shard is refused; a person must look"
RESTORED = "the shard is restored"


class Restores:
    """`warm`: restores by the instance that had the shard last; `tail`: records, and milliseconds, of the longest."""

    def __init__(self):
        self.warm = self.other = 0
        self.longest_records = self.longest_ms = 0

    def told(self) -> str:
        return (f"restores {self.warm} of an own shard (at most {self.longest_records} records, {self.longest_ms} ms of "
                f"changelog), {self.other} of another's")


def check(topics, roles, shards: int, findings, damage_is_wrong=True) -> Restores:
    """A kill costs the changelog's tail since the last write-behind and no more, and damages no directory."""
    found = Restores()
    histories = [commits.history(topics, shard) for shard in range(shards)]
    for role in roles:
        for _, line in role.told(RESTORED):
            _one(found, role.name, line, histories[line["shard"]], findings if damage_is_wrong else None)
        # Whatever is damaged on one machine, the cluster has it whole: no shard is ever refused.
        words = (*DAMAGE, REFUSED) if damage_is_wrong else (REFUSED,)
        for _, line in role.told(*words):
            findings.add("wrong", f"{role.name}, shard {line['shard']}: {line['message']}: {line.get('reason', '')}")
    return found


def _one(found, name, line, history, findings):
    offsets = [offset for offset, _, _ in history]
    last = bisect.bisect_left(offsets, line["until"]) - 1
    if last < 0:
        return  # a new shard
    if history[last][2].owner != name:
        found.other += 1
        return
    found.warm += 1
    first = min(bisect.bisect_left(offsets, line["from"]), last)
    tail_ms = history[last][1] - history[first][1]
    found.longest_records = max(found.longest_records, line["records"])
    found.longest_ms = max(found.longest_ms, tail_ms)
    if findings and tail_ms > TAIL_MAX_MS:
        findings.add("wrong", f"{name}, shard {line['shard']}: a restore read {tail_ms} ms of changelog from "
                     f"{line['from']} to {line['until']}; what was written behind must not be read again")
