#!/usr/bin/env python3
"""Runs the shell blocks of the documentation against `kith serve`, in order, as printed.

Each page gets a service of its own in a temporary folder. Its blocks marked `sh` run in one Bash
session in that folder. A page fails if a command fails, or if curl gets an HTTP status from 400 on
that the block does not announce by a comment such as `# 412`. An announced status must come.
Blocks marked `console`, `json` or anything else are not run.

    tests/docs/run.py                      all pages
    tests/docs/run.py docs/tutorial.md     these pages
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KITH = Path(os.environ.get("KITH", ROOT / "target/debug/kith"))
PAGES = ["README.md", "docs/tutorial.md"]
CURL = """#!/usr/bin/env bash
# Notes the HTTP status of each call, and otherwise is curl.
said=$(mktemp)
"{curl}" "$@" -w '%{{stderr}}<status %{{http_code}}>\\n' 2>"$said"
code=$?
sed -n 's/.*<status \\([0-9]*\\)>.*/\\1/p' "$said" >>"$STATUSES"
sed 's/<status [0-9]*>//' "$said" >&2
rm -f "$said"
exit $code
"""


def blocks(page):
    """The `sh` blocks of a page, each with the number of its first line."""
    lines, found, start = page.read_text().splitlines(), [], None
    for number, line in enumerate(lines, 1):
        if start is None and line.strip() == "```sh":
            start = number + 1
        elif start is not None and line.strip() == "```":
            found.append((start, "\n".join(lines[start - 1 : number - 1])))
            start = None
    return found


def announced(block):
    """The statuses from 400 on that the comments of a block announce."""
    return re.findall(r"#\s*([45]\d\d)\b", block)


def shims(folder):
    """A folder of programs for the blocks: curl, and kith as it was built."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "curl").write_text(CURL.format(curl=shutil.which("curl")))
    (programs / "curl").chmod(0o755)
    (programs / "kith").symlink_to(KITH.resolve())
    return programs


def run(page):
    """Runs a page; returns what is wrong."""
    parts = blocks(page)
    if not parts:
        return []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        statuses = folder / "statuses"
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("KITH")},
            "PATH": f"{shims(folder)}:{os.environ['PATH']}",
            "STATUSES": str(statuses),
        }
        service = subprocess.Popen(
            [KITH, "serve", "--listen", "127.0.0.1:0"],
            cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        try:
            if "Kith serves" not in service.stdout.readline():
                return [f"{page}: the service does not start"]
            script = []
            for number, (line, block) in enumerate(parts):
                script += [f'echo "block {number}" >>"$STATUSES"', block]
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
                cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=300,
            )
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(20)
        log = statuses.read_text().split("block ")[1:] if statuses.exists() else []
        return judge(page, parts, log, ran)


def judge(page, parts, log, ran):
    """The faults of a run: failed commands, and statuses that differ from the page."""
    wrong, line = [], parts[0][0] if parts else 1
    for entry in log:
        number, *seen = entry.split()
        line, block = parts[int(number)]
        expected = announced(block)
        failures = [status for status in seen if not "200" <= status < "400"]
        wrong += [f"{page}:{line}: HTTP {s}" for s in failures if s not in expected]
        if ran.returncode == 0 or entry is not log[-1]:
            wrong += [f"{page}:{line}: no HTTP {s}" for s in expected if s not in failures]
    if ran.returncode != 0:
        wrong.append(f"{page}:{line}: the block at this line ends with {ran.returncode}")
    if wrong:
        wrong.append("\n".join(ran.stdout.splitlines()[-20:]))
    return wrong


def main():
    pages = sys.argv[1:] or PAGES + sorted(
        str(page.relative_to(ROOT)) for page in (ROOT / "docs/how-to").glob("*.md")
    )
    failed = False
    for name in pages:
        wrong = [said.replace(f"{ROOT}/", "") for said in run(ROOT / name)]
        failed = failed or bool(wrong)
        print("\n".join(wrong) if wrong else f"{name}: {len(blocks(ROOT / name))} blocks")
    sys.exit(failed)


if __name__ == "__main__":
    main()
