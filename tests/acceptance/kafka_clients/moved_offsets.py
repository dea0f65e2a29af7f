"""Somebody moves the group's offset: the shard is refused, and goes on only when a person has decided."""

import json
import subprocess
import time

import confluent_kafka

EVENTS = "campanile.events"
# The shortest that brokers take: nobody can move an offset before the processor's membership has ended.
SESSION = ["--kafka-option", "session.timeout.ms=6000"]


def move(brokers, group, partition, offset):
    """As kafka-consumer-groups.sh --reset-offsets does it: without metadata, once the group is empty."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False})
    until = time.monotonic() + 30
    while True:
        try:
            consumer.commit(offsets=[confluent_kafka.TopicPartition(EVENTS, partition, offset)], asynchronous=False)
            consumer.close()
            return
        except confluent_kafka.KafkaException:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def run(binary, verb, brokers):
    words = [binary, "offsets", verb, "--kafka", brokers] + ([] if verb == "show" else ["--shard", "0"])
    return subprocess.run(words, capture_output=True, text=True, check=False)


def decide(binary, verb, brokers):
    """Decides as soon as the group is empty."""
    until = time.monotonic() + 30
    while (done := run(binary, verb, brokers)).returncode != 0 and "members" in done.stderr and time.monotonic() < until:
        time.sleep(0.5)
    return done


def ledger_group(binary, brokers):
    lines = subprocess.run([binary, "doctor", "--kafka", brokers, "--read-only", "--json"], capture_output=True, text=True, check=False)
    checks = [json.loads(line) for line in lines.stdout.splitlines()]
    return next(it["found"] for it in checks if it["check"] == "group").split()[0]


def check(brokers, binary, start, stop, refused):
    """`start` starts the processor, `stop` ends it, `refused` says how many shards are refused. Gives faults."""
    faults = []
    group = ledger_group(binary, brokers)
    stop()
    shown = run(binary, "show", brokers)
    if shown.returncode != 0:
        faults.append(f"offsets show finds a move where none is: {shown.stdout}{shown.stderr}")
    unmoved = decide(binary, "accept", brokers)
    if unmoved.returncode == 0:
        faults.append("offsets accept decides although nothing was moved")
    for verb in ("restore", "accept"):
        move(brokers, group, 0, 0)
        if run(binary, "show", brokers).returncode != 1:
            faults.append("offsets show does not see a moved offset")
        start()
        if refused(1) != 1:
            faults.append(f"before {verb}: a shard whose offset was moved is not refused")
        stop()
        decided = decide(binary, verb, brokers)
        if decided.returncode != 0:
            faults.append(f"offsets {verb}: {decided.stderr}")
        start()
        if refused(0) != 0:
            faults.append(f"after {verb}: the shard is still refused")
        stop()
    return faults
