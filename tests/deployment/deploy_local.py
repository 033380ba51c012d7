#!/usr/bin/env python3
"""Deploys template.yaml on this machine, runs a command against it, and takes everything down
again.

    deploy_local.py -- COMMAND …                 the whole stack: KITH_URL, KITH_TABLE,
                                                 KITH_SWEEPER, KITH_STREAM, KITH_MAILER and
                                                 KITH_ENDPOINT are set
    deploy_local.py --engine-only -- COMMAND …   only the DynamoDB engine: KITH_ENDPOINT is set
    deploy_local.py --prepare                    installs the tools, prints the folder of their
                                                 programs
    deploy_local.py --checkov -- ARGUMENT …      runs checkov

AWS is played by ministack. The command also gets dummy credentials and a region, and the exit code
is the command's; 1 if the deployment failed or a function asked the table for what its role does
not allow.

The whole stack is an update of an older one. After the command its table is restored into a new
one, and the stack is updated once more, with that table and every other parameter
(every_parameter.py).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# The sources stand among others under version control, where compiled ones would only be noise.
sys.dont_write_bytecode = True

from machine import (  # noqa: E402
    ROOT,
    VENVS,
    Failed,
    checkov,
    dummy_aws,
    engine,
    program,
    say,
    timed,
    tools,
    without_aws,
)


def run(command: list[str], variables: dict[str, str]) -> int:
    try:
        return subprocess.run(command, env=without_aws() | variables, check=False).returncode
    except FileNotFoundError as missing:
        raise Failed(f"cannot run `{command[0]}`: {missing.strerror}") from missing


def on_engine(command: list[str], scratch: Path) -> int:
    with engine(scratch) as endpoint:
        return run(command, dummy_aws(endpoint))


def on_stack(command: list[str], scratch: Path, programs: Path) -> int:
    # Not at the top: they need boto3, which only the environment of the tools has.
    import every_parameter
    import stack

    template = (ROOT / "template.yaml").read_text()
    with engine(scratch) as endpoint:
        variables = dummy_aws(endpoint)

        def deploy(text: str, parameters: dict[str, str] | None = None) -> stack.Stack:
            return stack.deploy(programs, text, without_aws() | variables, endpoint, parameters)

        with timed("deployed an older template"):
            before = deploy(stack.OLDER.read_text())
        with timed("updated it"):
            deployed = deploy(template)
        before.outlived_by(deployed)
        code = on_deployed(deployed, command, variables)
        if code == 0:
            with timed("deployed it with every parameter, on a restored table"):
                restored = deploy(template, every_parameter.prepare(deployed))
            check = [sys.executable, every_parameter.__file__, deployed.table]
            code = on_deployed(restored, check, variables)
        return code


def on_deployed(deployed: "stack.Stack", command: list[str], variables: dict[str, str]) -> int:
    """Runs a command against a stack; its exit code, or 1 if a function was denied something."""
    with deployed.reachable() as url:
        functions = {
            f"KITH_{name.upper()}": deployed.physical[f"{name}Function"]
            for name in ("Sweeper", "Stream", "Mailer")
        }
        where = {"KITH_URL": url, "KITH_TABLE": deployed.table} | functions
        code = run(command, variables | where)
    denied = deployed.denied()
    for access, times in denied.items():
        say(f"denied by IAM, {times} times: {access}")
    if code or denied:
        deployed.show_logs()
    return code or (1 if denied else 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--engine-only", action="store_true", help="start the engine and deploy nothing"
    )
    mode.add_argument("--prepare", action="store_true", help="install the tools and stop")
    mode.add_argument("--checkov", action="store_true", help="run checkov with what follows --")
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="what to run, after --")
    parsed = parser.parse_args()
    if not parsed.command and not parsed.prepare:
        parser.error("a command is needed, after --")
    return parsed


def main() -> int:
    args = arguments()
    if args.prepare:
        checkov()
        print(tools())
        return 0
    if args.checkov:
        return subprocess.run([checkov() / "checkov", *args.command], check=False).returncode
    if not args.engine_only and Path(sys.prefix).resolve() != (VENVS / "tools").resolve():
        python = tools() / "python"
        os.execv(python, [str(python), *sys.argv])
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        return (
            on_engine(args.command, scratch)
            if args.engine_only
            else on_stack(args.command, scratch, tools())
        )


if __name__ == "__main__":
    program(main)
