#!/usr/bin/env python3
"""Kills and stops processors on Kafka under load, then compares what a read_committed consumer sees with what was sent.

  tests/acceptance/kafka_kills.py --binary target/fast/campanile [--seconds 60] [--port 19392]

One gateway takes events with distinct dedup keys; two processors share the shards. One of them, in turn, is killed with
SIGKILL, or stopped for longer than the session time-out and then continued, a zombie. The laws checked at the end:

  every key that was answered 202 opened exactly one incident;
  out_seq of each partition of campanile.incidents has no gap and no repeat;
  the steps of each shard consume its main lane from 0 to the end, each offset once, and commits are numbered one by one.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SESSION_SECONDS = 10


def routing_keys():
    """Keys of services that group by fields which these events lack, so that each alert is an incident; in several shards."""
    keys = []
    for path in sorted((ROOT / "examples/seed-organisation/services").glob("*.json")):
        service = json.loads(path.read_text())["service"]
        if (service.get("alert_grouping_parameters") or {}).get("type") == "content_based":
            keys += [key for one in service.get("integrations", []) if (key := one.get("integration_key"))]
    return keys


class Sender(threading.Thread):
    def __init__(self, name, port, stop, pause, keys):
        super().__init__(name=name)
        self.keys = keys
        self.port, self.stop, self.pause, self.sent = port, stop, pause, []

    def run(self):
        connection, number = None, 0
        while not self.stop.is_set():
            key = f"{self.name}-{number}"
            body = {"routing_key": self.keys[number % len(self.keys)], "event_action": "trigger", "dedup_key": key,
                    "payload": {"summary": key, "source": "test", "severity": "critical"}}
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                connection.request("POST", "/v2/enqueue", json.dumps(body), {"content-type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 202:
                    self.sent.append(key)
                    number += 1
            except OSError:
                connection = None
            time.sleep(self.pause)


def read_topic(brokers, topic):
    """(partition, value) of every committed record."""
    cache = os.environ.get("CAMPANILE_CACHE") or str(pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "campanile")
    command = ["java", "-cp", f"{cache}/kafka/4.3.1/libs/*", "org.apache.kafka.tools.consumer.ConsoleConsumer",
               "--bootstrap-server", brokers, "--topic", topic, "--from-beginning", "--isolation-level", "read_committed",
               "--timeout-ms", "6000", "--property", "print.partition=true"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    for line in lines:
        partition, _, value = line.partition("\t")
        if partition.startswith("Partition:"):
            yield int(partition.removeprefix("Partition:")), json.loads(value)


def check(brokers, sent):
    faults, opened, out_seq = [] if sent else ["nothing was sent: a check of nothing proves nothing"], {}, {}
    for partition, record in read_topic(brokers, "campanile.incidents"):
        wanted = out_seq.get(partition, 0) + 1
        if record["out_seq"] != wanted:
            faults.append(f"incidents[{partition}]: out_seq {record['out_seq']} where {wanted} was due")
        out_seq[partition] = record["out_seq"]
        if record["event_type"] == "incident.triggered":
            for key in record["alert_keys"]:
                opened[key] = opened.get(key, 0) + 1
    lost = [key for key in sent if key not in opened]
    twice = [key for key, count in opened.items() if count > 1]
    faults += [f"lost: {key}" for key in lost[:5]] + [f"twice: {key}" for key in twice[:5]]
    main, seqs, commits = {}, {}, 0
    for partition, step in read_topic(brokers, "campanile.steps"):
        commits += 1
        if step["seq"] <= seqs.get(partition, 0):
            faults.append(f"steps[{partition}]: commit {step['seq']} after {seqs[partition]}")
        seqs[partition] = step["seq"]
        for run in step["runs"]:
            if run[0] == "main":
                if run[1] != main.get(partition, 0):
                    faults.append(f"steps[{partition}]: main {run[1]} where {main.get(partition, 0)} was due")
                main[partition] = run[1] + run[2]
    print(f"kills: sent {len(sent)}, incidents {len(opened)}, commits {commits}, inputs {sum(main.values())}, "
          f"of {len(main)} shards, lost {len(lost)}, duplicated {len(twice)}")
    return faults


def trouble(spawn, seconds):
    """Kills and stops, one after the other; the counts of both."""
    processors = {name: spawn(name) for name in ("p1", "p2")}
    time.sleep(8)
    counts, until, turn = {"kill -9": 0, "zombie": 0}, time.monotonic() + seconds, 0
    while time.monotonic() < until:
        name = ("p1", "p2")[turn % 2]
        if turn % 3 == 2:
            processors[name].send_signal(signal.SIGSTOP)
            time.sleep(SESSION_SECONDS + 4)
            processors[name].send_signal(signal.SIGCONT)
            counts["zombie"] += 1
        else:
            processors[name].kill()
            processors[name].wait()
            counts["kill -9"] += 1
            processors[name] = spawn(name)
        time.sleep(3)
        for which, process in processors.items():
            if process.poll() is not None:
                print(f"kills: {which} ended by itself with {process.returncode}; started again")
                processors[which] = spawn(which)
        turn += 1
    return processors, counts


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--port", type=int, default=19392)
    options = arguments.parse_args()
    binary, work = str(pathlib.Path(options.binary).resolve()), pathlib.Path(tempfile.mkdtemp(prefix="kafka-kills-"))
    environment = {**os.environ, "PORT": str(options.port), "UNTIL": str(os.getpid())}
    brokers = subprocess.run([ROOT / "scripts/kafka.sh", "up"], env=environment, check=True, stdout=subprocess.PIPE,
                             text=True).stdout.strip()
    subprocess.run([binary, "topics", "create", "--kafka", brokers, "--shards", "4"], check=True)
    processes = []

    def spawn(name, *extra, role="processor"):
        log = open(work / f"{name}.log", "a")
        process = subprocess.Popen([binary, role, "--kafka", brokers, "--instance", name, "--data", str(work / name), *extra],
                                   stdout=log, stderr=log)
        processes.append(process)
        return process

    listen = options.port + 10
    spawn("gateway", "--listen", f"127.0.0.1:{listen}", "--directory", str(ROOT / "examples/seed-organisation"), role="gateway")
    time.sleep(5)
    stop, keys = threading.Event(), routing_keys()
    senders = [Sender(f"s{number}", listen, stop, 0.01, keys) for number in range(4)]
    for sender in senders:
        sender.start()
    try:
        _, counts = trouble(spawn, options.seconds)
        stop.set()
        for sender in senders:
            sender.join()
        time.sleep(SESSION_SECONDS + 6)
        sent = [key for sender in senders for key in sender.sent]
        faults = check(brokers, sent)
        print("kills: " + ", ".join(f"{count} × {what}" for what, count in counts.items()) + f"; logs in {work}")
        for fault in faults[:20]:
            print("kills: VIOLATION " + fault)
        return 1 if faults else 0
    finally:
        stop.set()
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()


if __name__ == "__main__":
    sys.exit(main())
