"""What senders say they were promised, against what the log holds.

A journal is NDJSON, one line per answer: `{"dedup_key":"…","index":7,"acknowledged":true}`. The index is the event's
number in its sender's stream, which stands in its `custom_details.event`; with the dedup key it names one event.
"""

import json
import re

DEDUP_KEY = re.compile(rb'"dedup_key"\s*:\s*"([^"\\]*)"')
INDEX = re.compile(rb'"event"\s*:\s*(\d+)')


def match(journals, topics, findings) -> int:
    """Every acknowledged event is in `campanile.events` at least once. Gives how many were matched."""
    held = set()
    for partition in topics.numbers("events"):
        for record in topics.log("events", partition):
            key, index = DEDUP_KEY.search(record.value), INDEX.search(record.value)
            if key and index:
                held.add((key[1].decode(), int(index[1])))
    matched = 0
    for path in journals:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    break  # the sender was still writing it
                entry = json.loads(line)
                if not entry["acknowledged"]:
                    continue
                if (entry["dedup_key"], entry["index"]) in held:
                    matched += 1
                else:
                    findings.add("lost", f"event {entry['index']} of {entry['dedup_key']} was acknowledged and is not in the log")
    return matched
