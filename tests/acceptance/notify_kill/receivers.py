"""A real SMTP server and a real HTTP server that take messages, and tell the test of each one before they answer."""

import json
import socket
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

import organisation


class Deliveries:
    """What was accepted, by (channel, person): the idempotency key of each acceptance, in order."""

    def __init__(self):
        self.lock = threading.Lock()
        self.accepted = {}
        self.count = 0
        self.on_acceptance = lambda count: None

    def accept(self, channel, person, key):
        with self.lock:
            self.accepted.setdefault((channel, person), []).append(key)
            self.count += 1
            count = self.count
        self.on_acceptance(count)


class _Mailbox:
    def __init__(self, deliveries):
        self.deliveries = deliveries

    async def handle_DATA(self, server, session, envelope):
        key = message_from_bytes(envelope.content)["Message-ID"]
        self.deliveries.accept("mail", envelope.rcpt_tos[0], key)
        return "250 taken"


def smtp(deliveries):
    # The controller cannot be asked for a port of the system's choice.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(_Mailbox(deliveries), hostname="127.0.0.1", port=port)
    controller.start()
    return controller, port


def http(deliveries):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            deliveries.accept("ntfy", json.loads(body)["topic"], self.headers.get("idempotency-key"))
            answer = b'{"id":"1","event":"message"}'
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # A killed client leaves its connection half-way: that is the test, not a fault of the server.
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, server.server_address[1]


def expected(people):
    for nth in range(people):
        yield ("mail", organisation.mail_address(nth))
        yield ("ntfy", organisation.topic(nth))
