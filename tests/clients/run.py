#!/usr/bin/env python3
"""Tries the service with the OAuth clients that its callers use, unmodified and from their
registries, and with clients that generators make of `openapi.json`.

    run.py             starts `kith serve` in memory on a free port, runs the suites of Python and
                       of Node and the generated clients, stops it again
    run.py --prepare   installs clients and generators below target/ and stops

The program is `kith` of `cargo build`. The exit code is 1 when a suite failed.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# The sources stand among others under version control, where compiled ones would only be noise.
sys.dont_write_bytecode = True

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "deployment"))

import generated  # noqa: E402
from machine import (  # noqa: E402
    ROOT,
    Failed,
    environment,
    locked,
    program,
    stop,
    timed,
    without_aws,
)

PYTHON, NODE = HERE / "python", HERE / "node"
# Node looks for modules beside the files that import them, so the suite runs as a copy beside its
# modules.
WORKSHOP = ROOT / "target" / "clients"


def programs() -> Path:
    return environment("clients", PYTHON / "requirements.txt")


def modules() -> None:
    """Installs exactly the modules of the lock file, and installs them again if it changed."""
    lock_file, stamp = NODE / "package-lock.json", WORKSHOP / "package-lock.sha256"
    wanted = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    with locked(WORKSHOP / "lock"):
        for source in NODE.iterdir():
            shutil.copy(source, WORKSHOP)
        if not (stamp.exists() and stamp.read_text() == wanted):
            with timed(f"installed {lock_file.name}"):
                quietly = ["--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
                subprocess.run(["npm", "ci", *quietly], cwd=WORKSHOP, check=True)
                stamp.write_text(wanted)


def kith() -> Path:
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "kith"


@contextlib.contextmanager
def service(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    """Runs the service for as long as the block lasts; yields the variables of its `demo.env`."""
    demo, log = folder / "demo.env", folder / "log"
    command = [kith(), "serve", "--memory", "--listen", "127.0.0.1:0", "--data", folder, *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=without_aws(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        # It listens before it writes the file, and writes it at once or not at all.
        deadline = time.monotonic() + 60
        while not demo.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(
                    "the service did not start:\n" + log.read_text(errors="replace")[-2000:]
                )
            time.sleep(0.02)
        lines = (
            line.split("=", 1) for line in demo.read_text().splitlines() if not line.startswith("#")
        )
        yield dict(lines)
    finally:
        stop(process)


def passes(name: str, command: list[str | Path], folder: Path, variables: dict[str, str]) -> bool:
    with timed(name):
        return (
            subprocess.run(
                command, cwd=folder, env=without_aws() | variables, check=False
            ).returncode
            == 0
        )


def suites() -> int:
    python = programs() / "python"
    modules()
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as folder, service(
        Path(folder)
    ) as variables:
        # No compiled sources and no cache among the sources.
        pytest = [
            python,
            "-B",
            "-m",
            "pytest",
            "--quiet",
            "--disable-warnings",
            "-p",
            "no:cacheprovider",
        ]
        tests = sorted(path.name for path in NODE.glob("*.test.js"))
        passed = [
            passes("the clients for Python", pytest, PYTHON, variables),
            passes(
                "the clients for Node",
                ["node", "--test", "--test-reporter=spec", *tests],
                WORKSHOP,
                variables,
            ),
            generated.suites(WORKSHOP, variables),
        ]
    return 0 if all(passed) else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepare", action="store_true", help="install the clients and stop")
    if parser.parse_args().prepare:
        programs()
        generated.programs()
        modules()
        return 0
    return suites()


if __name__ == "__main__":
    program(main)
