"""kill -9 between a provider's acceptance and the notifier's own mark, again and again.

Every person of an organisation has one incident and is told of it by mail and by ntfy. At chosen acceptances the server is
killed: as soon as the provider has the message, or a moment after it answered. Nothing may be lost; what is sent twice must
carry the same idempotency key, and there may be no more of it than was under way at the kills.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import organisation
import receivers

# Deliveries under way at once, per channel: notifier.deliveries_per_channel.
IN_FLIGHT = 16
PATIENCE_S = 120


class Server:
    def __init__(self, campanile, folder, config, log, kafka):
        self.command = [
            campanile, "up", "--data", str(folder / "data"), "--config", str(config),
            "--directory", str(folder / "organisation"), "--listen", "127.0.0.1:0",
        ]  # fmt: skip
        if kafka:
            cluster = ["--kafka", kafka, "--instance", "one", "--topic-prefix", f"kill-{os.getpid()}"]
            subprocess.run([campanile, "topics", "create", *cluster], check=True, stdout=subprocess.DEVNULL)
            self.command += cluster
        self.log = log
        self.process = None
        self.url = None
        self.lock = threading.Lock()

    def start(self):
        process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            sys.exit(f"the server did not start; it said {line!r}, see its log")
        with self.lock:
            self.process, self.url = process, found.group(0)

    def kill(self):
        """True: it lived and was killed."""
        with self.lock:
            process, self.process = self.process, None
        if process is None:
            return False
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def trigger(url, nth):
    event = {
        "routing_key": organisation.routing_key(nth),
        "event_action": "trigger",
        "dedup_key": f"trouble-{nth}",
        "payload": {"summary": f"trouble {nth}", "source": "kill", "severity": "critical"},
    }
    request = urllib.request.Request(url + "/v2/enqueue", json.dumps(event).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status == 202


class Killer:
    """Kills at chosen acceptances, by turns before and after the provider's answer."""

    def __init__(self, server, moments, seed):
        self.server, self.moments = server, sorted(moments)
        self.random = random.Random(seed)
        self.kills = 0
        self.needed = threading.Event()
        self.lock = threading.Lock()

    def on_acceptance(self, count):
        with self.lock:
            if not self.moments or count < self.moments[0]:
                return
            self.moments.pop(0)
            before = self.kills % 2 == 0
        if before:
            self._kill()
        else:
            threading.Timer(self.random.uniform(0, 0.004), self._kill).start()

    def _kill(self):
        if self.server.kill():
            with self.lock:
                self.kills += 1
            self.needed.set()


def play(arguments, folder):
    people = arguments.notifications // 2
    deliveries = receivers.Deliveries()
    smtp, smtp_port = receivers.smtp(deliveries)
    http, http_port = receivers.http(deliveries)
    organisation.write(folder / "organisation", people)
    config = folder / "campanile.toml"
    config.write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {smtp_port}\nencryption = "none"\nfrom = "campanile@example.com"\n'
        f'[ntfy]\nurl = "http://127.0.0.1:{http_port}"\n[notifier]\ndeliveries_per_channel = {IN_FLIGHT}\n'
        '[callbacks]\nlisten = "127.0.0.1:0"\n'
    )
    with open(folder / "server.log", "w") as log:
        server = Server(arguments.campanile, folder, config, log, arguments.kafka)
        # Spread over the run, with room at its end for the last start.
        step = arguments.notifications * 0.9 / arguments.kills
        killer = Killer(server, [int(step * (nth + 1)) for nth in range(arguments.kills)], arguments.seed)
        deliveries.on_acceptance = killer.on_acceptance
        server.start()
        began = time.monotonic()
        sent = drive(server, killer, people)
        wait_for_all(server, killer, deliveries, people)
        # What is sent twice would come now.
        time.sleep(2)
        deliveries.on_acceptance = lambda count: None
        code = server.stop()
        seconds = time.monotonic() - began
    smtp.stop()
    http.shutdown()
    return deliveries, killer.kills, people, sent, seconds, code


def drive(server, killer, people):
    """Sends each event until it was answered 202, and starts the server again whenever it was killed."""
    sent = 0
    for nth in range(people):
        while True:
            revive(server, killer)
            try:
                if trigger(server.url, nth):
                    sent += 1
                    break
            except OSError:
                time.sleep(0.05)
        time.sleep(0.004)
    return sent


def revive(server, killer):
    if killer.needed.is_set():
        killer.needed.clear()
        server.start()


def wait_for_all(server, killer, deliveries, people):
    wanted = set(receivers.expected(people))
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        revive(server, killer)
        with deliveries.lock:
            missing = wanted - deliveries.accepted.keys()
        if not missing and not killer.moments:
            return
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campanile")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--notifications", type=int, default=1000)
    parser.add_argument("--kafka", help="brokers to run on, host:port; else the embedded ledger")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campanile-notify-kill-") as name:
        folder = Path(name)
        deliveries, kills, people, sent, seconds, code = play(arguments, folder)
        log = (folder / "server.log").read_text()
    accepted = deliveries.accepted
    lost = [place for place in receivers.expected(people) if place not in accepted]
    repeated = {place: keys for place, keys in accepted.items() if len(keys) > 1}
    duplicates = sum(len(keys) - 1 for keys in repeated.values())
    other_keys = [place for place, keys in repeated.items() if len(set(keys)) > 1]
    keyless = [place for place, keys in accepted.items() if None in keys]
    most = 2 * IN_FLIGHT * kills
    print(
        f"notifications {2 * people} · kills {kills} · lost {len(lost)} · sent again {duplicates} (at most {most}) · "
        f"with another key {len(other_keys)} · without a key {len(keyless)} · events {sent} · {seconds:.0f} s"
    )
    is_good = not lost and not other_keys and not keyless and duplicates <= most and kills == arguments.kills and code == 0
    if not is_good:
        print(f"server's end: {code}; the last of its log:\n" + "\n".join(log.splitlines()[-20:]), file=sys.stderr)
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
