"""A real broker, the ledger's topics on it, and the roles as processes of their own."""

import datetime
import json
import os
import pathlib
import signal
import subprocess
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

import commits
import kafka_log
from binaries import ROOT
from process import Dead, Process, free_port

START_WAIT_S = 60
DAY_MS = 24 * 3600 * 1000
# How long a dead processor keeps its shards, which is what `session.timeout.ms` is set to.
SESSION_S = 10


class Cluster:
    """Brokers of our own, ended with this process: one, or `count` of three of which one may be lost. `host`: the address
    that they listen on. `proxy`: what the processors reach the broker through."""

    def __init__(self, binary, home: pathlib.Path, shards: int, count=1, host="127.0.0.1", proxy=None):
        self.binary, self.home, self.shards, self.count = binary, home, shards, count
        self.port = free_port(beside=2 * count - 1, host=host)
        self.environment = {**os.environ, "PORT": str(self.port), "UNTIL": str(os.getpid()), "BROKERS": str(count),
                            "KAFKA_HEAP": "768m" if count == 1 else "512m", "HOST": host}
        if proxy:
            self.environment["BEHIND"] = f"{proxy.behind}:{proxy.port}"
        self.brokers = self.script("up")
        self.seen_by_processors = f"{host}:{proxy.port}" if proxy else self.brokers
        subprocess.run([binary, "topics", "create", "--kafka", self.brokers, "--shards", str(shards), "--replication",
                        str(count)], check=True, stderr=subprocess.DEVNULL)
        self._keep_history()
        self.ledger = self._card()
        self._committed, self._asker = {}, Consumer(kafka_log.reading(self.brokers))
        self._changelog = Consumer(kafka_log.reading(self.brokers))
        self._read_to = dict.fromkeys(range(shards), OFFSET_BEGINNING)

    def script(self, *words: str) -> str:
        return subprocess.run([ROOT / "scripts/kafka.sh", *words], env=self.environment, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()

    def _keep_history(self):
        """Compaction would take away the commit records whose history is judged."""
        entries = [ConfigEntry(name, str(DAY_MS), incremental_operation=AlterConfigOpType.SET)
                   for name in ("min.compaction.lag.ms", "max.compaction.lag.ms")]
        resource = ConfigResource(ConfigResource.Type.TOPIC, kafka_log.CHANGELOG, incremental_configs=entries)
        admin = AdminClient({"bootstrap.servers": self.brokers})
        for answer in admin.incremental_alter_configs([resource]).values():
            answer.result(timeout=30)

    def _card(self) -> str:
        for message in kafka_log.read(self.brokers, ["campanile.directory"]):
            if message.key() == kafka_log.CARD:
                return json.loads(message.value())["ledger"]
        raise Dead("the ledger has no card")

    def committed(self) -> dict:
        """The newest commit of each shard, read on from the changelog where the last look ended."""
        self._changelog.assign([TopicPartition(kafka_log.CHANGELOG, *place) for place in self._read_to.items()])
        left = {(kafka_log.CHANGELOG, shard) for shard in range(self.shards)}
        for message in kafka_log.until_ends(self._changelog, left):
            self._read_to[message.partition()] = message.offset() + 1
            if message.key() == kafka_log.COMMIT:
                self._committed[message.partition()] = commits.parse(message.value().decode())
        return self._committed

    def is_in_step(self) -> bool:
        """Whether every copy of every partition follows its leader."""
        listed = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0}).list_topics(timeout=30)
        places = [place for topic in listed.topics.values() for place in topic.partitions.values()]
        return len(listed.brokers) == self.count and all(len(place.isrs) == len(place.replicas) for place in places)

    def left(self) -> int:
        """Inputs that no commit has consumed yet."""
        standing, left = self.committed(), 0
        for shard in range(self.shards):
            next_ = standing[shard].next if shard in standing else (0, 0, 0)
            for topic, first in zip(("events", "triage", "commands"), next_):
                place = TopicPartition(f"campanile.{topic}", shard)
                end = self._asker.get_watermark_offsets(place, timeout=30)[1]
                # Ends of transactions lie behind the last forwarded event, so there only a read can tell.
                left += end - first if topic != "triage" else kafka_log.count(self.brokers, place, first, end)
        return left

    def stop(self):
        self._asker.close()
        self._changelog.close()
        self.script("down")


class Role(Process):
    """`campanile gateway` or `campanile processor`, one instance of it; `within`: the words that start it somewhere else."""

    def __init__(self, cluster: Cluster, role: str, name: str, environment: dict, within=()):
        self.cluster, self.role, self.within = cluster, role, within
        self.data = cluster.home / name
        self.port = free_port() if role == "gateway" else None
        page = self.data / "kafka" / name / "flight"
        super().__init__(name, {**environment, "CAMPANILE_LOG_FORMAT": "json"}, page, cluster.home / f"{name}.log")
        self.log.touch()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments, **environment):
        """Starts it and waits until it says that it works."""
        begin = self.log.stat().st_size
        self.launch(self._command(*arguments), **environment)
        word = b"listening on" if self.port else b"processing"
        self.wait_until(lambda: word in self.log.read_bytes()[begin:], START_WAIT_S)

    def launch_at(self, at: str, **environment):
        """Starts it with a place in the code at which it is to die or stop, be it before it works."""
        self.launch(self._command(), CAMPANILE_AT=at, **environment)

    def _command(self, *arguments) -> list:
        brokers = self.cluster.brokers if self.port else self.cluster.seen_by_processors
        command = [*self.within, self.cluster.binary, self.role, "--kafka", brokers, "--instance", self.name,
                   "--data", self.data, *arguments]
        command += ["--listen", f"127.0.0.1:{self.port}"] if self.port else ["--threads", "2"]
        return command

    def wait_stopped(self, wait_s: float) -> bool:
        """Whether it has stopped itself within the time."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until and self.runs():
            if f"{pathlib.Path(f'/proc/{self.process.pid}/stat').read_text().rsplit(')', 1)[1]}".split()[0] == "T":
                return True
            time.sleep(0.02)
        return False

    def wait_died(self, wait_s: float) -> bool:
        """Whether it has ended by itself within the time."""
        try:
            self.process.wait(wait_s)
            return True
        except subprocess.TimeoutExpired:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def shards_since(self, since: float) -> set:
        """Shards that it has opened since an instant."""
        return {line["shard"] for at, line in self.told("the shard is ours") if at >= since}

    def told(self, *messages: str) -> list:
        """Log lines with one of these messages: (seconds since 1970, line)."""
        found = []
        for text in self.log.read_text(errors="replace").splitlines():
            if not text.startswith("{"):
                continue
            try:
                line = json.loads(text)
            except ValueError:
                continue  # two lines in one: a kill came in between
            if not messages or line.get("message") in messages:
                at = datetime.datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")).timestamp()
                found.append((at, line))
        return found
