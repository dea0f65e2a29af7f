"""The programs under test: given, or built once, the server with the feature that lets it break on purpose.

The feature also keeps the in-flight page, by which the harness aims its kills. Release builds lack it, so the server is
built apart and copied away; the build without it is put back for whoever looks into the target directory next.
"""

import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
PROFILE = "fast"


def _cargo(package: str, *features: str):
    subprocess.run(["cargo", "build", "--quiet", "--profile", PROFILE, "-p", package, *features], cwd=ROOT, check=True)


def server() -> pathlib.Path:
    """The server, built with faults."""
    built, kept = TARGET / PROFILE / "campanile", TARGET / "faults" / "campanile"
    print("build: the server with faults", flush=True)
    _cargo("campanile-server", "--features", "faults")
    kept.parent.mkdir(exist_ok=True)
    shutil.copy2(built, kept)
    _cargo("campanile-server")
    return kept


def load() -> pathlib.Path:
    """The load harness."""
    _cargo("campanile-load")
    return TARGET / PROFILE / "campanile-load"


def organisation(load: pathlib.Path, into: pathlib.Path, seed: int) -> pathlib.Path:
    """The folder of the organisation that the load speaks of."""
    subprocess.run([load, "directory", into, "--mix", "oracle", "--seed", str(seed)], check=True,
                   stdout=subprocess.DEVNULL)
    return into


def shim(into: pathlib.Path) -> pathlib.Path:
    """The library that notes what is durable."""
    built = into / "synced.so"
    source = ROOT / "tests" / "shim" / "synced.c"
    subprocess.run(["cc", "-O2", "-fPIC", "-shared", "-o", built, source, "-ldl"], check=True)
    return built
