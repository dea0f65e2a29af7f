#!/usr/bin/env python3
"""A power cut after the fact: takes from a data directory what tests/shim/synced.c has not seen become durable.

Run after kill -9 and before the next start. Each file is cut to its length at its last fsync, fdatasync or synchronous
write (0 if it had none); names made since the last fsync of their directory are taken away, renames since then undone,
the file that stood there put back.

Not emulated: bytes overwritten in place below the synced length (the newest stay), garbage or zeros in the place of what
was lost, sectors torn in the middle, unlinks that a real disk might have forgotten, directories made and not synced.
"""

import os
import pathlib
import shutil


class Disk:
    """What is durable, as the shim's journal tells."""

    def __init__(self):
        self.lengths = {}  # inode to bytes
        self.names = []  # (number, directory, kind, inode, path or (old, new)) not durable yet

    def read(self, journal: pathlib.Path):
        for line in journal.read_text(errors="surrogateescape").splitlines():
            word, number, *rest = line.split(" ", 2)
            getattr(self, f"_{word.lower()}")(int(number), rest[0] if rest else "")

    def _c(self, number, rest):
        inode, path = rest.split(" ", 1)
        # Numbers of inodes are used again: whatever was durable under this one was another file.
        self.lengths[int(inode)] = 0
        self.names.append((number, os.path.dirname(path), "made", int(inode), path))

    def _r(self, number, rest):
        inode, paths = rest.split(" ", 1)
        old, new = paths.split("\t")
        self.names.append((number, os.path.dirname(new), "renamed", int(inode), (old, new)))

    def _s(self, _, rest):
        inode, length, _ = rest.split(" ", 2)
        self.lengths[int(inode)] = int(length)

    def _t(self, _, rest):
        inode, length, _ = rest.split(" ", 2)
        self.lengths[int(inode)] = min(self.lengths.get(int(inode), 0), int(length))

    def _d(self, number, directory):
        self.names = [name for name in self.names if name[0] > number or name[1] != directory]


def _inode(path):
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def cut(data: pathlib.Path, side: pathlib.Path) -> str:
    """Cuts the power. Gives a line on what was lost; the journal begins anew with what is left."""
    disk = Disk()
    journal = side / "journal"
    if journal.exists():
        disk.read(journal)
    undone = 0
    for number, _, kind, inode, paths in reversed(disk.names):
        if kind == "made":
            if _inode(paths) == inode:
                os.unlink(paths)
                undone += 1
        else:
            old, new = paths
            if _inode(new) != inode:
                continue  # the kill came before the rename, or the file was renamed on
            os.rename(new, old)
            kept = side / f"kept-{number}"
            if kept.exists():
                os.rename(kept, new)
            undone += 1
    lost = 0
    files = [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]
    for path in files:
        stat = path.stat()
        durable = min(stat.st_size, disk.lengths.get(stat.st_ino, 0))
        if durable < stat.st_size:
            lost += stat.st_size - durable
            os.truncate(path, durable)
    begin(data, side)
    return f"power cut: {lost} bytes and {undone} names of {len(files)} files lost"


def begin(data: pathlib.Path, side: pathlib.Path):
    """Notes all that is on the disk now as durable."""
    shutil.rmtree(side, ignore_errors=True)
    side.mkdir(parents=True)
    lines = []
    for path in data.rglob("*"):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            lines.append(f"S 0 {stat.st_ino} {stat.st_size} {path}\n")
    (side / "journal").write_text("".join(lines), errors="surrogateescape")
