"""Tables in Markdown, and the pages that they stand in.

A page has a place for each table:

    <!-- name -->

    | … |

    <!-- end -->
"""

import re
import sys

from sources import ROOT


def number(value):
    """A number with a space between thousands, as exact as a reader needs it."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    digits = 1 if abs(value) >= 10 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if float(text) else f"{value:.1g}"


def table(head, rows):
    def line(cells):
        return "| " + " | ".join(map(str, cells)) + " |"

    return "\n".join([line(head), "|---" * len(head) + "|", *map(line, rows)])


def place(name):
    return re.compile(rf"(?<=^<!-- {re.escape(name)} -->\n)(?:\|.*\n|\n)*(?=<!-- end -->$)", re.MULTILINE)


def filled(text, tables):
    """The page's text with these tables in their places."""
    for name, content in tables.items():
        text, count = place(name).subn(lambda _, content=content: f"\n{content}\n\n", text)
        if count != 1:
            raise LookupError(f"the page has {count} places `<!-- {name} -->`, expected one")
    return text


def is_stale(page, tables):
    text = (ROOT / page).read_text()
    return filled(text, tables) != text


def main(page, tables):
    """Prints the tables, or writes them into their page."""
    if sys.argv[1:] == ["--write"]:
        (ROOT / page).write_text(filled((ROOT / page).read_text(), tables))
    elif sys.argv[1:]:
        sys.exit(f"usage: {sys.argv[0]} [--write]")
    else:
        print("\n\n".join(f"{name}\n\n{content}" for name, content in tables.items()))
