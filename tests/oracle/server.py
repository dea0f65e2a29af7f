"""The embedded server under test: `campanile up` on one data directory."""

import pathlib
import time

import power_cut
from door import Door, Refused
from process import Dead, Process, free_port

START_WAIT_S = 60


class Server(Process):
    """Runs `campanile up` on one data directory. `shim`: the library that notes what is durable, or None."""

    def __init__(self, binary, home: pathlib.Path, directory: pathlib.Path, environment: dict, shim=None):
        self.binary, self.home, self.directory = binary, home, directory
        self.data, self.side = home / "data", home / "synced"
        self.port = free_port()
        self.shim = shim
        super().__init__("the server", dict(environment), self.data / "flight", home / "server.log")
        self.data.mkdir()
        if shim:
            power_cut.begin(self.data, self.side)
            self.environment.update(LD_PRELOAD=str(shim), CAMPANILE_SYNCED_DATA=str(self.data),
                                    CAMPANILE_SYNCED_SIDE=str(self.side))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket(self) -> pathlib.Path:
        return self.data / "campanile.sock"

    def start(self, first=False):
        """Starts it and waits until the door answers."""
        command = [self.binary, "up", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"]
        if first:
            command += ["--directory", self.directory]
        self.launch(command)
        self.wait_until(self._door_answers, START_WAIT_S)

    def _door_answers(self) -> bool:
        try:
            with Door(self.data, timeout=5) as door:
                door.ask("card")
            return True
        except (OSError, Refused):
            return False

    def wait_for_commit(self, aim, wait_s: float):
        """Returns when `aim` is so of the newest durable commit of some shard, or when the wait is over."""
        until = time.monotonic() + wait_s
        with Door(self.data) as door:
            while time.monotonic() < until:
                if any(aim(shard["committed_seq"]) for shard in door.ask("status")[1]["shards"]):
                    return

    def kill(self) -> tuple:
        """kill -9, and what the kill hit; then the power cut, if there is one."""
        hit = super().kill()
        if self.shim:
            print(power_cut.cut(self.data, self.side), flush=True)
        return hit

    def left(self) -> int:
        """Inputs that no commit has consumed yet."""
        with Door(self.data) as door:
            ends = [door.ask("ends", topic=topic)[1]["ends"] for topic in ("events", "triage", "commands")]
            status = door.ask("status")[1]
        if status.get("failed"):
            raise Dead(f"the processor stopped: {status['failed']}")
        return sum(end[1] - shard["next"][lane] for shard in status["shards"]
                   for lane, end in enumerate(partitions[shard["shard"]] for partitions in ends))


def wait_until_drained(ledger, wait_s: float) -> int:
    """Waits until every shard has committed all that its lanes hold. `ledger.left()`: inputs that are not. Gives how many
    are left when the wait is over."""
    until = time.monotonic() + wait_s
    calm = left = 0
    while time.monotonic() < until:
        left = ledger.left()
        calm = calm + 1 if left == 0 else 0
        if calm == 3:
            return 0
        time.sleep(0.2)
    return left
