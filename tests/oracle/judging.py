"""What every run ends with: the export read, the oracle asked, promises looked up."""

import gc
import json
import pathlib

import journal
import oracle
import topics as topics_
from compare import Findings


def line_of(**members) -> str:
    return json.dumps(members) + "\n"


def judge(export: pathlib.Path, findings: Findings, rows_at=None) -> tuple:
    """Everything that the oracle can judge of an export. Gives the topics and the shards as they stand at the end."""
    gc.disable()
    with open(export, encoding="utf-8") as lines:
        read = topics_.read(lines)
    _, ended = oracle.check(read, findings=findings, rows_at=rows_at)
    return read, ended


def promises(read, senders, commander, follower, findings) -> int:
    """What senders, commanders and readers were promised or shown. Gives how many promises of senders were kept."""
    commander.check(read, findings)
    follower.check(read, findings)
    return journal.match(senders.journals, read, findings)
