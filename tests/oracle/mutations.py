"""Faults of the ledger on Kafka that a run must find, and what it takes to find each."""


class Need:
    """`run`: kills, zombies or damages; `count` and `points` of them; `environment` of the processors; `rate` of events."""

    def __init__(self, run="kills", count=None, points=None, rate=None, **environment):
        self.run, self.count, self.points, self.rate, self.environment = run, count, points, rate, environment


ON_KAFKA = {
    "commit-before-state": Need(),
    "skipped-drain": Need(),
    "forgotten-seek": Need(),
    "position-too-high": Need(),
    "door-moves-now": Need(),
    "reused-producer": Need(CAMPANILE_DISTURB="lost-answer:40"),
    # So few events that most commits publish no incident: only those can it mistake.
    "out-seq-for-seq": Need(rate=150, CAMPANILE_DISTURB="lost-commit:10"),
    "generation-minus-one": Need("zombies", 1, ["probed"]),
    "no-probe": Need("zombies", 1, ["renewing"]),
    "wipe-before-verify": Need("damages", 1, ["manifest-cut"]),
}
# Without a fault the same must be clean: answers lost on purpose, for the other half of what is told apart.
NOTHING = Need()
