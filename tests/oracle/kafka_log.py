"""Reading a ledger's topics from Kafka, read_committed, with a client that is none of the product's code."""

import json
import threading
import time

import xxhash
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

import topics as topics_
from follower import Shown
from process import Dead

CHANGELOG = "campanile.changelog.triage"
# The ledger's card on the topic of the directory, which is none of its objects.
CARD = b"~card"
COMMIT = b"~commit"
JUDGED = ("events", "triage", "commands", "directory", "incidents", "alerts", "dead-letters", "steps")
SILENCE_S = 60


def reading(brokers: str) -> dict:
    return {"bootstrap.servers": brokers, "group.id": "campanile-oracle", "isolation.level": "read_committed",
            "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "error",
            "reconnect.backoff.max.ms": 500, "log_level": 0}


def read(brokers: str, names: list):
    """Every committed record of these topics, those of a partition in their order."""
    consumer = Consumer(reading(brokers))
    try:
        listed = consumer.list_topics(timeout=30).topics
        places = [TopicPartition(name, number, OFFSET_BEGINNING) for name in names for number in listed[name].partitions]
        for place in places:
            if (low := consumer.get_watermark_offsets(place, timeout=30)[0]) != 0:
                raise Dead(f"{place.topic}[{place.partition}] begins at {low}: what came before was trimmed")
        consumer.assign(places)
        yield from until_ends(consumer, {(place.topic, place.partition) for place in places})
    finally:
        consumer.close()


def count(brokers: str, place: TopicPartition, first: int, end: int) -> int:
    """Committed records of a partition from one offset up to, without, another."""
    if first >= end:
        return 0
    consumer = Consumer(reading(brokers))
    try:
        consumer.assign([TopicPartition(place.topic, place.partition, first)])
        return sum(message.offset() < end for message in until_ends(consumer, {(place.topic, place.partition)}))
    finally:
        consumer.close()


def until_ends(consumer, left: set):
    """What comes until the ends of these partitions were told."""
    heard = time.monotonic()
    while left:
        for message in consumer.consume(5000, 0.5):
            heard = time.monotonic()
            if message.error() is None:
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard((message.topic(), message.partition()))
        if time.monotonic() - heard > SILENCE_S:
            raise Dead(f"nothing was heard of {left} for {SILENCE_S} s")


def export(brokers: str, ledger: str, shards: int, path):
    """All topics as `campanile log export` writes them, and the commit records of the changelog as topic `commits`.
    Gives the digest of each shard's rows and timers as they stand at the end of the changelog."""
    tables = [{} for _ in range(shards)]
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps({"ledger": ledger, "shards": shards, "gaps": True}) + "\n")
        for message in read(brokers, [f"campanile.{name}" for name in JUDGED]):
            if message.key() != CARD:
                out.write(_line(message.topic(), message))
        for message in read(brokers, [CHANGELOG]):
            if message.key() == COMMIT:
                out.write(_line("campanile.commits", message))
            else:
                tables[message.partition()][message.key()] = message.value()
    return [digest(table) for table in tables]


def _line(topic: str, message) -> str:
    headers = {name: (value or b"").decode() for name, value in message.headers() or ()}
    line = {"topic": topic, "partition": message.partition(), "offset": message.offset(),
            "at": message.timestamp()[1], "headers": headers}
    for name, value in (("key", message.key()), ("value", message.value())):
        line.update(topics_.written(name, value))
    return json.dumps(line) + "\n"


def digest(table: dict) -> int:
    """The sum over rows and timers of a 128-bit hash of key and value, as the design's page of the ledger defines it."""
    total = 0
    for key, value in table.items():
        if value is not None:
            total += xxhash.xxh3_128_intdigest(len(key).to_bytes(4, "little") + key + value)
    return total % (1 << 128)


class Reader(Shown):
    """Follows `campanile.incidents` beside the run with a consumer of its own, which comes again from time to time."""

    def __init__(self, brokers: str, shards: int, again_s=5.0):
        super().__init__(shards, gaps=True)
        self.brokers, self.again_s = brokers, again_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self):
        while not self._stop.is_set():
            consumer = Consumer(reading(self.brokers))
            shards = range(len(self.seen))
            consumer.assign([TopicPartition("campanile.incidents", shard, self.again_from(shard)) for shard in shards])
            until = time.monotonic() + self.again_s
            while time.monotonic() < until and not self._stop.is_set():
                for message in consumer.consume(500, 0.05):
                    if message.error() is None:
                        self.take(message.partition(), message.offset(), message.timestamp()[1],
                                  message.value().decode())
            consumer.close()
