"""Reading an export: NDJSON, one record a line, of every topic of a ledger.

A line is `{"topic","partition","offset","at","key","value"|"value_base64","headers"}`. A line without a topic is the
ledger's card, `{"ledger":"…","shards":4}`; with `"gaps":true` offsets of topics that are written in transactions have
gaps, where the ends of transactions and what was aborted lie.
"""

import base64
import bisect
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


# Topics that nobody writes in a transaction: their offsets follow each other on every ledger.
PLAIN = ("events", "commands")


class Topics:
    """Records by topic (without `campanile.` in front) and partition, in the order of their offsets."""

    def __init__(self):
        self.partitions, self.problems = {}, []
        self.ledger, self.gaps = None, False

    def add(self, topic: str, partition: int, record: Record):
        topic = topic.removeprefix("campanile.")
        log = self.partitions.setdefault((topic, partition), [])
        follows = not log or record.offset == log[-1].offset + 1
        if self.gaps and topic not in PLAIN:
            follows = not log or record.offset > log[-1].offset
        if not follows or log and record.at < log[-1].at:
            self.problems.append(f"{topic}[{partition}]: offset {record.offset} at {record.at} follows offset "
                                 f"{log[-1].offset} at {log[-1].at}")
        log.append(record)

    def log(self, topic: str, partition: int) -> list:
        return self.partitions.get((topic, partition), [])

    def place(self, topic: str, partition: int, offset: int) -> int:
        """Place in the log of the first record at or behind an offset."""
        log = self.log(topic, partition)
        if not self.gaps or topic in PLAIN:
            return min(max(offset - (log[0].offset if log else 0), 0), len(log))
        return bisect.bisect_left(log, offset, key=lambda record: record.offset)

    def at(self, topic: str, partition: int, offset: int):
        """The record of an offset, or None."""
        log, place = self.log(topic, partition), self.place(topic, partition, offset)
        return log[place] if place < len(log) and log[place].offset == offset else None

    def between(self, topic: str, partition: int, first: int, end: int) -> int:
        """Records from one offset up to, without, another."""
        return self.place(topic, partition, end) - self.place(topic, partition, first)

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


def written(name: str, value) -> dict:
    """The members by which a line tells these bytes."""
    if value is None:
        return {}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}


def read(lines) -> Topics:
    """The topics in these lines, whatever order partitions come in."""
    topics = Topics()
    for text in lines:
        line = json.loads(text)
        if "topic" not in line:
            topics.ledger, topics.gaps = line, line.get("gaps", False)
            continue
        record = Record(line["offset"], line["at"], _bytes(line, "key"), _bytes(line, "value") or b"",
                        line.get("headers") or {})
        topics.add(line["topic"], line["partition"], record)
    return topics
