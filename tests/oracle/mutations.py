"""Faults of a Kafka ledger that a run must find, and what it takes to find each: kills, answers that are lost, zombies."""

# Found by kills under load, without more.
KILLS = "kills"

ON_KAFKA = {
    "commit-before-state": {},
    "skipped-drain": {},
    "forgotten-seek": {},
    "position-too-high": {},
    "reused-producer": {"CAMPANILE_DISTURB": "lost-answer:40"},
    "out-seq-for-seq": {"CAMPANILE_DISTURB": "lost-commit:10"},
    "door-moves-now": {},
    "generation-minus-one": {},
    "no-probe": {},
    "wipe-before-verify": {},
}
