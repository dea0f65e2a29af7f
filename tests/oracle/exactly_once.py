#!/usr/bin/env python3
"""Kills servers under load, again and again, and asks the oracle what they lost, did twice, or did in the wrong order.

    python3 tests/oracle/exactly_once.py --kills 15 --events 500000
    python3 tests/oracle/exactly_once.py --kills 4 --events 20000 --mutate forgotten-cursor     must fail
    python3 tests/oracle/exactly_once.py --power cut                                            and loses what was not synced
    python3 tests/oracle/exactly_once.py --ledger kafka                                         on a real broker

Ends with one line; exit code 0 if nothing is wrong, 1 if something is, 2 if too few kills hit what they were meant to,
so that the run proves nothing.
"""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile

import binaries
import embedded
import mutations
from compare import Findings
from kills import IN_COMMIT_LEAST, IN_FLIGHT_SHARE, LOAD_S
from process import Dead


# Events a second that two cores carry with everything on them: a broker in Java, a client in Python.
RATE_MAX = {"rocks": 1_000_000, "kafka": 2500}


def main() -> int:
    chosen = arguments()
    home = pathlib.Path(tempfile.mkdtemp(prefix="campanile-exactly-once-")).resolve()
    findings, told, proves = Findings(shown=20), "the run did not come to its end", False
    try:
        told, proves = runs(chosen)(chosen, home, findings)
    except Dead as death:
        # A server that finds its own disk to have lied is a finding; any other end of the run proves nothing.
        if not (chosen.mutate == "skip-fsync" and "lost confirmed writes" in str(death)):
            print(f"the run did not come to its end, nothing was judged: {death}\nkept: {home}")
            return 3
        findings.add("lost", str(death))
    for words in findings.words:
        print(words)
    if chosen.keep or not (findings.clean or chosen.mutate):
        print(f"kept: {home}")
    else:
        shutil.rmtree(home)
    if findings.clean and not proves:
        print(f"the kills prove too little: {IN_FLIGHT_SHARE:.0%} must find requests in flight and {IN_COMMIT_LEAST} fall "
              "inside a commit; run again, or longer")
    print(f"{findings.line().removesuffix(', wrong 0')} · {told}")
    return 1 if not findings.clean else 0 if proves else 2


def runs(chosen):
    """The run of the chosen ledger. Kafka's client is asked for only there."""
    if chosen.ledger == "rocks":
        return embedded.run
    import on_kafka
    return on_kafka.run


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", choices=["rocks", "kafka"], default="rocks")
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--rate", type=float, help="events per second; default: enough that the load outlasts the kills")
    parser.add_argument("--mutate", help="break the server on purpose; the run must then fail")
    parser.add_argument("--power", choices=["cut"], help="cut files back to what was synced after each kill")
    parser.add_argument("--points", type=int, default=0, help="Kafka: die so often at each point of the crash matrix")
    parser.add_argument("--zombies", type=int, default=0, help="Kafka: stop processors so often for longer than their session")
    parser.add_argument("--damages", type=int, default=0, help="Kafka: damage so many state directories")
    parser.add_argument("--storms", type=int, default=0, help="Kafka: have a third processor join and leave so often")
    parser.add_argument("--broker-kills", type=int, default=0, help="Kafka: kill so many brokers, of three, one at a time")
    parser.add_argument("--partitions", type=int, default=0, help="Kafka: cut a processor off the network so often; needs root")
    parser.add_argument("--late-ends", type=int, default=0, help="Kafka: disturb so many EndTxn by a proxy")
    parser.add_argument("--siblings", type=int, default=0, help="Kafka: kill a processor so often with its transaction open")
    parser.add_argument("--rolling", type=int, default=0, help="Kafka: restart all of three processors so often, one by one")
    parser.add_argument("--summary", type=pathlib.Path, help="Kafka: also write what befell it and what was found, as JSON")
    parser.add_argument("--point", action="append", help="only at this point, or this damage; may be given again")
    parser.add_argument("--disturb", help="Kafka: lost-answer:N hides every Nth commit's answer, lost-commit:N the commit")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of kills and events")
    parser.add_argument("--campanile", type=pathlib.Path, help="a server with faults; default: built here")
    parser.add_argument("--load", type=pathlib.Path, help="the load harness; default: built here")
    parser.add_argument("--still", action="store_true", help="leave the organisation as it is; default: it changes all the time")
    parser.add_argument("--keep", action="store_true", help="keep the data directory")
    chosen = parser.parse_args()
    known = embedded.MUTATIONS if chosen.ledger == "rocks" else mutations.ON_KAFKA
    if chosen.mutate and chosen.mutate not in known:
        parser.error(f"--mutate {chosen.mutate}: on this ledger they are {', '.join(known)}")
    if chosen.power and chosen.ledger != "rocks":
        parser.error("--power cut: on Kafka durability is the brokers', and theirs are not cut here")
    if chosen.mutate == "skip-fsync" and chosen.power != "cut":
        parser.error("the page cache outlives a kill: without --power cut nobody would miss a sync")
    chosen.campanile = chosen.campanile or binaries.server()
    chosen.load = chosen.load or binaries.load()
    # A gap of about a second follows each kill; some load must be left behind the last.
    chosen.rate = chosen.rate or min(chosen.events / (chosen.kills * (sum(LOAD_S) / 2 + 2) + 5), RATE_MAX[chosen.ledger])
    print(f"exactly-once: seed {chosen.seed}, {chosen.events} events at {chosen.rate:.0f}/s, {chosen.kills} kills", flush=True)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
