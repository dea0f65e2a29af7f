"""What senders say they were promised, against what the log holds.

A journal is NDJSON, written before a try and after its answer: `{"send":7,"try":1,"action":"trigger","key":"…",
"dedup_key":"…"}`, then `{"answer":7,"try":1,"status":202}` over HTTP, or `{"answer":7,…,"status":"done","partition":0,
"offset":41}` for an append. Any other status is no promise: such a try may be in the log or not, and more than once.
The number is the event's member `event`.
"""

import json
import re

NUMBER = re.compile(rb'"event"\s*:\s*(\d+)')


def match(journals, topics, findings) -> int:
    """Every promised event is in `campanile.events`: an append where its answer said, an HTTP event at least once
    among the records that no append accounts for. Gives how many promises were kept."""
    promised, placed = _promises(journals)
    matched = 0
    for (partition, offset), (number, key) in placed.items():
        record = _record(topics, partition, offset)
        if record is not None and (record.key or b"") == key.encode() and _number(record.value) == number:
            matched += 1
        else:
            findings.add("lost", f"append {number} was promised events[{partition}] {offset}, which holds "
                         f"{record and record.value[:200]}")
    held = set()
    for partition in topics.numbers("events"):
        for record in topics.log("events", partition):
            if (partition, record.offset) not in placed and (name := _name(record.value)):
                held.add(name)
    for name in promised:
        if name in held:
            matched += 1
        else:
            findings.add("lost", f"event {name} was answered 202 and is not in the log")
    return matched


def _promises(journals) -> tuple:
    """HTTP events that were answered 202, by (number, dedup key); appends by place, with (number, record key)."""
    promised, placed = set(), {}
    for path in journals:
        sent = {}
        with open(path, encoding="utf-8") as lines:
            for text in lines:
                if not text.endswith("\n"):
                    break  # its sender was still writing it
                line = json.loads(text)
                if "send" in line:
                    sent[line["send"]] = line
                elif line["status"] == "done":
                    number = line["answer"]
                    placed[line["partition"], line["offset"]] = (number, sent[number]["key"])
                elif line["status"] == 202:
                    promised.add((line["answer"], sent[line["answer"]]["dedup_key"]))
    return promised, placed


def _record(topics, partition, offset):
    log = topics.log("events", partition)
    place = offset - (log[0].offset if log else 0)
    return log[place] if 0 <= place < len(log) else None


def _number(value: bytes):
    """Also of bytes that are no JSON any more."""
    found = NUMBER.search(value)
    return int(found[1]) if found else None


def _name(value: bytes):
    try:
        event = json.loads(value)
        return event["event"], event["dedup_key"]
    except (ValueError, KeyError, TypeError):
        return None
