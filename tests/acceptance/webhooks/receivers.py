"""Receivers of webhooks, good and bad, each on a port of its own. Their manner can be changed while they run."""

import json
import socket
import threading
import time

GARBAGE = b"SSH-2.0-OpenSSH_9.2\r\nwhat is this?\r\n\x00\xff\r\n\r\n"


class Delivery:
    def __init__(self, headers: dict, body: bytes):
        self.headers, self.body, self.at = headers, body, time.time()
        self.event = json.loads(body)["event"]


class Receiver:
    """`manner`: `ok`, `stall`, `garbage`, or a status. Only what was answered with 2xx counts as taken."""

    def __init__(self, manner):
        self.manner = manner
        self.taken, self.attempts = [], 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                while self._one(connection, lines):
                    pass
            except (OSError, ValueError):
                return

    def _one(self, connection, lines) -> bool:
        if not lines.readline():
            return False
        headers = {}
        while (line := lines.readline().strip()):
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        body = lines.read(int(headers.get("content-length", 0)))
        with self.lock:
            self.attempts += 1
        manner = self.manner
        if manner == "stall":
            while self.manner == "stall":
                time.sleep(0.1)
            return False
        if manner == "garbage":
            connection.sendall(GARBAGE)
            return False
        if manner == "ok":
            with self.lock:
                self.taken.append(Delivery(headers, body))
        status = "200 OK" if manner == "ok" else f"{manner} No"
        connection.sendall(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        return True

    def deliveries(self) -> list:
        with self.lock:
            return list(self.taken)

    def ids(self) -> set:
        return {it.event["id"] for it in self.deliveries()}
