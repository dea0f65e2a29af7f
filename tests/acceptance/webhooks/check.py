"""Webhooks, end to end. Called by ../webhooks.sh with the server and the Go verifier."""

import base64
import calendar
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from receivers import Receiver
from seed_verifier import verify_webhook_signature

KEY = "10000000000000000000000000000001"
EVENTS = ["incident.triggered", "incident.acknowledged", "incident.resolved", "incident.priority_updated",
          "incident.annotated", "incident.reassigned", "incident.escalated"]
PATIENCE_S = 25
#: Deliveries that a kill -9 may repeat, for each subscription and partition: what the log was not told of.
REPEATS_MAX = 100
SHARDS = 4
ROTATED = ["f" * 64, "0123456789abcdef" * 4]


def fail(message):
    print(f"webhooks: FAILED: {message}")
    sys.exit(1)


def until(what, is_so, patience=PATIENCE_S):
    end = time.monotonic() + patience
    while not (found := is_so()):
        if time.monotonic() > end:
            fail(f"{what} did not come within {patience} s")
        time.sleep(0.05)
    return found


def p99(values) -> float:
    return sorted(values)[max(0, -(-99 * len(values) // 100) - 1)]


class Server:
    def __init__(self, binary, home: pathlib.Path):
        self.binary, self.home, self.process = binary, home, None
        self.directory = home / "directory"
        self.log = open(home / "server.log", "ab")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = dict(os.environ, CAMPANILE_EGRESS_ALLOW="127.0.0.1", CAMPANILE_WEBHOOKS_PROBE="1",
                                CAMPANILE_LEDGER_SHARDS=str(SHARDS), CAMPANILE_NOTIFIER_PATIENCE="15")

    def start(self):
        command = [self.binary, "up", "--data", self.home / "data", "--listen", f"127.0.0.1:{self.port}"]
        if self.process is None:
            command += ["--directory", self.directory]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=self.environment)
        until("the server", self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            fail(f"the server ended with {self.process.returncode}; see {self.home / 'server.log'}")
        try:
            return self.ask("GET", "/health/ready", None) == 200
        except OSError:
            return False

    def ask(self, method, path, body) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, {"content-type": "application/json"})
        status = connection.getresponse().status
        connection.close()
        return status

    def send(self, action, dedup_key):
        payload = {"summary": f"trouble {dedup_key}", "source": "here", "severity": "critical"}
        event = {"routing_key": KEY, "event_action": action, "dedup_key": dedup_key, "payload": payload}
        if self.ask("POST", "/v2/enqueue", json.dumps(event)) != 202:
            fail("an event was not accepted")

    def run(self, *words, expected=0) -> str:
        command = [self.binary, *words, "--data", self.home / "data"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if done.returncode != expected:
            fail(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        if self.process.wait(30) != 0:
            fail("the server did not stop cleanly")

    def given_up(self) -> list:
        found = []
        for partition in range(SHARDS):
            with socket.socket(socket.AF_UNIX) as door:
                door.connect(str(self.home / "data" / "campanile.sock"))
                door.sendall(json.dumps({"op": "read", "topic": "notifications", "partition": partition,
                                         "from": "start", "max": 100000}).encode() + b"\n")
                for line in door.makefile():
                    line = json.loads(line)
                    if "done" in line or "error" in line:
                        break
                    value = json.loads(line["value"])
                    if value["type"] == "webhook_given_up":
                        found.append(value)
        return found


def write(folder: pathlib.Path, kind, name, wrapper, body):
    (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / kind / f"{name}.json").write_text(json.dumps({wrapper: body}))


def organisation(folder: pathlib.Path):
    write(folder, "users", "PANN", "user", {"name": "Ann", "email": "ann@example.com"})
    write(folder, "escalation_policies", "PPOLICY", "escalation_policy", {
        "name": "on-call", "escalation_rules": [
            {"escalation_delay_in_minutes": 30, "targets": [{"id": "PANN", "type": "user_reference"}]}]})
    write(folder, "services", "PWEB", "service", {
        "name": "web", "escalation_policy": {"id": "PPOLICY", "type": "escalation_policy_reference"},
        "integrations": [{"id": "PINT", "type": "events_api_v2_inbound_integration", "name": "web",
                          "integration_key": KEY}]})


def subscribe(folder, name, receiver, **method):
    write(folder, "webhook_subscriptions", name, "webhook_subscription", {
        "type": "webhook_subscription", "description": name, "active": True, "events": EVENTS,
        "filter": {"type": "account_reference"},
        "delivery_method": {"type": "http_delivery_method", "url": f"http://127.0.0.1:{receiver.port}/hook",
                            "custom_headers": [{"name": "X-Queue", "value": "blue"}], **method}})


def burst(server, name, count) -> set:
    """Sends so many incidents, spread over a few seconds, and resolves every second one."""
    keys = [f"{name}-{number}" for number in range(count)]
    for number, key in enumerate(keys):
        server.send("trigger", key)
        if number % 2:
            server.send("resolve", keys[number])
        time.sleep(0.01)
    return {f"trouble {key}" for key in keys}


def wait_for(receiver, titles, what):
    def has_all():
        got = {it.event["data"]["title"] for it in receiver.deliveries() if it.event["event_type"] == "incident.triggered"}
        return titles <= got
    until(what, has_all)


def latencies(receiver, titles) -> list:
    shown = {}
    for it in receiver.deliveries():
        if it.event["data"]["title"] in titles and it.event["event_type"] == "incident.triggered":
            at = time.strptime(it.event["occurred_at"][:19], "%Y-%m-%dT%H:%M:%S")
            began = calendar.timegm(at) + int(it.event["occurred_at"][20:23]) / 1000
            shown.setdefault(it.event["id"], it.at - began)
    return list(shown.values())


def check_signatures(verifier, cases):
    """Each case: a delivery, a secret, whether the seed's verifier is to accept it too."""
    lines = "".join(json.dumps({"secret": secret, "signature": it.headers["x-pagerduty-signature"],
                                "body": base64.b64encode(it.body).decode()}) + "\n" for it, secret, _ in cases)
    told = subprocess.run([verifier], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    for (it, secret, by_seed), word in zip(cases, told, strict=True):
        if word != "ok":
            fail(f"the Go client's verifier says: {word}")
        if by_seed and not verify_webhook_signature(it.body, it.headers["x-pagerduty-signature"], secret):
            fail("the seed's verifier refuses a signature")
    # A verifier that accepts anything would prove nothing.
    it, secret, _ = cases[0]
    line = json.dumps({"secret": secret + "x", "signature": it.headers["x-pagerduty-signature"],
                       "body": base64.b64encode(it.body).decode()})
    wrong = subprocess.run([verifier], input=line + "\n", capture_output=True, text=True, check=True).stdout.strip()
    if wrong == "ok" or verify_webhook_signature(it.body + b" ", it.headers["x-pagerduty-signature"], secret):
        fail("a wrong signature was accepted")
    print(f"webhooks: {len(told)} signatures accepted by the Go client's verifier, "
          f"{sum(by_seed for _, _, by_seed in cases)} by the seed's")


def check_order(receiver):
    """For each incident triggered comes before resolved, repeats aside."""
    first = {}
    for it in receiver.deliveries():
        incident = it.event["data"]["id"]
        first.setdefault(incident, it.event["event_type"])
    if wrong := [incident for incident, kind in first.items() if kind != "incident.triggered"]:
        fail(f"{len(wrong)} incidents were told of in another order")


def check_shape(receiver):
    for it in receiver.deliveries():
        head = it.headers
        if head["user-agent"] != "PagerDuty-Webhook/V3.0" or head["content-type"] != "application/json":
            fail(f"headers are {head}")
        if head["x-queue"] != "blue" or head["x-webhook-subscription"] != "PHEALTHY" or not head["x-webhook-id"]:
            fail(f"headers are {head}")
        if it.event["event_type"] == "incident.triggered":
            people = [user["summary"] for user in it.event["data"]["assignees"]]
            phase, number = it.event["data"]["title"].split()[1].split("-")
            # One that is resolved at once may never get anybody, nor one whose two seconds a crash took.
            if people != ["Ann"] and (people or (int(number) % 2 == 0 and phase != "killed")):
                fail(f"incident.triggered names {people}, not its first assignee")
        if it.event["event_type"] in ("incident.escalated", "incident.assigned"):
            fail("the first level was told as an event of its own")


def main():
    binary, verifier = sys.argv[1:3]
    home = pathlib.Path(tempfile.mkdtemp(prefix="webhooks-"))
    server = Server(binary, home)
    healthy, rotated = Receiver("ok"), Receiver("ok")
    bad = {"PSTALLED": Receiver("stall"), "PBROKEN": Receiver(500), "PGARBAGE": Receiver("garbage")}
    strict = Receiver(404)
    organisation(server.directory)
    subscribe(server.directory, "PHEALTHY", healthy)
    try:
        server.start()
        alone = burst(server, "alone", 120)
        wait_for(healthy, alone, "the healthy receiver's events, alone")

        for name, receiver in bad.items():
            subscribe(server.directory, name, receiver)
        subscribe(server.directory, "PSTRICT", strict)
        subscribe(server.directory, "PROTATED", rotated, secret=ROTATED[0],
                  previous_secret={"secret": ROTATED[1], "valid_until": "2100-01-01T00:00:00Z"})
        server.run("directory", "apply", str(server.directory))
        beside = burst(server, "beside", 120)
        wait_for(healthy, beside, "the healthy receiver's events, beside the bad ones")
        before, after = (p99(latencies(healthy, titles)) for titles in (alone, beside))
        print(f"webhooks: the healthy receiver's p99 is {before * 1000:.0f} ms alone and {after * 1000:.0f} ms beside "
              f"a stalled, a 500-ing, a garbage and a refusing one")
        if after - before >= 1:
            fail("the bad receivers slowed the healthy one by a second or more")

        given_up = until("the parking of PSTRICT", lambda: "parked" in server.run("webhook", "list") and server.given_up())
        if [it["subscription"] for it in given_up] != ["PSTRICT"] * 3:
            fail(f"given up: {given_up}")
        server.run("webhook", "ping", "PSTRICT", expected=1)
        server.run("webhook", "ping", "PHEALTHY")

        killed = burst(server, "killed", 60)
        server.kill()
        server.start()
        wait_for(healthy, killed, "the healthy receiver's events after kill -9")
        if "parked" not in server.run("webhook", "list"):
            fail("the restart forgot that PSTRICT is parked")

        for receiver in [*bad.values(), strict]:
            receiver.manner = "ok"
        server.run("webhook", "enable", "PSTRICT")
        started = time.monotonic()
        everything = {it.event["id"] for it in healthy.deliveries()
                      if it.event["data"].get("title") in beside | killed}
        refused = {it["event"] for it in given_up}
        for name, receiver in {**bad, "PROTATED": rotated}.items():
            until(f"the rest of {name}'s events", lambda: everything <= receiver.ids())
        until("the rest of PSTRICT's events", lambda: everything - refused <= strict.ids())
        print(f"webhooks: {len(everything)} events reached each mended receiver, {time.monotonic() - started:.1f} s after "
              f"they were mended; the parked queue drained after enable, but for the 3 that were given up")

        deliveries = [it for it in healthy.deliveries() if it.event["event_type"] != "pagey.ping"]
        by_event = {}
        for it in deliveries:
            by_event.setdefault(it.event["id"], set()).add(it.headers["x-webhook-id"])
        repeats = len(deliveries) - len(by_event)
        if repeats > REPEATS_MAX * SHARDS or any(len(ids) != 1 for ids in by_event.values()):
            fail(f"{repeats} repeats, or repeats under other ids")
        print(f"webhooks: kill -9 lost 0 of {len(by_event)} events and repeated {repeats}, under the same ids")
        healthy.taken = deliveries
        check_order(healthy)
        check_shape(healthy)
        secret = minted_secret(server)
        cases = [(it, secret, True) for it in deliveries]
        cases += [(it, secret, False) for it in rotated.deliveries() for secret in ROTATED]
        check_signatures(verifier, cases)
        server.stop()
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
    shutil.rmtree(home)
    print("webhooks: all as it should be")


def minted_secret(server) -> str:
    for line in server.run("directory", "show", "--json").splitlines():
        line = json.loads(line)
        if line["id"] == "PHEALTHY":
            body = line["json"] if isinstance(line["json"], dict) else json.loads(line["json"])
            return body["webhook_subscription"]["delivery_method"]["secret"]
    return fail("the directory shows no PHEALTHY")


main()
