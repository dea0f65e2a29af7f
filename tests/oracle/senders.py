"""The load: half of the events over HTTP, half as straight appends, each with a journal of what it was promised.

Both fight over the same keys, and their events have numbers of their own.
"""

import subprocess


class Senders:
    def __init__(self, load, server, events: int, seed: int, rate: float):
        self.load, self.server = load, server
        self.events, self.seed, self.rate = events, seed, rate
        self.journals = [server.home / "http.ndjson", server.home / "append.ndjson"]
        self.logs = [server.home / "http.log", server.home / "append.log"]
        self.processes = []

    def start(self):
        half, rate = self.events // 2, max(1, int(self.rate / 2))
        ways = [
            ["http", "--url", self.server.url, "--events", str(half), "--seed", str(self.seed)],
            ["append", "--socket", str(self.server.data / "campanile.sock"), "--events", str(self.events - half),
             "--seed", str(self.seed + 1), "--first", str(half)],
        ]
        for way, journal, log in zip(ways, self.journals, self.logs):
            command = [self.load, *way, "--mix", "oracle", "--organisation-seed", str(self.seed), "--rate", str(rate),
                       "--connections", "16", "--retry", "--journal", str(journal)]
            with open(log, "wb") as out:
                self.processes.append(subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL))

    def running(self) -> bool:
        return any(process.poll() is None for process in self.processes)

    def wait(self, wait_s: float):
        """Waits until all is sent. Gives what went wrong, in words."""
        problems = []
        for process, log in zip(self.processes, self.logs):
            try:
                code = process.wait(wait_s)
            except subprocess.TimeoutExpired:
                code = "no end"
                process.kill()
            if code != 0:
                problems.append(f"{' '.join(map(str, process.args))}: {code}: {log.read_text(errors='replace')[-500:]}")
        return problems

    def clear(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
