#!/usr/bin/env python3
"""Sends sample events to functions as events/README.md tells developers: `kith serve` lends its table,
`kith event` fills an event, and `cargo lambda invoke` hands it to the function.

The function is the program of `cargo build`, so that `cargo lambda watch` compiles nothing: it runs
its emulator of Lambda alone, where the function asks for events.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# The sources stand among others under version control, where compiled ones would only be noise.
sys.dont_write_bytecode = True

from machine import ROOT, Failed, free_port, program, stop, timed, tools, wait_for, without_aws  # noqa: E402

BUILT = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
# A read and a write by a client, one by a person, and a file.
EVENTS = {"get_user": 200, "patch_user": 200, "patch_me": 200, "create_import": 201}


@contextlib.contextmanager
def running(command: list[str | Path], variables: dict[str, str], log: Path) -> Iterator[subprocess.Popen]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=without_aws() | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def output(command: list[str | Path], variables: dict[str, str]) -> str:
    ended = subprocess.run(
        command, cwd=ROOT, env=without_aws() | variables, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise Failed(f"`{' '.join(map(str, command))}` failed: {ended.stderr or ended.stdout}")
    return ended.stdout


def variables(demo: Path, endpoint: str) -> dict[str, str]:
    """The variables that events/README.md sets."""
    lines = (line.split("=", 1) for line in demo.read_text().splitlines() if "=" in line)
    known = {name: value for name, value in lines if not name.startswith("#")}
    return known | {
        "KITH_TABLE": "kith",
        "KITH_BASE_URL": known["KITH_URL"],
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "local",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }


def wait_for_port(port: int, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise Failed("the emulator did not start:\n" + log.read_text(errors="replace")[-2000:])


def main() -> int:
    cargo_lambda, kith = [tools() / "cargo-lambda", "lambda"], BUILT / "kith"
    ports = [str(free_port()) for _ in range(3)]
    service, table, emulator = (f"127.0.0.1:{port}" for port in ports)
    with tempfile.TemporaryDirectory(prefix="kith-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        serve = [kith, "serve", "--memory", "--data", folder, "--listen", service, "--dynamodb", table]
        log = folder / "serve.log"
        serving = stack.enter_context(running(serve, {}, log))
        wait_for(f"http://{service}/health", serving, log)
        set_up = variables(folder / "demo.env", f"http://{table}")
        watch = [*cargo_lambda, "watch", "--only-lambda-apis", "-A", "127.0.0.1", "-P", ports[2]]
        log = folder / "watch.log"
        watching = stack.enter_context(running(watch, set_up, log))
        wait_for_port(int(ports[2]), watching, log)
        # As Lambda sets them for the function.
        runtime = {
            "AWS_LAMBDA_RUNTIME_API": f"http://{emulator}/.rt/users",
            "AWS_LAMBDA_FUNCTION_NAME": "users",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
        }
        stack.enter_context(running([BUILT / "users"], set_up | runtime, folder / "users.log"))
        for event, due in EVENTS.items():
            with timed(f"invoked {event}"):
                file = folder / "event.json"
                filled = output([kith, "--data", folder, "event", f"users/{event}"], set_up)
                file.write_text(filled)
                invoke = [*cargo_lambda, "invoke", "users", "-A", "127.0.0.1", "-P", ports[2]]
                answer = json.loads(output([*invoke, "--data-file", file], set_up))
                if answer["statusCode"] != due:
                    raise Failed(f"{event}: expected {due}, found {answer}")
    return 0


if __name__ == "__main__":
    program(main)
