"""A program under test: started, aimed at, stopped, killed, started again."""

import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

END_WAIT_S = 90


class Dead(Exception):
    """The program did not start, or ended by itself."""


def free_port(beside=0, host="127.0.0.1") -> int:
    """A port that nobody listens on, nor on the `beside` ones after it."""
    while True:
        with socket.socket() as listener:
            listener.bind((host, 0))
            port = listener.getsockname()[1]
        if all(_is_free(host, port + nth) for nth in range(beside + 1)):
            return port


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((host, port))
            return True
        except (OSError, OverflowError):
            return False


class Process:
    """One program with its log, and the in-flight page that it keeps."""

    def __init__(self, name: str, environment: dict, page: pathlib.Path, log: pathlib.Path):
        self.name, self.environment = name, environment
        self.page, self.log = page, log
        self.process = None

    def launch(self, command, **more):
        """Starts it; `more` goes into its environment."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env={**self.environment, **more})

    def wait_until(self, is_up, wait_s: float):
        """Waits until `is_up()`; Dead if it ends before or takes too long."""
        until = time.monotonic() + wait_s
        while not is_up():
            if self.process.poll() is not None:
                raise Dead(f"{self.name} ended at its start with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() > until:
                raise Dead(f"{self.name} was not up within {wait_s} s:\n{self.tail()}")
            time.sleep(0.01)

    def tail(self, lines=15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def flight(self) -> tuple:
        """What waits for an answer, and commits on their way, as the in-flight page tells; it outlives a kill."""
        try:
            page = self.page.read_bytes()
        except FileNotFoundError:
            page = b""
        if len(page) < 24:
            return 0, 0
        waiting, begun, ended = struct.unpack("<qQQ", page[:24])
        return max(waiting, 0), begun - ended

    def wait_for(self, aim, wait_s: float):
        """Stops it (SIGSTOP) at a moment at which `aim(waiting, commits)` is so; if none comes in time, it runs on.
        Looking first and killing then would often come too late: a commit takes a millisecond."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until and self.runs():
            if not aim(*self.flight()):
                time.sleep(0.0001)
                continue
            self.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if aim(*self.flight()):
                return
            self.process.send_signal(signal.SIGCONT)

    def kill(self) -> tuple:
        """kill -9, and what the kill hit: (waiting for an answer, commits on their way)."""
        if not self.runs():
            raise Dead(f"{self.name} ended by itself with {self.process.returncode}:\n{self.tail()}")
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return self.flight()

    def end(self) -> int:
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END_WAIT_S)
        except subprocess.TimeoutExpired:
            raise Dead(f"{self.name} did not end within {END_WAIT_S} s of SIGTERM:\n{self.tail()}") from None

    def clear(self):
        """Nothing of it is left running."""
        if self.runs():
            self.process.kill()
            self.process.wait()
