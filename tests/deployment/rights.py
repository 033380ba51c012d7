"""The keys that each role may touch, and the actions.

    rights.py            compares the template with rights.txt, and demands one statement per action
    rights.py --write    regenerates rights.txt

Every kind of key that the service has is tried with each action of DynamoDB on the table and on the
index. A role that gains or loses a right changes rights.txt, which a reviewer reads.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from machine import ROOT
from policies import Access, allowed, several
from template import Template

EXPECTED = Path(__file__).with_name("rights.txt")
ACTIONS = (
    "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem",
    "Query", "Scan", "UpdateItem",
)  # fmt: skip
# One of each kind in shared/src/store/keys, and some that no item has.
KEYS = (
    "F#1", "HEALTH", "I#1", "IMPORTS", "K#audit", "K#cursor", "K#digests", "K#login", "K#private",
    "K#public", "K#shared", "OUTBOX#0", "R#1", "SWEEP", "T#acme", "T#acme#A#20261121#0",
    "T#acme#AD", "T#acme#AU", "T#acme#B#1", "T#acme#C", "T#acme#C#1", "T#acme#D", "T#acme#D#1",
    "T#acme#E#1", "T#acme#I#1", "T#acme#J", "T#acme#L#0", "T#acme#LK#1", "T#acme#M#1", "T#acme#N#1",
    "T#acme#O#0", "T#acme#OC#1", "T#acme#P#1", "T#acme#PK#1", "T#acme#PW#1", "T#acme#Q#1",
    "T#acme#R#1", "T#acme#S#1", "T#acme#SE#1", "T#acme#U#1", "T#acme#V#1", "T#acme#W#1",
    "T#acme#X#1", "T#acme#Y#1", "TENANTS", "X#1",
)  # fmt: skip
# Of one inline policy, and of all of a role together.
LARGEST_POLICY = 10_240


def table(roles: dict[str, list[dict]]) -> str:
    lines = []
    for role, statements in roles.items():
        for index in (None, "gsi1"):
            for keys in ((), *((key,) for key in KEYS)):
                rights = [
                    action
                    for action in ACTIONS
                    if allowed(statements, Access(action, "kith", index, keys))
                ]
                if rights:
                    key = keys[0] if keys else "(no key)"
                    lines.append(f"{role:<16} {index or 'table':<5} {key:<10} {' '.join(rights)}\n")
    return "".join(lines)


def divided(statements: list[dict]) -> list[str]:
    """Actions on one resource that several statements grant: a request with keys of both would be
    refused if DynamoDB judges all of its keys together."""
    granted = Counter(
        f"{action} on {resource}"
        for statement in statements
        for action in several(statement["Action"])
        for resource in several(statement["Resource"])
        if action.startswith("dynamodb:")
    )
    return [name for name, times in granted.items() if times > 1]


def faults(template: Template) -> list[str]:
    roles = template.roles()
    found = [
        f"{role}: {name}: more than one statement grants it"
        for role, statements in roles.items()
        for name in divided(statements)
    ]
    if table(roles) != EXPECTED.read_text():
        found.append(f"rights have changed: see `rights.py --write` and `git diff {EXPECTED.name}`")
    for role, policies in template.policies().items():
        size = sum(len(json.dumps(policy, separators=(",", ":"))) for policy in policies)
        if size > LARGEST_POLICY:
            found.append(f"{role}: {size} characters of inline policies, at most {LARGEST_POLICY}")
    return found


def main() -> int:
    template = Template.read(ROOT / "template.yaml")
    if sys.argv[1:] == ["--write"]:
        EXPECTED.write_text(table(template.roles()))
        return 0
    found = faults(template)
    for role, policies in template.policies().items():
        size = sum(len(json.dumps(policy, separators=(",", ":"))) for policy in policies)
        print(f"{role}: {size} characters of inline policies, {LARGEST_POLICY} are allowed")
    print("\n".join(found) or f"{len(EXPECTED.read_text().splitlines())} lines of rights")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
