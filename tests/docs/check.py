#!/usr/bin/env python3
"""Checks the documentation without running it.

- README has at most 150 lines.
- Prose and code are wrapped at 100 columns; tables and headings of decisions may be longer.
- Links between pages lead to a file, and to a heading where they name one.
- Each alarm of the template has a section, and the pages of reference name each parameter and
  output of the template, and each code of a field at fault.
- The tables that scripts of `estimates/` compute are those that the scripts print now.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "estimates"))

import costs  # noqa: E402
import limits  # noqa: E402
import tables  # noqa: E402

COLUMNS = 100
README_LINES = 150
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("events/*.md"), *(ROOT / "docs").rglob("*.md")])


def anchor(heading):
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"[`*]", "", heading.lstrip("#").strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page):
    return {anchor(line) for line in page.read_text().splitlines() if line.startswith("#")}


def wide(page):
    """Lines that are too long."""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if len(line) > COLUMNS and not line.startswith("|") and "](" not in line:
            yield f"{name(page)}:{number}: {len(line)} columns, at most {COLUMNS} are allowed"


def dangling(page):
    """Links that lead nowhere."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{name(page)}: there is no `{link}`"
        elif fragment and target.suffix == ".md" and fragment not in anchors(target):
            yield f"{name(page)}: there is no heading for `{link}`"


def unnamed():
    """Entries of the template or of the API description that the page does not name."""
    template = (ROOT / "template.yaml").read_text()
    sections = dict(re.findall(r"^(\w+):\n((?:(?: .*|#.*)?\n)*)", template, flags=re.MULTILINE))
    keys = re.compile(r"^  (\w+):", flags=re.MULTILINE)
    entries = {name: keys.findall(text) for name, text in sections.items()}
    schemas = json.loads((ROOT / "openapi.json").read_text())["components"]["schemas"]
    alarms = [f"## {name}\n" for name in entries["Resources"] if name.endswith("Alarm")]
    expected = {
        "docs/operating/alarms.md": alarms,
        "docs/reference/template-parameters.md":
            [f"| `{name}` |" for name in entries["Parameters"] + entries["Outputs"]],
        "docs/reference/errors.md":
            [f"| `{code}` |" for code in schemas["ViolationCode"]["enum"]],
    }
    for page, texts in expected.items():
        assert texts, page
        content = (ROOT / page).read_text()
        yield from (f"{page}: `{text.strip()}` is missing" for text in texts if text not in content)


def outdated():
    """Computed tables that differ from what is computed now."""
    for script in (costs, limits):
        if tables.is_stale(script.PAGE, script.all_tables()):
            source = f"estimates/{script.__name__}.py"
            yield f"{script.PAGE}: a table is not up to date; run `python3 {source} --write`"
    yield from costs.wrong_dollars()
    yield from costs.wrong_counts()


def name(page):
    return page.relative_to(ROOT)


def main():
    lines = len((ROOT / "README.md").read_text().splitlines())
    wrong = []
    if lines > README_LINES:
        wrong.append(f"README.md: {lines} lines, at most {README_LINES} are allowed")
    for page in PAGES:
        wrong += [*wide(page), *dangling(page)]
    wrong += [*unnamed(), *outdated()]
    print("\n".join(wrong) if wrong else f"{len(PAGES)} pages")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
