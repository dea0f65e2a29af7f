#!/usr/bin/env python3
"""A real Alertmanager sends to Campanile as it would to PagerDuty.

One incident per Alertmanager group, repeats absorbed, a new member of a group no news, resolve closes, and firing again
is a new incident. Argument: the server's binary. Needs Debian's prometheus-alertmanager.
"""

import collections
import contextlib
import datetime
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

from door import Door
from server import Dead, Server, free_port

# Integration `Prometheus` of the seed's api-gateway.
SERVICE = ROOT / "examples" / "seed-organisation" / "services" / "PAPIGW1.json"
# Repeats that must be absorbed before the test goes on.
REPEATS = 3
WAIT_S = 40


class Failed(Exception):
    """An expectation that did not come true."""


class Alertmanager:
    def __init__(self, home: pathlib.Path, url: str, key: str):
        self.home, self.port = home, free_port()
        config = (HERE / "alertmanager.yml").read_text().replace("URL", url).replace("KEY", key)
        (home / "alertmanager.yml").write_text(config)
        self.log = home / "alertmanager.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus-alertmanager", f"--config.file={home}/alertmanager.yml", f"--storage.path={home}/alertmanager",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait_ready(self):
        def ready():
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2).status == 200
            return False
        wait_for(ready, "Alertmanager is ready", lambda: self.log.read_text()[-800:])

    def post(self, *alerts, resolved=False):
        """Tells of alerts, each a dict of labels; as resolved, that they ended now."""
        now = datetime.datetime.now(datetime.timezone.utc)
        told = [{"labels": labels, "annotations": {"summary": "seen by a test"}} for labels in alerts]
        for alert in told:
            alert["startsAt"] = (now - datetime.timedelta(minutes=1)).isoformat()
            if resolved:
                alert["endsAt"] = now.isoformat()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2/alerts", json.dumps(told).encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def clear(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Campanile:
    """What came out, read through the operator's door."""

    def __init__(self, server):
        self.server = server

    def _all(self, topic):
        with Door(self.server.data) as door:
            for partition, (start, _) in enumerate(door.ask("ends", topic=topic)[1]["ends"]):
                for line in door.ask("read", topic=topic, partition=partition, max=100_000, **{"from": start})[0]:
                    yield json.loads(line["value"])

    def records(self, event_type) -> list:
        return [record for record in self._all("incidents") if record["event_type"] == event_type]

    def counts(self) -> dict:
        """Triggers absorbed by each open alert, by alert id."""
        with Door(self.server.data) as door:
            shards = door.ask("card")[1]["shards"]
            rows = [row["value"] for shard in range(shards) for row in door.rows(shard, "alert")]
        return {row["id"]: row["count"] for row in rows if row["state"] == "open"}

    def dead_letters(self) -> int:
        with Door(self.server.data) as door:
            return sum(end - start for start, end in door.ask("ends", topic="dead-letters")[1]["ends"])


def wait_for(is_so, what: str, more=lambda: ""):
    until = time.monotonic() + WAIT_S
    while not is_so():
        if time.monotonic() > until:
            raise Failed(f"not within {WAIT_S} s: {what}\n{more()}")
        time.sleep(0.1)


def expect(found, expected, what: str):
    if found != expected:
        raise Failed(f"{what}: expected {expected}, found {found}")


def check(campanile: Campanile, alertmanager: Alertmanager) -> str:
    latency = [{"alertname": "HighLatency", "cluster": "eu", "instance": f"web-{n}", "severity": "critical"} for n in (1, 2, 3)]
    disk = {"alertname": "DiskFull", "cluster": "us", "instance": "db-1"}
    triggered = lambda: campanile.records("incident.triggered")

    alertmanager.post(*latency, disk)
    wait_for(lambda: len(triggered()) >= 2, "an incident for each of two groups", alertmanager.log.read_text)
    # Two services of the group differ in severity, and so in priority.
    priorities = collections.Counter(record["data"]["priority"]["summary"] for record in triggered())
    expect(priorities, {"P1": 1, "P2": 1}, "priorities by the severity that Alertmanager sends")

    alertmanager.post(*latency, dict(latency[0], instance="web-4"), disk)
    repeats = lambda: campanile.counts().values()
    wait_for(lambda: min(repeats(), default=0) > REPEATS, f"{REPEATS} repeats absorbed by each alert")
    absorbed = sum(repeats()) - 2
    expect(len(triggered()), 2, "incidents after repeats and a new member")
    expect(len(campanile.records("incident.resolved")), 0, "incidents resolved so far")

    alertmanager.post(*latency, dict(latency[0], instance="web-4"), resolved=True)
    wait_for(lambda: campanile.records("incident.resolved"), "the resolved group's incident is resolved")
    (resolved,) = campanile.records("incident.resolved")
    expect(resolved["data"]["priority"]["summary"], "P1", "priority of the incident that resolved")
    expect(len(campanile.counts()), 1, "open alerts after one group resolved")

    alertmanager.post(latency[0])
    wait_for(lambda: len(triggered()) == 3, "a group that fires again opens a new incident")
    first, again = (record for record in triggered() if record["data"]["priority"]["summary"] == "P1")
    expect(again["data"]["incident_key"], first["data"]["incident_key"], "dedup key of the group that fires again")
    expect(campanile.dead_letters(), 0, "dead letters")
    return f"alertmanager: 3 incidents for 2 groups, one of them twice; {absorbed} repeats absorbed; resolve closed 1"


def main(binary: str) -> int:
    home = pathlib.Path(tempfile.mkdtemp(prefix="campanile-alertmanager-")).resolve()
    key = json.loads(SERVICE.read_text())["service"]["integrations"][0]["integration_key"]
    try:
        with contextlib.ExitStack() as stack:
            server = Server(binary, home, SERVICE.parents[1], {})
            stack.callback(server.clear)
            server.start(first=True)
            alertmanager = Alertmanager(home, f"{server.url}/v2/enqueue", key)
            stack.callback(alertmanager.clear)
            alertmanager.wait_ready()
            line = check(Campanile(server), alertmanager)
            alertmanager.clear()
            expect(server.end(), 0, "exit code after SIGTERM")
    except (Failed, Dead) as failure:
        print(f"alertmanager: FAILED: {failure}\nserver: {home}/server.log")
        return 1
    shutil.rmtree(home)
    print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
