#!/usr/bin/env python3
"""Checks what no formatter keeps: lines of at most 110 characters, Rust files of at most 400 lines,
that each rule that the name of a test begins with stands in docs/reference/rules.md, and that each
module of the OpenID Foundation's suite has the test that docs/explanation/sign-in.md names.

Tables and pinned long literals may be wider.
"""

import re
import subprocess
import sys
from pathlib import Path

WIDTH = 110
LENGTH = 400
RULES = Path("docs/reference/rules.md")
CONFORMANCE = Path("docs/explanation/sign-in.md")
# The modules of the profile Basic OP that are for clients registered by hand.
MODULES = 36
TEXT = (".rs", ".py", ".js", ".toml", ".yaml", ".yml", ".md")
# Not edited any more: the deployment test updates a stack of this template.
AS_IT_WAS = ("tests/deployment/older_template.yaml",)
# A row of a table, a raw literal, or text without a space in it, such as a key or a URL.
MAY_BE_WIDE = re.compile(r'^\s*(//[/!] )?\||r#"|"query":"SOURCE|\S{80}')
TEST = re.compile(r"\bfn ((?:[a-z]\d{1,2}_)+)")
RULE = re.compile(r"^- \*\*([HEPIDOASGU]\d+)\*\* ", re.MULTILINE)
MODULE_TEST = re.compile(r"\bfn (\w*oidcc_\w+)")
MODULE = re.compile(r"^\| `(oidcc-[a-z0-9-]+)` \| `(\w+)` \|$", re.MULTILINE)


def faults_of(path: str, rules: set[str]) -> list[str]:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    faults = [
        f"{path}:{number}: {len(line)} characters, at most {WIDTH}"
        for number, line in enumerate(lines, 1)
        if len(line) > WIDTH and not MAY_BE_WIDE.search(line)
    ]
    if path.endswith(".rs"):
        if len(lines) > LENGTH:
            faults.append(f"{path}: {len(lines)} lines, at most {LENGTH}")
        for number, line in enumerate(lines, 1):
            named = TEST.search(line)
            for rule in named[1].upper().split("_")[:-1] if named else ():
                if rule[0] in "HEPIDOASGU" and rule not in rules:
                    faults.append(f"{path}:{number}: {RULES} has no rule {rule}")
    return faults


def faults_of_modules(paths: list[str]) -> list[str]:
    sources = [Path(p) for p in paths if p.startswith("tests/") and p.endswith(".rs")]
    texts = [source.read_text(encoding="utf-8") for source in sources if source.exists()]
    tests = {name for text in texts for name in MODULE_TEST.findall(text)}
    rows = MODULE.findall(CONFORMANCE.read_text(encoding="utf-8"))
    faults = [
        f"{CONFORMANCE}: no test `{test}` has {module} in its name"
        for module, test in rows
        if test not in tests or not re.search(module.replace("-", "_") + r"(?![a-z0-9])", test)
    ]
    named = len({module for module, _ in rows}), len({test for _, test in rows})
    if named != (MODULES, MODULES):
        faults.append(f"{CONFORMANCE}: {named[0]} modules with {named[1]} tests, not {MODULES}")
    return faults


def main() -> int:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], check=True, capture_output=True, text=True
    ).stdout.split("\0")
    named = ("justfile", ".ci/run")
    paths = [p for p in tracked if (p.endswith(TEXT) or p in named) and p not in AS_IT_WAS]
    rules = set(RULE.findall(RULES.read_text(encoding="utf-8")))
    faults = [fault for path in paths if Path(path).exists() for fault in faults_of(path, rules)]
    faults += faults_of_modules(paths)
    print("\n".join(faults) if faults else f"{len(paths)} files, {len(rules)} rules")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
