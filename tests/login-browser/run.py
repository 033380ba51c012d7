#!/usr/bin/env python3
"""Signs people in with Chromium: `kith serve`, its pages, and applications of other sites.

    run.py                        all suites against `kith serve` in memory on a free port
    run.py --screenshots FOLDER   also keeps every page in four languages, at 320 and 1280 pixels,
                                  light and dark; it takes some minutes
    run.py --only PATTERN SUITE…  the tests of these suites whose names match
    run.py --prepare              installs Chromium and the modules below target/ and stops

The program is `kith` of `cargo build`. Chromium comes from Debian's packages if the machine has
none. Playwright drives it; axe-core looks for what keeps people out.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The sources stand among others under version control, where compiled ones would only be noise.
sys.dont_write_bytecode = True

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("browser", "clients", "deployment")]

from check import install  # noqa: E402
from machine import ROOT, Failed, program, timed, without_aws  # noqa: E402
from run import modules, service  # noqa: E402

# Node looks for modules beside the files that import them, so the suites run as copies beside their
# modules.
WORKSHOP = ROOT / "target" / "login-browser"


def printed_link(folder: Path) -> str:
    """The link of the first administrator, as `kith serve` prints it at its first start."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        log = (folder / "log").read_text(errors="replace")
        if found := re.search(r"https?://\S+/idhub/login/link\S*#\S+", log):
            return found[0]
        time.sleep(0.1)
    raise Failed(f"`kith serve` printed no link:\n{log[-2000:]}")


def suites(names: list[str], screenshots: Path | None, only: str | None) -> int:
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as name, service(
        Path(name)
    ) as variables:
        folder = Path(name)
        variables |= {"KITH_LINK": printed_link(folder), "KITH_OUTBOX": str(folder / "outbox")}
        if screenshots:
            screenshots.mkdir(parents=True, exist_ok=True)
            variables["KITH_SCREENSHOTS"] = str(screenshots.resolve())
        tests = names or sorted(path.name for path in HERE.glob("*.test.js"))
        # One browser at a time: the passwords are hashed beside it.
        node = ["node", "--test", "--test-reporter=spec", "--test-concurrency=1"]
        node += [f"--test-name-pattern={only}"] if only else []
        with timed("people signed in with Chromium"):
            done = subprocess.run(
                [*node, *tests], cwd=WORKSHOP, env=without_aws() | variables, check=False
            )
    return done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepare", action="store_true", help="install what is needed and stop")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="keep every page")
    parser.add_argument("--only", metavar="PATTERN", help="the tests whose names match")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="these alone, e.g. a.test.js")
    arguments = parser.parse_args()
    modules(HERE, WORKSHOP)
    install()
    if arguments.prepare:
        return 0
    return suites(arguments.suites, arguments.screenshots, arguments.only)


if __name__ == "__main__":
    program(main)
