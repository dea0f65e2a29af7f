"""What stands on the other side: a real SMTP server, and an HTTP receiver that plays every other provider."""

import json
import logging
import socket
import threading
import time
import urllib.parse
import warnings
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

# That passwords come without TLS is what a test on loopback wants, and what the server warns of each time.
warnings.filterwarnings("ignore", module="aiosmtpd")
logging.getLogger("mail").setLevel(logging.ERROR)


class Mailbox:
    """Takes mail; refuses some of it, by address, as servers do."""

    def __init__(self):
        self.mails = []
        self.grey = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        if address.startswith("grey@") and address not in self.grey:
            self.grey.add(address)
            return "451 4.7.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 2.0.0 taken as " + mail["Message-ID"]




def smtp(mailbox, password):
    def judge(server, session, envelope, mechanism, data):
        return AuthResult(success=data.login == b"pager" and data.password == password.encode())

    class Locked(Controller):
        def factory(self):
            return SMTP(mailbox, authenticator=judge, auth_required=True, auth_require_tls=False)

    controller = Locked(mailbox, hostname="127.0.0.1", port=0)
    # Port 0: the controller wants to know it before, so a free one is looked for.


    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    return controller


class Receiver:
    """Every HTTP provider, told apart by the path. Remembers what it was sent."""

    def __init__(self):
        self.seen = []
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with receiver.lock:
                    receiver.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                    status, answer = receiver.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, body):
        if path.startswith("/broken/"):
            return 503, b"out of order"
        if path.startswith("/twilio/"):
            to = dict(urllib.parse.parse_qsl(body.decode())).get("To", "")
            if to.endswith("0000000"):
                return 400, json.dumps({"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}).encode()
            return 201, json.dumps({"sid": "SM%032d" % len(self.seen), "status": "queued"}).encode()
        if path == "/slack/chat.postMessage":
            ts = "%d.%06d" % (time.time(), len(self.seen))
            return 200, json.dumps({"ok": True, "channel": "D0ANN", "ts": ts}).encode()
        if path.startswith("/slack/"):
            return 200, b'{"ok":true}'
        if path.startswith("/push/"):
            return 201, b""
        if path.startswith("/teams/"):
            return 202, b""
        return 200, b'{"id":"n1","event":"message"}'

    def of(self, prefix):
        with self.lock:
            return [it for it in self.seen if it[0].startswith(prefix)]
