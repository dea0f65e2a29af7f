#!/usr/bin/env python3
"""Every fault of the programme on a real Kafka, each under load and judged by the oracle; one table at the end.

    python3 tests/oracle/chaos.py               all of it, half an hour
    python3 tests/oracle/chaos.py --quick       some of each in two runs, about three minutes
    python3 tests/oracle/chaos.py --only partitions --only storms

A zero bounds little by itself: of n faults without a violation, at most 3/n of such faults do harm, at 95 % confidence. Exit
code 0 if nothing was found, 1 if something was, 2 if a run proves too little, 3 if one did not come to its end.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import binaries
import networks

HERE = pathlib.Path(__file__).resolve().parent
# One run each: its name, and what befalls it.
WHOLE = {
    "kills": ["--kills", "20", "--events", "130000", "--rate", "600"],
    "broker-kills": ["--broker-kills", "3"],
    "zombies": ["--zombies", "12"],
    "points": ["--points", "3"],
    "partitions": ["--partitions", "3"],
    "storms": ["--storms", "20"],
    "damages": ["--damages", "5"],
    "late-ends": ["--late-ends", "20"],
    "siblings": ["--siblings", "1"],
}
QUICK = {
    "mixed": ["--zombies", "1", "--damages", "1", "--storms", "4", "--late-ends", "4"],
    "points": ["--points", "1", "--point", "C3", "--point", "C5", "--point", "C11"],
}
NEEDS_ROOT = "partitions"
NAMES = {"kills": "process killed", "broker_kills": "broker killed, of three", "zombies": "stopped beyond its session",
         "points": "died at a named point", "partitions": "cut off the network", "storms": "join or leave",
         "damages": "state directory damaged", "late_ends": "EndTxn late or repeated",
         "siblings": "died with its transaction open"}
RUN_WAIT_S = 1800


def main() -> int:
    chosen = arguments()
    rows, codes, began = [], [], time.monotonic()
    for name, what in chosen.runs.items():
        if name == NEEDS_ROOT and not networks.are_possible():
            rows.append({"fault": name, "injected": 0, "violations": "-", "longest_gap_s": None,
                         "note": "not run: network namespaces need root and iproute2"})
            codes.append(2)
            continue
        code, found = run(chosen, name, what)
        codes.append(code)
        rows += found
    print_table(rows)
    print(f"chaos: seed {chosen.seed}, {time.monotonic() - began:.0f} s, "
          + ("0 violations" if not any(codes) else "see above"))
    return next((code for code in (3, 1, 2) if code in codes), 0)


def run(chosen, name: str, what: list) -> tuple:
    """One run: its exit code and its rows."""
    print(f"chaos: {name}: {' '.join(what)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="campanile-chaos-") as home:
        summary = pathlib.Path(home) / "summary.json"
        command = [sys.executable, HERE / "exactly_once.py", "--ledger", "kafka", *what, "--seed", str(chosen.seed),
                   "--campanile", chosen.campanile, "--load", chosen.load, "--summary", summary]
        try:
            code = subprocess.run(command, timeout=RUN_WAIT_S).returncode
        except subprocess.TimeoutExpired:
            code = 3
        if code not in (0, 1, 2) or not summary.exists():
            return 3, [{"fault": name, "injected": 0, "violations": "-", "longest_gap_s": None,
                        "note": f"the run did not come to its end: {code}"}]
        read = json.loads(summary.read_text())
    return code, [{**row, "violations": read["violations"]} for row in read["faults"]]


def print_table(rows: list):
    head = ("fault", "times", "violations", "longest gap", "bounds")
    lines = [head] + [(NAMES.get(row["fault"], row["fault"]), str(row["injected"]), str(row["violations"]),
                       "-" if row["longest_gap_s"] is None else f"{row['longest_gap_s']:.1f} s", bound(row)) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    notes = ["", *(row["note"] for row in rows)]
    print()
    for line, note in zip(lines, notes):
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("  ".join([*cells, note]).rstrip())
    print()


def bound(row: dict) -> str:
    """What a zero says: the rule of three."""
    if row["violations"] != 0 or not row["injected"]:
        return "-"
    return f"< {min(3 / row['injected'], 1):.0%}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="some of each, about three minutes")
    parser.add_argument("--only", action="append", help=f"only this run, may be given again: {', '.join(WHOLE)}")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of kills and events")
    parser.add_argument("--campanile", type=pathlib.Path, help="a server with faults; default: built here")
    parser.add_argument("--load", type=pathlib.Path, help="the load harness; default: built here")
    chosen = parser.parse_args()
    chosen.runs = QUICK if chosen.quick else WHOLE
    if chosen.only:
        if unknown := [name for name in chosen.only if name not in chosen.runs]:
            parser.error(f"--only {unknown[0]}: they are {', '.join(chosen.runs)}")
        chosen.runs = {name: chosen.runs[name] for name in chosen.only}
    chosen.campanile = chosen.campanile or binaries.server()
    chosen.load = chosen.load or binaries.load()
    return chosen


if __name__ == "__main__":
    sys.exit(main())
