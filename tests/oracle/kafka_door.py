"""What the embedded server's door does for the parts of this harness, over a Kafka producer of the harness's own.

On Kafka the roles have no door: the log is the cluster's. So that senders, commander and reorganiser need not know, this
answers the same requests on the same kind of socket: appends to events and commands, the directory and its changes.
"""

import json
import pathlib
import socketserver
import subprocess
import threading

from confluent_kafka import Producer

import murmur2
from process import Process

APPLY_WAIT_S = 60


class KafkaDoor:
    """Listens on `<home>/campanile.sock`. `directory`: the folder of the organisation, changed as it is asked."""

    def __init__(self, cluster, directory: pathlib.Path, environment: dict):
        self.cluster, self.directory, self.environment = cluster, directory, environment
        self.home = cluster.home
        self.socket = self.home / "campanile.sock"
        self._turn, self._applying = 0, threading.Lock()
        self._producer = Producer({"bootstrap.servers": cluster.brokers, "enable.idempotence": True, "acks": "all",
                                   "linger.ms": 1, "message.timeout.ms": 30_000, "reconnect.backoff.max.ms": 500,
                                   "log_level": 0})
        self._stop = threading.Event()
        self._server = _Listener(str(self.socket), self)
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._server.serve_forever, self._poll)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._stop.set()

    def _poll(self):
        while not self._stop.is_set():
            self._producer.poll(0.05)

    def answer(self, asked: dict) -> list:
        """The lines of an answer, the last one with `done` or `error`."""
        try:
            return getattr(self, f"_{asked.pop('op')}")(**asked)
        except Exception as problem:  # whatever it was, the asker is to hear of it and not to wait
            return [{"error": f"{problem}"}]

    def _append(self, topic, records, partition=None):
        if partition is None:
            key = records[0].get("key")
            self._turn += 1
            partition = murmur2.murmur2(key.encode()) % self.cluster.shards if key else self._turn % self.cluster.shards
        answers, all_in = [None] * len(records), threading.Event()

        def delivered(place, error, message):
            # An error of this client cannot be compared with None.
            answers[place] = message.offset() if error is None else str(error)
            if None not in answers:
                all_in.set()

        for place, record in enumerate(records):
            self._producer.produce(f"campanile.{topic}", record["value"].encode(), record.get("key"), partition,
                                   on_delivery=lambda error, message, place=place: delivered(place, error, message))
        if not all_in.wait(60) or any(not isinstance(answer, int) for answer in answers):
            return [{"error": f"in doubt: {answers}"}]
        return [{"done": True, "partition": partition, "first": answers[0], "offsets": answers}]

    def _directory(self):
        files = sorted(self.directory.glob("*/*.json"))
        lines = [{"kind": path.parent.name, "id": path.stem, "json": path.read_text()} for path in files]
        return [*lines, {"done": True}]

    def _directory_apply(self, files):
        """Through a gateway that lives just for this: there is no other way to change the organisation on Kafka."""
        with self._applying:
            paths = [self.directory / file["kind"] / f"{file['id']}.json" for file in files]
            before = [path.read_text() for path in paths]
            for path, file in zip(paths, files):
                path.write_text(file["json"])
            log = self.home / "apply.log"
            log.unlink(missing_ok=True)
            gateway = Process("the applying gateway", self.environment, log, log)
            command = [self.cluster.binary, "gateway", "--kafka", self.cluster.brokers, "--instance", "apply", "--data",
                       self.home / "apply", "--listen", "127.0.0.1:0", "--directory", self.directory]
            try:
                gateway.launch(command)
                gateway.wait_until(lambda: b"the directory " in log.read_bytes(), APPLY_WAIT_S)
            except Exception:
                for path, text in zip(paths, before):
                    path.write_text(text)
                raise
            finally:
                if gateway.runs():
                    gateway.process.terminate()
                    try:
                        gateway.process.wait(20)
                    except subprocess.TimeoutExpired:
                        gateway.clear()
        return [{"done": True}]


class _Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads, block_on_close = True, False

    def __init__(self, path, door):
        self.door = door
        super().__init__(path, _Conversation)

    def handle_error(self, request, client_address):
        """An asker that leaves in the middle of an answer is none of our business."""


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        for text in self.rfile:
            lines = self.server.door.answer(json.loads(text))
            self.wfile.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
