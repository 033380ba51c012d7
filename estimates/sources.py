"""What the estimates take from the repository, so that they cannot differ from it: the units of
docs/reference/costs.md, constants of the code, figures of the template and of docs/operating/logs.md.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Units:
    """Read and write units of one operation, and the dollars of a million, as its row has them.
    `None` is what the row says in words."""

    read: float | None
    write: float | None
    dollars: float | None


def prices():
    return tomllib.loads((ROOT / "estimates/prices.toml").read_text())


def rows(page):
    """The cells of each row of a page's tables."""
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def numbers(cell):
    """The numbers of a cell; an empty one is 0, and words are `None`."""
    def number(part):
        plain = part.replace(" more", "").strip() or "0"
        return float(plain) if re.fullmatch(r"\d+(\.\d+)?", plain) else None

    return [number(part) for part in cell.split(";")]


def operations(page="docs/reference/costs.md"):
    """Each row of the table of costs: what it is about, and its units, one for each variant."""
    found = {}
    for what, *cells in rows(page):
        # The last column has the units with an audit.
        if len(cells) != 4 or what == "operation":
            continue
        reads, writes, dollars = (numbers(cell) for cell in cells[:3])
        count = max(len(reads), len(writes))
        spread = [part * count if len(part) == 1 else part for part in (reads, writes)]
        dollars += [None] * (count - len(dollars))
        found[what] = [Units(r, w, d) for r, w, d in zip(*spread, dollars, strict=False)]
    return found


def units(start, variant=0):
    """The units of the one row that is called so, or else of the one whose name starts so."""
    table = operations()
    names = [start] if start in table else [name for name in table if name.startswith(start)]
    if len(names) != 1:
        raise LookupError(f"docs/reference/costs.md has {len(names)} rows `{start}…`, expected one")
    chosen = table[names[0]][variant]
    if chosen.read is None or chosen.write is None:
        raise LookupError(f"docs/reference/costs.md has no plain numbers for `{names[0]}`")
    return chosen


def constant(path, name):
    """A whole number that a source file declares as a constant; factors are multiplied."""
    text = (ROOT / path).read_text()
    found = re.search(rf"const {name}: \w+ = ([\w*\s]+);", text)
    if not found:
        raise LookupError(f"{path} has no constant {name}")
    product = 1
    for factor in found[1].replace("_", "").split("*"):
        product *= int(factor, 0)
    return product


def setting(path, pattern):
    """The first group of a pattern in a file."""
    found = re.search(pattern, (ROOT / path).read_text(), re.MULTILINE)
    if not found:
        raise LookupError(f"{path} does not match {pattern}")
    return found[1]


def parameter(name):
    """The default of a parameter of the template."""
    return float(setting("template.yaml", rf"^  {name}:\n(?:    .*\n)*?    Default: ([\d.]+)$"))


def resources():
    """The resources of the template: name and text."""
    text = (ROOT / "template.yaml").read_text().split("\nResources:\n")[1].split("\nOutputs:\n")[0]
    return re.findall(r"^  (\w+):\n((?:    .*\n|\n|  #.*\n)*)", text, re.MULTILINE)


def monitoring(condition=None):
    """How many metrics the alarms read, and how many metrics filters make, of the resources with
    this condition. Several filters may make one metric; one with a dimension makes one for each of
    its values, which are not counted here."""
    def counted(text):
        own = re.search(r"^    Condition: (\w+)", text, re.MULTILINE)
        return (own[1] if own else None) == condition

    chosen = [(name, text) for name, text in resources() if counted(text)]
    alarms = sum(len(re.findall(r"MetricName:", text)) for name, text in chosen if name.endswith("Alarm"))
    filters = "".join(text for name, text in chosen if name.endswith("Filter"))
    return alarms, len(set(re.findall(r"MetricName: (\w+)", filters)))


def log_bytes(line):
    """The bytes of a log line, as docs/operating/logs.md has them."""
    for what, *cells in rows("docs/operating/logs.md"):
        if what == line:
            return float(cells[0])
    raise LookupError(f"docs/operating/logs.md has no line `{line}`")
