"""Reading an export: NDJSON, one record a line, of every topic of a ledger.

A line is `{"topic","partition","offset","at","key","value"|"value_base64","headers"}`. A line without a topic is the
ledger's card, `{"ledger":"…","shards":4}`.
"""

import base64
import json


class Record:
    __slots__ = ("offset", "at", "key", "value", "headers")

    def __init__(self, offset, at, key, value, headers):
        self.offset, self.at, self.key, self.value, self.headers = offset, at, key, value, headers

    def source(self):
        """(partition, offset, at, hops) that the header of a forwarded event tells; None if it is not readable."""
        try:
            partition, offset, at, hops = map(int, self.headers["campanile-source"].split(";"))
        except (KeyError, ValueError):
            return None
        return partition, offset, at, hops


class Topics:
    """Records by topic (without `campanile.` in front) and partition, in the order of their offsets."""

    def __init__(self):
        self.partitions, self.problems = {}, []
        self.ledger = None

    def add(self, topic: str, partition: int, record: Record):
        log = self.partitions.setdefault((topic.removeprefix("campanile."), partition), [])
        if log and (record.offset != log[-1].offset + 1 or record.at < log[-1].at):
            self.problems.append(f"{topic}[{partition}]: offset {record.offset} at {record.at} follows offset "
                                 f"{log[-1].offset} at {log[-1].at}")
        log.append(record)

    def log(self, topic: str, partition: int) -> list:
        return self.partitions.get((topic, partition), [])

    def count(self, topic: str) -> int:
        """Records of a topic in all partitions."""
        return sum(len(log) for (name, _), log in self.partitions.items() if name == topic)

    def numbers(self, topic: str) -> list:
        return sorted(partition for name, partition in self.partitions if name == topic)


def _bytes(line: dict, name: str):
    if (text := line.get(name)) is not None:
        return text.encode()
    if (text := line.get(f"{name}_base64")) is not None:
        return base64.b64decode(text)
    return None


def read(lines) -> Topics:
    """The topics in these lines, whatever order partitions come in."""
    topics = Topics()
    for text in lines:
        line = json.loads(text)
        if "topic" not in line:
            topics.ledger = line
            continue
        record = Record(line["offset"], line["at"], _bytes(line, "key"), _bytes(line, "value") or b"",
                        line.get("headers") or {})
        topics.add(line["topic"], line["partition"], record)
    return topics
