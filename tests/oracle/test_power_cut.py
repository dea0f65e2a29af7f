#!/usr/bin/env python3
"""The power cut judged: what was synced stays, what was not goes."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import binaries
import power_cut

WRITER = """
import os
d = os.environ["CAMPANILE_SYNCED_DATA"]
def make(name, text, sync=True, flags=0):
    file = os.open(f"{d}/{name}", os.O_CREAT | os.O_WRONLY | flags)
    os.write(file, text)
    if sync:
        os.fsync(file)
    return file
def directory():
    file = os.open(d, os.O_RDONLY)
    os.fsync(file)
tail = make("tail", b"x" * 100)
os.write(tail, b"y" * 50)
make("never", b"12345", sync=False)
make("always", b"12345", sync=False, flags=os.O_SYNC)
make("current", b"old")
make("current.tmp", b"newer")
make("shrunk", b"x" * 100)
directory()
os.rename(f"{d}/current.tmp", f"{d}/current")
make("nameless", b"12345")
os.truncate(os.open(f"{d}/shrunk", os.O_WRONLY), 10)
make("moved.tmp", b"x")
os.rename(f"{d}/moved.tmp", f"{d}/moved")
directory()
os.rename(f"{d}/moved", f"{d}/moved.again")
make("late", b"12345")
"""


class Cutting(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="campanile-power-")).resolve()
        self.addCleanup(shutil.rmtree, self.home)
        self.data, self.side = self.home / "data", self.home / "side"
        self.data.mkdir()
        power_cut.begin(self.data, self.side)
        self.shim = binaries.shim(self.home)

    def write(self, program):
        environment = dict(os.environ, LD_PRELOAD=str(self.shim), CAMPANILE_SYNCED_DATA=str(self.data),
                           CAMPANILE_SYNCED_SIDE=str(self.side))
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)

    def left(self):
        return {path.name: path.read_bytes() for path in self.data.iterdir()}

    def test_what_was_synced_stays(self):
        self.write(WRITER)
        power_cut.cut(self.data, self.side)
        self.assertEqual(self.left(), {
            "tail": b"x" * 100, "never": b"", "always": b"12345", "current": b"newer", "nameless": b"12345",
            "shrunk": b"x" * 10, "moved": b"x"})

    def test_a_rename_without_a_sync_of_its_directory_is_undone(self):
        self.write(WRITER.replace('os.rename(f"{d}/moved", f"{d}/moved.again")', "").split("make(\"nameless\"")[0])
        power_cut.cut(self.data, self.side)
        self.assertEqual(self.left()["current"], b"old")
        self.assertEqual(self.left()["current.tmp"], b"newer")

    def test_what_a_cut_left_is_durable_at_the_next(self):
        self.write(WRITER)
        power_cut.cut(self.data, self.side)
        before = self.left()
        power_cut.cut(self.data, self.side)
        self.assertEqual(self.left(), before)


if __name__ == "__main__":
    unittest.main()
