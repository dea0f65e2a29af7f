"""The load: half of the events over HTTP, half as straight appends, each with a journal of what it was promised.

Both fight over the same keys, and their events have numbers of their own.
"""

import pathlib
import subprocess


class Senders:
    """`chosen` tells events, rate and seed. `socket`: the door that takes appends."""

    def __init__(self, load, url: str, socket: pathlib.Path, home: pathlib.Path, chosen):
        self.load, self.url, self.socket, self.chosen = load, url, socket, chosen
        self.journals = [home / "http.ndjson", home / "append.ndjson"]
        self.logs = [home / "http.log", home / "append.log"]
        self.processes = []
        self.is_cut_short = False

    def start(self):
        events, seed = self.chosen.events, self.chosen.seed
        half, rate = events // 2, max(1, int(self.chosen.rate / 2))
        ways = [
            ["http", "--url", self.url, "--events", str(half), "--seed", str(seed)],
            ["append", "--socket", str(self.socket), "--events", str(events - half), "--seed", str(seed + 1),
             "--first", str(half)],
        ]
        for way, journal, log in zip(ways, self.journals, self.logs):
            command = [self.load, *way, "--mix", "oracle", "--organisation-seed", str(seed), "--rate", str(rate),
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
            if code != 0 and not self.is_cut_short:
                problems.append(f"{' '.join(map(str, process.args))}: {code}: {log.read_text(errors='replace')[-500:]}")
        return problems

    def cut_short(self):
        """Ends the load before all is sent: enough was seen. What was on its way was promised to nobody."""
        self.is_cut_short = True
        self.clear()

    def clear(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
