"""A server under test: started, aimed at, killed, started again."""

import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

import power_cut
from door import Door, Refused

START_WAIT_S = 60
END_WAIT_S = 90


class Dead(Exception):
    """The server did not start, or ended by itself."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """Runs `campanile up` on one data directory. `shim`: the library that notes what is durable, or None."""

    def __init__(self, binary, home: pathlib.Path, directory: pathlib.Path, environment: dict, shim=None):
        self.binary, self.home, self.directory = binary, home, directory
        self.data, self.side = home / "data", home / "synced"
        self.port = free_port()
        self.environment = dict(environment)
        self.shim = shim
        self.process = None
        self.log = home / "server.log"
        self.data.mkdir()
        if shim:
            power_cut.begin(self.data, self.side)
            self.environment.update(LD_PRELOAD=str(shim), CAMPANILE_SYNCED_DATA=str(self.data),
                                    CAMPANILE_SYNCED_SIDE=str(self.side))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, first=False):
        """Starts it and waits until the door answers."""
        command = [self.binary, "up", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"]
        if first:
            command += ["--directory", self.directory]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=self.environment)
        until = time.monotonic() + START_WAIT_S
        while True:
            if self.process.poll() is not None:
                raise Dead(f"the server ended at its start with {self.process.returncode}:\n{self.tail()}")
            try:
                with Door(self.data, timeout=5) as door:
                    door.ask("card")
                return
            except (OSError, Refused):
                if time.monotonic() > until:
                    raise Dead(f"the server did not open its door within {START_WAIT_S} s:\n{self.tail()}") from None
                time.sleep(0.01)

    def tail(self, lines=15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def flight(self) -> tuple:
        """Appends that wait for an answer, and commits on their way, as the in-flight page tells; it outlives a kill."""
        try:
            page = (self.data / "flight").read_bytes()
        except FileNotFoundError:
            page = b""
        if len(page) < 24:
            return 0, 0
        appends, begun, settled = struct.unpack("<qQQ", page[:24])
        return max(appends, 0), begun - settled

    def wait_for(self, aim, wait_s: float):
        """Stops the server (SIGSTOP) at a moment at which `aim(appends, commits)` is so; if none comes in time, it runs
        on. Looking first and killing then would often come too late: a commit takes a millisecond."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until and self.process.poll() is None:
            if not aim(*self.flight()):
                time.sleep(0.0001)
                continue
            self.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if aim(*self.flight()):
                return
            self.process.send_signal(signal.SIGCONT)

    def wait_for_commit(self, aim, wait_s: float):
        """Returns when `aim` is so of the newest durable commit of some shard, or when the wait is over."""
        until = time.monotonic() + wait_s
        with Door(self.data) as door:
            while time.monotonic() < until:
                if any(aim(shard["committed_seq"]) for shard in door.ask("status")[1]["shards"]):
                    return

    def kill(self) -> tuple:
        """kill -9, and what the kill hit: (appends in flight, commits on their way)."""
        if self.process.poll() is not None:
            raise Dead(f"the server ended by itself with {self.process.returncode}:\n{self.tail()}")
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        hit = self.flight()
        if self.shim:
            print(power_cut.cut(self.data, self.side), flush=True)
        return hit

    def end(self) -> int:
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END_WAIT_S)
        except subprocess.TimeoutExpired:
            raise Dead(f"the server did not end within {END_WAIT_S} s of SIGTERM:\n{self.tail()}") from None

    def clear(self):
        """Nothing of it is left running."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def wait_until_drained(server: Server, wait_s: float):
    """Waits until every shard has committed all that its lanes hold."""
    until = time.monotonic() + wait_s
    calm = 0
    while time.monotonic() < until:
        with Door(server.data) as door:
            ends = [door.ask("ends", topic=topic)[1]["ends"] for topic in ("events", "triage", "commands")]
            status = door.ask("status")[1]
        if status.get("failed"):
            raise Dead(f"the processor stopped: {status['failed']}")
        left = sum(end[1] - shard["next"][lane] for shard in status["shards"]
                   for lane, end in enumerate(partitions[shard["shard"]] for partitions in ends))
        calm = calm + 1 if left == 0 else 0
        if calm == 3:
            return
        time.sleep(0.2)
    raise Dead(f"{left} inputs were not judged within {wait_s} s")
