#!/usr/bin/env python3
"""Events from kcat, Java's and Python's Kafka clients, with and without a key, read back by kcat with read_committed.

  tests/acceptance/kafka_clients/check.py BINARY

A broker and a processor of its own. What must hold:

  every alert opened exactly one incident, whoever produced it and however it was keyed;
  of alerts whose producer set a key, the order held: trigger, repeat and resolve gave one alert of count 2, resolved;
  an event whose partition is its home took no hop, any other took one: the metric, counted from where the records lie;
  kcat and Python's consumer read the same committed records;
  a shard whose offset somebody moved is refused, until `campanile offsets restore` or `accept`.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import confluent_kafka

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/oracle"))
import moved_offsets  # noqa: E402
import murmur2  # noqa: E402

SHARDS = 4
# Alerts of each client in each way of keying.
ALERTS = 40
PATIENCE_S = 40
EVENTS, INCIDENTS, ALERT_RECORDS = "campanile.events", "campanile.incidents", "campanile.alerts"


def free_port(ports=1):
    """The first of so many free ports in a row."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
        try:
            for one in range(port, port + ports):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", one))
            return port
        except OSError:
            continue


def routing_keys():
    """Keys of services that group by fields which these events lack, so that each alert is an incident."""
    keys = []
    for path in sorted((ROOT / "examples/seed-organisation/services").glob("*.json")):
        service = json.loads(path.read_text())["service"]
        if (service.get("alert_grouping_parameters") or {}).get("type") == "content_based":
            keys += [key for one in service.get("integrations", []) if (key := one.get("integration_key"))]
    return keys


class Alert:
    """One alert to be: its producer and way of keying are in its dedup key."""

    def __init__(self, phase, number, routing_key):
        self.name, self.routing_key = f"{phase}-{number}", routing_key

    def event(self, action):
        event = {"routing_key": self.routing_key, "event_action": action, "dedup_key": self.name}
        if action == "trigger":
            event["payload"] = {"summary": self.name, "source": "test", "severity": "critical"}
        return json.dumps(event)


def java_classes():
    cache = os.environ.get("CAMPANILE_CACHE") or pathlib.Path(
        os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "campanile"
    return f"{cache}/kafka/4.3.1/libs/*"


def produce_java(brokers, records, _partitioner):
    lines = "".join(f"{key or ''}\t{value}\n" for key, value in records)
    source = ROOT / "tests/acceptance/kafka_clients/Produce.java"
    done = subprocess.run(["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", java_classes(), source, brokers, EVENTS],
                          input=lines, text=True, capture_output=True, check=False)
    if done.returncode != 0 or done.stdout.strip() != str(len(records)):
        raise RuntimeError(f"java: {done.stdout} {done.stderr[-2000:]}")


def produce_kcat(brokers, records, partitioner):
    command = ["kcat", "-P", "-b", brokers, "-t", EVENTS, "-X", "acks=all"]
    if partitioner:
        command += ["-X", f"topic.partitioner={partitioner}"]
    if records[0][0]:
        command += ["-K", "\t"]
    lines = "".join((f"{key}\t" if key else "") + f"{value}\n" for key, value in records)
    subprocess.run(command, input=lines, text=True, check=True)


def produce_python(brokers, records, partitioner):
    settings = {"bootstrap.servers": brokers, "acks": "all"}
    if partitioner:
        settings["partitioner"] = partitioner
    producer, faults = confluent_kafka.Producer(settings), []
    for key, value in records:
        producer.produce(EVENTS, value, key, on_delivery=lambda error, _: error and faults.append(error))
    producer.flush(20)
    if faults or len(producer):
        raise RuntimeError(f"python: {faults}, {len(producer)} not delivered")


CLIENTS = {"java": produce_java, "kcat": produce_kcat, "python": produce_python}
# Way of keying, its clients, and the partitioner they are told to use. Java's own is murmur2, the others' is CRC32.
PHASES = [
    ("home", ["java", "kcat", "python"], "murmur2_random"),
    ("crc", ["kcat", "python"], None),
    ("keyless", ["java", "kcat", "python"], None),
]


def kcat_read(brokers, topic):
    """(partition, key, value) of every committed record."""
    done = subprocess.run(["kcat", "-C", "-q", "-e", "-b", brokers, "-t", topic, "-o", "beginning",
                           "-X", "isolation.level=read_committed", "-f", "%p\t%k\t%s\n"],
                          capture_output=True, text=True, check=True)
    return [(int(partition), key, value) for partition, key, value in
            (line.split("\t", 2) for line in done.stdout.splitlines())]


def python_read(brokers, topic):
    """The same by Python's client."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": brokers, "group.id": "reader", "isolation.level": "read_committed",
        "enable.auto.commit": False, "enable.partition.eof": True})
    partitions = range(len(consumer.list_topics(topic, 10).topics[topic].partitions))
    consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in partitions])
    found, ended, until = [], set(), time.monotonic() + PATIENCE_S
    while len(ended) < len(partitions) and time.monotonic() < until:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            ended.add(message.partition())
        else:
            found.append((message.partition(), message.value().decode()))
    consumer.close()
    return found


def page(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return answer.read().decode()


def metric(port, name):
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", page(port), flags=re.M))


def wait(what, is_there):
    until = time.monotonic() + PATIENCE_S
    while not is_there():
        if time.monotonic() > until:
            raise RuntimeError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.3)


def revisions(brokers):
    """Kinds of change of each incident, by the alert that opened it."""
    found = {}
    for _, _, value in kcat_read(brokers, INCIDENTS):
        record = json.loads(value)
        if record.get("data"):
            found.setdefault(record["data"]["title"], []).append((record["data"]["id"], record["event_type"]))
    return found


def strays(brokers, names):
    """Events of these alerts that do not lie in the partition of their routing key, and all of them."""
    events = [(partition, json.loads(value)) for partition, _, value in kcat_read(brokers, EVENTS)]
    events = [(partition, event) for partition, event in events if event["dedup_key"] in names]
    away = [event for partition, event in events if murmur2.home(event["routing_key"], SHARDS) != partition]
    return len(away), len(events)


def phase(name, clients, partitioner, keys, brokers, port):
    """One way of keying; gives its faults and a line to show."""
    is_keyed = name != "keyless"
    faults, alerts = [], []
    before = metric(port, "campanile_forwarded_total")
    for client in clients:
        own = [Alert(f"{name}-{client}", number, keys[number % len(keys)]) for number in range(ALERTS)]
        alerts += own
        # Without a key no order is promised, so such an alert has one event.
        actions = ["trigger", "trigger", "resolve"] if is_keyed else ["trigger"]
        records = [(alert.routing_key if is_keyed else None, alert.event(action)) for action in actions for alert in own]
        CLIENTS[client](brokers, records, partitioner)
    names = {alert.name for alert in alerts}
    last = "incident.resolved" if is_keyed else "incident.triggered"
    def all_there():
        found = revisions(brokers)
        return all(any(kind == last for _, kind in found.get(name, [])) for name in names)
    try:
        wait(f"{name}: every incident as far as {last}", all_there)
    except RuntimeError as error:
        faults.append(str(error))
    found = revisions(brokers)
    wanted = ["incident.triggered", "incident.resolved"] if is_keyed else ["incident.triggered"]
    for alert in sorted(names):
        kinds = [kind for _, kind in found.get(alert, [])]
        if kinds != wanted:
            faults.append(f"{alert}: {kinds}, expected {wanted}")
    away, count = strays(brokers, names)
    hops = metric(port, "campanile_forwarded_total") - before
    if hops != away:
        faults.append(f"{name}: {hops:.0f} hops, and {away} of {count} events lie away from home")
    if name == "home" and away or name == "crc" and not away:
        faults.append(f"{name}: {away} of {count} events lie away from home, which is not what this part is for")
    return faults, f"{name}: {count} events of {len(names)} alerts by {', '.join(clients)}, {away} away from home, {hops:.0f} hops"


def counts(brokers):
    """The last count of each alert, by dedup key."""
    found = {}
    for _, _, value in kcat_read(brokers, ALERT_RECORDS):
        record = json.loads(value)
        found[record["alert_key"]] = record["count"]
    return found


def check(brokers, port, binary):
    faults, keys = [], routing_keys()
    for name, clients, partitioner in PHASES:
        found, line = phase(name, clients, partitioner, keys, brokers, port)
        faults += found
        print(line)
    for alert, count in counts(brokers).items():
        expected = 1 if alert.startswith("keyless") else 2
        if count != expected:
            faults.append(f"{alert}: count {count}, expected {expected}")
    by_kcat = sorted((partition, value) for partition, _, value in kcat_read(brokers, INCIDENTS))
    by_python = sorted(python_read(brokers, INCIDENTS))
    if by_kcat != by_python:
        faults.append(f"kcat reads {len(by_kcat)} committed incidents, Python {len(by_python)}")
    lines = subprocess.run([binary, "doctor", "--kafka", brokers, "--json"], capture_output=True, text=True, check=False)
    checks = [json.loads(line) for line in lines.stdout.splitlines()]
    producers = [it for it in checks if it["check"] == "producers"]
    if [it["verdict"] for it in producers] != ["warning"] or lines.returncode != 0:
        faults.append(f"the doctor says {[it for it in checks if it['verdict'] != 'good']}, exit {lines.returncode}")
    return faults


class Processor:
    def __init__(self, binary, brokers, data):
        self.words = [binary, "processor", "--kafka", brokers, "--instance", "one", "--data", data, "--log-level", "warn",
                      *moved_offsets.SESSION]
        self.port, self.process = free_port(), None

    def start(self):
        self.process = subprocess.Popen([*self.words, "--listen", f"127.0.0.1:{self.port}"])
        wait("the processor", self.is_up)

    def is_up(self):
        try:
            return metric(self.port, "campanile_build_info") == 1
        except OSError:
            return False

    def refused(self, wanted):
        """Shards that are refused, once they are as many as wanted or patience is over."""
        def all_told():
            opened = sum(1 for _ in re.finditer(r"^campanile_lag_seconds\{", page(self.port), flags=re.M))
            refused = metric(self.port, "campanile_shard_refused")
            return refused == wanted and opened + refused >= SHARDS
        try:
            wait("the shards", all_told)
        except RuntimeError:
            pass
        return metric(self.port, "campanile_shard_refused")

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None


def main(binary):
    environment = os.environ | {"PORT": str(free_port(2)), "UNTIL": str(os.getpid()), "KAFKA_HEAP": "512m"}
    script = str(ROOT / "scripts/kafka.sh")
    brokers = subprocess.run([script, "up"], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="campanile-clients-") as data:
        processor = Processor(binary, brokers, data)
        try:
            subprocess.run([binary, "topics", "create", "--kafka", brokers, "--shards", str(SHARDS)], check=True)
            subprocess.run([binary, "directory", "apply", str(ROOT / "examples/seed-organisation"), "--kafka", brokers],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            processor.start()
            faults = check(brokers, processor.port, binary)
            before = revisions(brokers)
            faults += moved_offsets.check(brokers, binary, processor.start, processor.stop, processor.refused)
            after = revisions(brokers)
            if lost := [name for name, found in before.items() if after.get(name, [])[:len(found)] != found]:
                faults.append(f"incidents are not what they were before the offset was moved: {lost[:5]}")
        finally:
            processor.stop()
            subprocess.run([script, "down"], env=environment, check=False)
    for fault in faults:
        print(fault)
    if faults:
        print(f"kafka clients: FAILED, {len(faults)} faults")
        return 1
    print(f"kafka clients: java, kcat and python agree on {len(PHASES)} ways of keying; hops exactly where events lay away "
          "from home; a moved offset is refused until a person decides")
    return 0


sys.exit(main(sys.argv[1]))
