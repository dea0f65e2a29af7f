#!/usr/bin/env python3
"""Compares who is on call with an independent implementation: every five minutes within three days of every change of
offset from 2020 to 2040, in 40 zones, over all schedules of cases.py. Also the final schedule to the second, what it covers,
and the first hand-off. Exit 0: no difference; 1: some; 2: the two sides do not read the same time zones.
"""

import argparse
import collections
import multiprocessing
import os
import subprocess
import sys
import time
import zoneinfo

# The machine's own time zones are not to be read: only those of the pinned package.
zoneinfo.reset_tzpath(to=())

import tzdata

import cases
from mutants import MUTANTS
from schedule import Roster
from wall import DAY, Zone, number

STEP = 300
AROUND = 3 * DAY
# Differences of one zone and schedule that are printed.
SHOWN_MAX = 3

Found = collections.namedtuple("Found", "zone changes instants answers entries differences samples")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answers", help="the product's side: cargo's example `answers`")
    parser.add_argument("--zones", help="only these, with commas between")
    parser.add_argument("--years", default="2020-2040", help="first and last [default: 2020-2040]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes [default: one per core]")
    parser.add_argument("--mutate", choices=sorted(MUTANTS), help="compare with a wrong rule, which must be found")
    options = parser.parse_args()
    same_time_zones(options.answers)
    zones = options.zones.split(",") if options.zones else cases.ZONES
    first, last = (int(year) for year in options.years.split("-"))
    years = number(first, 1, 1), number(last + 1, 1, 1)
    tasks = [(options.answers, zone, years, options.mutate) for zone in zones]
    started = time.monotonic()
    total = collections.Counter()
    with multiprocessing.Pool(options.jobs) as pool:
        for found in pool.imap(compare_zone, tasks):
            note = "" if not found.differences else f"  {found.differences} DIFFERENCES"
            print(f"oncall: {found.zone:<22} {found.changes:>3} changes {found.instants:>6} instants {found.answers:>8} answers{note}", flush=True)
            for sample in found.samples:
                print(f"  {sample}")
            counted = ("changes", "instants", "answers", "entries", "differences")
            total.update({name: getattr(found, name) for name in counted})
    seconds = time.monotonic() - started
    print(
        f"oncall: {len(zones)} zones, {total['changes']} changes of offset {first} to {last}: {total['instants']} instants, "
        f"{total['answers']} answers over the schedules, {total['entries']} entries of final schedules; "
        f"{total['differences']} differences ({seconds:.0f} s)"
    )
    sys.exit(1 if total["differences"] else 0)


def same_time_zones(answers):
    """Ends the program unless both sides read the same release of the IANA time zones."""
    ours = tzdata.IANA_VERSION
    theirs = subprocess.run([answers, "--tzdata"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"oncall: IANA time zones {theirs} in jiff, {ours} in Python's tzdata {tzdata.__version__}")
    if ours != theirs:
        print("oncall: they differ: pin the tzdata of that release in tests/oracle/oncall/requirements.txt", file=sys.stderr)
        sys.exit(2)


def compare_zone(task):
    """All schedules of one zone about all its changes."""
    answers, name, years, mutant = task
    # The schedules are made by the right rules; only the judgement of them may be wrong on purpose.
    windows = [(at // STEP * STEP - AROUND, at // STEP * STEP + AROUND) for at in Zone(name).changes(*years)]
    if not windows:
        sys.exit(f"oncall: {name} never changes in these years: choose another zone")
    schedules = cases.schedules(Zone(name), windows)
    zone_of, roster_of, rules = MUTANTS[mutant] if mutant else (Zone, Roster, {})
    zone = zone_of(name)
    questions = "".join(question(name, schedule, windows) for schedule in schedules)
    process = subprocess.run([answers], input=questions, capture_output=True, text=True)
    if process.returncode:
        sys.exit(f"oncall: {answers} failed: {process.stderr}")
    lines = iter(process.stdout.splitlines())
    answers_compared = entries = differences = 0
    samples = []
    for schedule in schedules:
        roster, wrong = roster_of(zone, schedule, **rules), []
        for since, until in windows:
            counts = compare_window(roster.near(since, until), since, until, lines, wrong)
            answers_compared, entries = answers_compared + counts[0], entries + counts[1]
        differences += len(wrong)
        samples += [f"{schedule.name}: {text}" for text in wrong[:SHOWN_MAX]]
    if next(lines, None) is not None:
        sys.exit("oncall: more answers than questions")
    instants = len({at for since, until in windows for at in range(since, until + 1, STEP)})
    return Found(name, len(windows), instants, answers_compared, entries, differences, samples)


def question(zone, schedule, windows):
    """One schedule and its windows, as `answers` reads them."""
    lines = [f"schedule {zone}"]
    for layer in schedule.layers:
        end = "-" if layer.end is None else layer.end
        lines.append(f"layer {layer.start} {end} {layer.virtual_start} {layer.turn} {','.join(layer.users)}")
        for it in layer.restrictions:
            kind = "daily" if it.day is None else f"weekly {it.day}"
            lines.append(f"{kind} {it.start} {it.duration}")
    lines += [f"override {it.start} {it.end} {it.user}" for it in schedule.overrides]
    lines += [f"window {since} {until} {STEP}" for since, until in windows]
    return "\n".join(lines) + "\n"


def compare_window(roster, since, until, lines, wrong):
    """Notes in `wrong` what the three lines of an answer say else than the roster."""
    theirs = [user for run in words(next(lines), "at") for user in expand(run)]
    instants = range(since, until + 1, STEP)
    if len(theirs) != len(instants):
        sys.exit(f"oncall: {len(theirs)} answers for {len(instants)} instants")
    for at, user in zip(instants, theirs):
        ours = roster.on_call(at) or "-"
        if ours != user:
            wrong.append(f"at {utc(at)}: {user}, expected {ours}")
    entries = roster.entries(since, until)
    theirs = [(int(start), int(end), user) for start, end, user in (word.split(",") for word in words(next(lines), "final"))]
    for entry in sorted(set(entries) ^ set(theirs)):
        whose = "expected" if entry in entries else "found"
        wrong.append(f"final schedule: {whose} {utc(entry[0])} to {utc(entry[1])} {entry[2]}")
    if entries != sorted(theirs) or theirs != sorted(theirs):
        wrong.append("final schedule: in another order")
    covered = sum(end - start for start, end, _ in entries)
    theirs, ours = next(lines), f"covered {covered} handoff {handoff(entries, since, until)}"
    if theirs != ours:
        wrong.append(f"from {utc(since)}: {theirs}, expected {ours}")
    return len(instants), len(entries)


def handoff(entries, since, until):
    """The first change after `since`: instant, from, to."""
    stretches = []
    for start, end, user in entries:
        if start > (stretches[-1][1] if stretches else since):
            stretches.append((stretches[-1][1] if stretches else since, start, "-"))
        stretches.append((start, end, user))
    if not stretches or stretches[-1][1] < until:
        stretches.append((stretches[-1][1] if stretches else since, until, "-"))
    if len(stretches) == 1:
        return "-"
    return f"{stretches[1][0]},{stretches[0][2]},{stretches[1][2]}"


def words(line, head):
    first, *rest = line.split(" ")
    if first != head:
        sys.exit(f"oncall: expected an answer that begins with {head}, got {line[:60]!r}")
    return rest


def expand(run):
    user, count = run.split("*")
    return [user] * int(count)


def utc(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


if __name__ == "__main__":
    main()
