"""Commit records of a ledger on Kafka, as its changelog holds them: the history of each shard, and its laws.

A record is `1;seq;owner;claim;main;hop;door;out_seq;serial;now;epoch;digest`. In an export they are the topic `commits`,
noted by a reader beside the run, for the changelog keeps only the newest.
"""

import json
from collections import namedtuple

Commit = namedtuple("Commit", "seq owner claim next out_seq serial now epoch digest")


def parse(text: str) -> Commit:
    """Raises ValueError for what is no commit record of format 1."""
    version, seq, owner, claim, main, hop, door, out_seq, serial, now, epoch, digest = text.split(";")
    if version != "1":
        raise ValueError(f"{text!r} is of another format")
    return Commit(int(seq), owner, claim, (int(main), int(hop), int(door)), int(out_seq), int(serial), int(now),
                  int(epoch), int(digest, 16))


def history(topics, shard: int) -> list:
    """(changelog offset, append time, commit), in the order of the changelog."""
    return [(record.offset, record.at, parse(record.value.decode())) for record in topics.log("commits", shard)]


def claims(topics, shard: int) -> set:
    """Numbers of the commits that claimed the shard: the first of each claim."""
    found, last = set(), None
    for _, _, commit in history(topics, shard):
        if commit.claim != last:
            found.add(commit.seq)
            last = commit.claim
    return found


def check(topics, shards: int, findings):
    """Commits are numbered one by one; a claim that another has followed never commits again; a commit and its step say
    the same."""
    for shard in range(shards):
        seq, claim, gone = 0, None, set()
        steps = {step["seq"]: step for step in (json.loads(it.value) for it in topics.log("steps", shard))}
        for offset, _, commit in history(topics, shard):
            where = f"changelog[{shard}] {offset}: commit {commit.seq} of {commit.owner}"
            if commit.seq != seq + 1:
                findings.add("lost" if commit.seq > seq + 1 else "duplicated", f"{where} follows commit {seq}")
            if commit.claim in gone:
                findings.add("wrong", f"{where}: a zombie's, its claim {commit.claim} had been followed by another")
            if claim is not None and commit.claim != claim:
                gone.add(claim)
            is_claim, seq, claim = commit.claim != claim, commit.seq, commit.claim
            step = steps.pop(commit.seq, None)
            if step is None:
                if not is_claim:
                    findings.add("lost", f"{where} has no step record")
                continue
            said = (tuple(step["next"]), step["out_seq"], step["serial"], step["now"], step["epoch"])
            found = (commit.next, commit.out_seq, commit.serial, commit.now, commit.epoch)
            if said != found:
                findings.add("wrong", f"{where}: the commit record says {found}, its step {said}")
        for number in steps:
            findings.add("wrong", f"steps[{shard}]: commit {number} is not in the changelog")
