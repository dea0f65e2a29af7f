#!/usr/bin/env python3
"""What is judged on Kafka alone, judged: gaps of offsets, claims, zombies, restores. Each way of breaking it is found."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import commits
import compare
import restores
import topics as topics_

T0 = 1_790_000_000_000


def topics(*records, gaps=True):
    """Of (topic, offset, value) or (topic, offset, value, at)."""
    lines = [{"ledger": "00abc", "shards": 1, "gaps": gaps}]
    for topic, offset, value, *at in records:
        lines.append({"topic": f"campanile.{topic}", "partition": 0, "offset": offset, "at": (at or [T0])[0], "value": value})
    return topics_.read(json.dumps(line) for line in lines)


def commit(seq, claim, main=0, owner="p1"):
    return f"1;{seq};{owner};{claim:016x};{main};0;0;0;0;{T0};1;{0:032x}"


def step(seq, main=0):
    return json.dumps({"seq": seq, "next": [main, 0, 0], "out_seq": 0, "serial": 0, "now": T0, "epoch": 1})


def judged(*records):
    findings = compare.Findings()
    commits.check(topics(*records), 1, findings)
    return findings


class Role:
    """A processor that says one thing of its restores."""

    def __init__(self, name, message=restores.RESTORED, **line):
        self.name, self.line = name, {"message": message, "shard": 0, **line}

    def told(self, *messages):
        return [(0.0, self.line)] if self.line["message"] in messages else []


class Gaps(unittest.TestCase):
    def test_ends_of_transactions_are_no_lost_records(self):
        read = topics(("triage", 2, "a"), ("triage", 3, "b"), ("triage", 7, "c"))
        self.assertEqual(read.problems, [])
        self.assertEqual(read.between("triage", 0, 0, 2), 0)
        self.assertEqual(read.between("triage", 0, 4, 7), 0)
        self.assertEqual(read.between("triage", 0, 3, 8), 2)
        self.assertEqual(read.at("triage", 0, 7).value, b"c")
        self.assertIsNone(read.at("triage", 0, 5))

    def test_events_have_none_and_nothing_runs_back(self):
        self.assertTrue(topics(("events", 0, "a"), ("events", 2, "b")).problems)
        self.assertTrue(topics(("triage", 3, "a"), ("triage", 2, "b")).problems)
        self.assertTrue(topics(("triage", 0, "a"), ("triage", 2, "b"), gaps=False).problems)


class Commits(unittest.TestCase):
    clean = [("commits", 0, commit(1, 7)), ("commits", 4, commit(2, 7, main=3)), ("commits", 9, commit(3, 8, main=3, owner="p2")),
             ("commits", 12, commit(4, 8, main=5, owner="p2")), ("steps", 1, step(2, main=3)), ("steps", 3, step(4, main=5))]

    def test_history_with_two_claims_is_clean(self):
        self.assertTrue(judged(*self.clean).clean)
        self.assertEqual(commits.claims(topics(*self.clean), 0), {1, 3})

    def test_number_left_out_is_lost_and_number_used_twice_is_duplicated(self):
        self.assertEqual(judged(("commits", 0, commit(1, 7)), ("commits", 2, commit(3, 7)),
                                ("steps", 0, step(3))).counts["lost"], 1)
        self.assertEqual(judged(("commits", 0, commit(1, 7)), ("commits", 2, commit(2, 7)), ("commits", 3, commit(2, 7)),
                                ("steps", 0, step(2))).counts["duplicated"], 1)

    def test_claim_that_was_followed_may_not_come_back(self):
        found = judged(*self.clean, ("commits", 15, commit(5, 7, main=5)), ("steps", 9, step(5, main=5)))
        self.assertEqual(found.counts["wrong"], 1)
        self.assertIn("zombie", found.words[0])

    def test_commit_and_step_say_the_same(self):
        wrong = [record for record in self.clean if record[:2] != ("steps", 3)]
        self.assertEqual(judged(*wrong).counts["lost"], 1)
        self.assertEqual(judged(*wrong, ("steps", 3, step(4, main=6))).counts["wrong"], 1)
        self.assertEqual(judged(*self.clean, ("steps", 5, step(9))).counts["wrong"], 1)


class Restored(unittest.TestCase):
    history = [("commits", nth * 10, commit(nth + 1, 7), T0 + nth * 600) for nth in range(10)]

    def judged(self, role, damage_is_wrong=True):
        findings = compare.Findings()
        found = restores.check(topics(*self.history), [role], 1, findings, damage_is_wrong)
        return found, findings

    def test_tail_since_the_last_write_behind_is_read_again_and_no_more(self):
        found, findings = self.judged(Role("p1", **{"from": 71, "until": 91, "records": 20}))
        self.assertTrue(findings.clean)
        self.assertEqual((found.warm, found.longest_records, found.longest_ms), (1, 20, 600))
        _, findings = self.judged(Role("p1", **{"from": 1, "until": 91, "records": 90}))
        self.assertEqual(findings.counts["wrong"], 1)

    def test_anothers_shard_is_read_from_wherever_one_stood(self):
        found, findings = self.judged(Role("p2", **{"from": 0, "until": 91, "records": 90}))
        self.assertTrue(findings.clean)
        self.assertEqual((found.warm, found.other), (0, 1))

    def test_damage_without_cause_is_wrong(self):
        role = Role("p1", message=restores.DAMAGE[0])
        self.assertEqual(self.judged(role)[1].counts["wrong"], 1)
        self.assertTrue(self.judged(role, damage_is_wrong=False)[1].clean)


if __name__ == "__main__":
    unittest.main()
