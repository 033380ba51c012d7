#!/usr/bin/env python3
"""Tries the service with the OAuth clients that its callers use, unmodified and from their
registries, and with clients that generators make of `openapi.json`.

    run.py             starts `kith serve` in memory on a free port, runs the suites of Python and
                       of Node and the generated clients, stops it again
    run.py --people    only the suites in which people sign in
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


def modules(folder: Path = NODE, workshop: Path = WORKSHOP) -> None:
    """Copies a folder of scripts to its workshop and installs exactly the modules of its lock file
    there, again if it changed."""
    lock_file, stamp = folder / "package-lock.json", workshop / "package-lock.sha256"
    wanted = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    workshop.mkdir(parents=True, exist_ok=True)
    with locked(workshop / "lock"):
        for source in folder.iterdir():
            shutil.copy(source, workshop)
        if not (stamp.exists() and stamp.read_text() == wanted):
            with timed(f"installed {lock_file.name}"):
                quietly = ["--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
                subprocess.run(["npm", "ci", *quietly], cwd=workshop, check=True)
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
        yield variables_in(demo.read_text())
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


def variables_in(text: str) -> dict[str, str]:
    """The variables of lines like `NAME=value`."""
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))


def enrol(variables: dict[str, str], *arguments: str) -> dict[str, str]:
    """The variables with those of a person who can sign in."""
    command = [programs() / "python", "-B", "enrol.py", *arguments]
    environment = without_aws() | variables
    done = subprocess.run(
        command, cwd=PYTHON, env=environment, check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise Failed("nobody can sign in")
    return variables | variables_in(done.stdout)


def sign_in(variables: dict[str, str]) -> bool:
    """Runs the suites in which people sign in; for a service elsewhere."""
    modules()
    pytest = [programs() / "python", "-B", "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    node = ["node", "--test", "--test-reporter=spec", "people.test.js"]
    return all(
        [
            passes("people, with Authlib", [*pytest, "test_people.py"], PYTHON, variables),
            passes("people, with openid-client", node, WORKSHOP, variables),
        ]
    )


def people() -> int:
    """Signs people in at a service of its own."""
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as folder, service(
        Path(folder)
    ) as started:
        return 0 if sign_in(enrol(started | {"KITH_OUTBOX": f"{folder}/outbox"})) else 1


def suites() -> int:
    python = programs() / "python"
    modules()
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as folder, service(
        Path(folder)
    ) as started:
        variables = enrol(started | {"KITH_OUTBOX": f"{folder}/outbox"})
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
    parser.add_argument("--people", action="store_true", help="sign people in, and nothing else")
    arguments = parser.parse_args()
    if arguments.prepare:
        programs()
        generated.programs()
        modules()
        return 0
    return people() if arguments.people else suites()


if __name__ == "__main__":
    program(main)
