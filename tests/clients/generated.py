"""Clients that generators make of `openapi.json`: each is generated, type-checked, and walks the
onboarding flow, one of them also the tutorial of the source system; and the linters of descriptions,
which read both of them."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import ROOT, environment, say, timed, without_aws

HERE = Path(__file__).resolve().parent / "generated"
DESCRIPTIONS = ["openapi.json", "openapi-3.0.json"]
PACKAGE = "kith_client"
# The walk of the source system's tutorial, with the client of openapi-generator.
TUTORIAL = "tutorial.py"
# Files that openapi-generator would write beside the code.
CODE_ALONE = "apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"

Command = list[str | Path]


def programs() -> Path:
    return environment("generators", HERE / "requirements.txt")


def clients(python: Path, node: Path) -> dict[str, list[Command]]:
    """The commands of each client, in its own folder: generate, check, walk."""
    python_flow: list[Command] = [[python / "mypy", "flow.py"], [python / "python", "flow.py"]]
    node_flow: list[Command] = [[node / "tsc"], ["node", "out/flow.js"]]
    return {
        "openapi_python_client": [
            [python / "openapi-python-client", "generate", "--path", "openapi.json", "--meta"]
            + ["none", "--output-path", PACKAGE, "--overwrite"],
            *python_flow,
        ],
        "openapi_generator": [
            [python / "openapi-generator-cli", "generate", "-g", "python", "-i", "openapi.json"]
            + ["-o", ".", "--package-name", PACKAGE, "--global-property", CODE_ALONE],
            *python_flow,
            [python / "mypy", TUTORIAL],
            [python / "python", TUTORIAL],
        ],
        "openapi_fetch": [
            [node / "openapi-typescript", "openapi.json", "--output", "schema.ts"],
            *node_flow,
        ],
        "hey_api": [[node / "openapi-ts", "--file", HERE / "hey_api.config.mjs"], *node_flow],
    }


def linters(python: Path, node: Path) -> list[Command]:
    return [
        [node / "spectral", "lint", "--fail-severity", "warn", "--ruleset", HERE / "spectral.yaml"]
        + DESCRIPTIONS,
        [node / "redocly", "lint", "--config", HERE / "redocly.yaml", *DESCRIPTIONS],
        [python / "openapi-spec-validator", *DESCRIPTIONS],
    ]


def prepared(folder: Path, name: str) -> Path:
    """An empty folder for a client, with its flow and what it is made of."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (flow,) = (path for path in HERE.glob(f"{name}.*") if path.suffix in (".py", ".ts"))
    shutil.copy(flow, folder / f"flow{flow.suffix}")
    shutil.copy(HERE / TUTORIAL, folder)
    shutil.copy(ROOT / "openapi.json", folder)
    if flow.suffix == ".ts":
        shutil.copy(HERE / "tsconfig.json", folder)
    return folder


def passes(what: str, commands: list[Command], folder: Path, variables: dict[str, str]) -> bool:
    """Runs the commands until one fails, whose output is shown."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    with timed(what):
        for command in commands:
            ended = subprocess.run(
                command,
                cwd=folder,
                env=without_aws() | variables | quiet,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if ended.returncode != 0:
                say(f"{what}: `{Path(command[0]).name}` failed\n{ended.stdout[-8000:]}")
                return False
    return True


def suites(workshop: Path, variables: dict[str, str]) -> bool:
    """Two at a time: a generator is one thread for most of its life."""
    python, node = programs(), workshop / "node_modules" / ".bin"
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        running = [pool.submit(passes, "the linters", linters(python, node), ROOT, variables)]
        for name, commands in clients(python, node).items():
            folder = prepared(workshop / "generated" / name, name)
            running.append(pool.submit(passes, f"the client of {name}", commands, folder, variables))
        return all([suite.result() for suite in running])
