"""The operator's door: one JSON object a line over the Unix socket in the data directory."""

import json
import pathlib
import socket


class Refused(Exception):
    """The door answered with an error."""


class Door:
    """One connection. Raises OSError when the server goes away."""

    def __init__(self, data: pathlib.Path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(str(data / "campanile.sock"))
        except OSError:
            self.socket.close()
            raise
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.lines.close()
        self.socket.close()

    def send(self, op: str, **members):
        self.socket.sendall(json.dumps({"op": op, **members}).encode() + b"\n")

    def line(self) -> dict:
        text = self.lines.readline()
        if not text.endswith(b"\n"):
            raise ConnectionResetError("the door closed")
        return json.loads(text)

    def ask(self, op: str, **members) -> tuple:
        """(lines before the last, the last)."""
        self.send(op, **members)
        lines = []
        while True:
            line = self.line()
            if "error" in line:
                raise Refused(line["error"])
            if line.get("done") is True:
                return lines, line
            lines.append(line)

    def follow(self, topic: str, partition: int, after: int):
        """Records of a partition from an offset on, without end."""
        self.send("read", topic=topic, partition=partition, **{"from": after}, follow=True)
        while True:
            line = self.line()
            if "error" in line:
                raise Refused(line["error"])
            yield line

    def rows(self, shard: int, kind: str):
        """Every row of a kind."""
        after = {}
        while True:
            lines, done = self.ask("rows", shard=shard, kind=kind, limit=10_000, **after)
            yield from lines
            if not done.get("after"):
                return
            after = {"after": done["after"]}
