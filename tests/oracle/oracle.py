#!/usr/bin/env python3
"""The oracle: judges again, from inputs and step records alone, everything that a Campanile has published.

    campanile log export --data DIR | python3 tests/oracle/oracle.py -
    python3 tests/oracle/oracle.py export.ndjson --journal sent.ndjson --rows rows.ndjson

Shares no code with Campanile. It takes from the export what went in (`campanile.events`, `campanile.commands`,
`campanile.directory`, the forwarded events on `campanile.triage`) and what each commit consumed (`campanile.steps`),
derives what must have come out, and compares: `campanile.incidents`, `campanile.alerts`, `campanile.dead-letters`, and
`campanile.triage` itself, and the rows of the shards if they are given. One line: `lost 0, duplicated 0, out of order 0, wrong 0`; exit code 1 if any is not 0.

What it cannot know: inputs that were judged at the wall because their append time was far ahead of it; no step tells.
"""

import argparse
import gc
import json
import sys
from collections import defaultdict

import directory
import identity
import journal
import state
import topics as topics_
from compare import Findings, same_bag
from replay import Shard, sent_on


def ledger_of(topics) -> int:
    """The bits of the ledger's id that ids show: from its card if the export has one, else from the first id."""
    if topics.ledger and "ledger" in topics.ledger:
        written = topics.ledger["ledger"]
        return (written if isinstance(written, int) else int(written, 16)) & 0xFFF
    for partition in topics.numbers("alerts"):
        for record in topics.log("alerts", partition):
            return identity.ledger_bits(json.loads(record.value)["id"])
    return 0


def shards_of(topics) -> int:
    if topics.ledger and "shards" in topics.ledger:
        return topics.ledger["shards"]
    inputs = ("steps", "events", "triage", "commands")
    return max((number + 1 for topic in inputs for number in topics.numbers(topic)), default=1)


def check(topics, shards=None, ledger=None, findings=None, rows_at=None):
    """Judges an export. Gives the findings and the shards as they stand at the end. `rows_at`: by shard, the commit at
    which its rows are to be kept."""
    findings = findings or Findings()
    for problem in topics.problems:
        findings.add("out of order", problem)
    # With gaps, what comes first may have been aborted; whoever wrote the export has looked that nothing was trimmed.
    for topic in topics_.PLAIN if topics.gaps else ("events", "triage", "commands", "steps"):
        for partition in topics.numbers(topic):
            first = topics.log(topic, partition)[0].offset
            findings.add("lost", f"{topic}[{partition}] begins at offset {first}: what came before was trimmed", first)
    shards = shards or shards_of(topics)
    ledger = ledger_of(topics) if ledger is None else ledger & 0xFFF
    snapshots = directory.snapshots(topics.log("directory", 0), shards)
    forwarded, ended = [], []
    for shard in range(shards):
        replay = Shard(topics, shard, ledger, snapshots, findings, forwarded,
                       (rows_at or {}).get(shard))
        replay.run()
        ended.append(replay)
    check_hops(topics, shards, forwarded, findings)
    return findings, ended


def check_hops(topics, shards: int, forwarded: list, findings):
    """Every forwarded event stands on its home's hop lane exactly once, those of one sender in the order it sent them."""
    wanted, found = defaultdict(list), defaultdict(list)
    for home, *event in forwarded:
        wanted[home].append(tuple(event))
    for home in range(shards):
        for record in topics.log("triage", home):
            source = record.source()
            if source:
                found[home].append((*source, *sent_on(record)))
    for home in range(shards):
        same_bag(f"triage[{home}]", wanted[home], found[home], findings)
        last = {}
        for partition, offset, _, hops, *_ in found[home]:
            if hops == 1:
                if offset < last.get(partition, -1):
                    findings.add("out of order", f"triage[{home}]: offset {offset} of partition {partition} comes too late")
                last[partition] = offset


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("export", help="NDJSON of `campanile log export`, or - for standard input")
    parser.add_argument("--journal", action="append", default=[], help="what a sender was promised; may be given again")
    parser.add_argument("--rows", help="rows of the shards, as the operator's door gives them")
    parser.add_argument("--shards", type=int, help="shards of the ledger; default: what the export shows")
    parser.add_argument("--ledger", type=lambda text: int(text, 16), help="id of the ledger in hex; default: what ids show")
    chosen = parser.parse_args(arguments)
    gc.disable()
    lines = sys.stdin if chosen.export == "-" else open(chosen.export, encoding="utf-8")
    topics = topics_.read(lines)
    rows = None
    if chosen.rows:
        with open(chosen.rows, encoding="utf-8") as lines:
            rows = state.Rows(lines)
    findings, ended = check(topics, chosen.shards, chosen.ledger, rows_at=rows and rows.at)
    extra = ""
    if chosen.journal:
        extra = f" · 202s matched {journal.match(chosen.journal, topics, findings)}"
    if rows:
        rows.compare(ended, findings)
        extra += f" · rows {rows.count}"
    incidents, alerts = state.open_things(ended)
    for words in findings.words:
        print(words)
    print(f"{findings.line()}{extra} · events {topics.count('events')} · "
          f"open {len(incidents)} incidents, {len(alerts)} alerts")
    return 0 if findings.clean else 1


if __name__ == "__main__":
    sys.exit(main())
