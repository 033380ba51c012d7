#!/usr/bin/env python3
"""Writes a file of people in ten languages, some of whose rows are at fault, and beside it what an
import has to report.

    people.py 200000 FOLDER [--seed N] [--ndjson]

`FOLDER/people.csv` (or `.ndjson`) has the people, `FOLDER/expected.csv` a line
`row,status,code,pointer` for each row, and one more for each further fault of it. The same seed
writes the same bytes. The columns `E-Mail` and `Notes` want `--map E-Mail=preferred_email
--map Notes=`.
"""

import argparse
import csv
import io
import json
import random
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faker import Faker

# The locale of the names, and the languages that its people want.
LOCALES = {
    "nl_BE": ["nl-BE", "nl-BE fr-BE"],
    "fr_FR": ["fr-FR", "fr-BE nl-BE"],
    "de_DE": ["de-DE", "de-CH-1996"],
    "es_ES": ["es-ES", "ca-ES es-ES"],
    "en_GB": ["en-GB", "en-GB-oxendict"],
    "tr_TR": ["tr-TR", "tr-TR de-DE"],
    "el_GR": ["el-GR", "el-CY"],
    "ru_RU": ["ru-RU", "uk-UA ru-RU"],
    "ar_AA": ["ar-EG", "ar-MA fr-MA"],
    "ja_JP": ["ja-JP", "ja-JP en-US"],
}
NAMES = 400
DOMAINS = ["example.org", "mail.example.com", "bücher.example", "例え.example"]
SEGMENTS = ["bronze", "silver", "gold"]
INTERESTS = ["chess", "sailing", "opera", "gardening", "cycling", "cooking", "astronomy", "jazz"]
SHOPS = [f"shop-{number}" for number in range(1, 21)]
FORMULAS = [
    "=SUM(A1:A9)",
    "+Plus",
    "-Dash",
    "@at",
    "='quoted'",
    "＝wide",
    "'t Hooft",
    "'=apostrophe",
]
LOYALTY, SEGMENT = "attributes.common.loyalty-points", "attributes.common.segment"
CARD, INTEREST, NICKNAME = (
    "attributes.common.card-number",
    "attributes.common.interests",
    "attributes.common.nickname",
)
COLUMNS = [
    "id", "username", "id_at_customer", "family_name", "given_name", "ui_locales",
    "E-Mail", "email_verified", "personas", LOYALTY, SEGMENT,
    CARD, INTEREST, NICKNAME, "Notes",
]  # fmt: skip
# How many of a thousand rows have each defect.
RATE = 3


@dataclass
class Row:
    """A row of the file and what an import says of it."""

    number: int
    # Cells by column; the values of several are in lists.
    cells: dict[str, str | list[str]]
    # Pairs of code and pointer; nothing for a row that makes a user.
    faults: list[tuple[str, str]] = field(default_factory=list)
    # Whether the row cannot be taken apart, and how.
    broken: str = ""


def names(seed: int) -> dict[str, tuple[list[str], list[str]]]:
    """Family and given names by locale. No two of them are the same to a search, so that each can
    be looked for by itself."""
    pools, folded = {}, set()
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(seed)

        def draw(one) -> list[str]:
            pool = []
            for name in dict.fromkeys(one() for _ in range(NAMES * 3)):
                form = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
                if form not in folded and len(pool) < NAMES:
                    folded.add(form)
                    pool.append(name)
            return pool

        pools[locale] = (draw(fake.last_name), draw(fake.first_name))
    return pools


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", text) if c.isalnum())


def rows(count: int, seed: int) -> Iterator[Row]:
    """The rows of a file, one after another."""
    pools, random_ = names(seed), random.Random(seed)
    # Rows whose values others repeat: all of them name their user, those of the second list also
    # make one.
    named, made = [], []
    defects = list(DEFECTS)
    for number in range(1, count + 1):
        row = Row(number, good(number, pools, random_, made))
        chosen = random_.randrange(1000) // RATE
        defect = DEFECTS[defects[chosen]] if number > 50 and chosen < len(defects) else None
        if defect:
            defect(row, random_, named, made)
        if not row.broken and not any(code == "not-unique" for code, _ in row.faults):
            keep(named, row, random_)
        if not row.faults:
            keep(made, row, random_)
        yield row


def keep(some: list[Row], row: Row, random_: random.Random) -> None:
    if len(some) < 5000:
        some.append(row)
    else:
        some[random_.randrange(len(some))] = row


def good(
    number: int, pools: dict, random_: random.Random, made: list[Row]
) -> dict[str, str | list[str]]:
    locale = random_.choice(list(LOCALES))
    family, given = (random_.choice(pool) for pool in pools[locale])
    login = (
        f"{plain(given)}.{plain(family)}.{number}" if random_.random() < 0.5 else f"u{number:07}"
    )
    email = (
        f"{login}@{random_.choice(DOMAINS)}"
        if login.isascii()
        else f"p{number}@{random_.choice(DOMAINS)}"
    )
    if made and random_.random() < 0.05:
        # Relatives share an address.
        email = random_.choice(made).cells["E-Mail"]
    few = lambda of, most: random_.sample(of, random_.randint(1, most))  # noqa: E731
    some = lambda chance, value: value if random_.random() < chance else type(value)()  # noqa: E731
    email = some(0.95, email)
    personas = some(0.2, ["consumer"]) + some(0.2, [f"buyer({','.join(few(SHOPS, 3))})"])
    return {
        "id": some(0.05, str(uuid.UUID(int=0x0192F3C1_0000_7000_8000 << 48 | number))),
        "username": login,
        "id_at_customer": some(0.9, f"CRM-{number:07}"),
        "family_name": family,
        "given_name": given,
        "ui_locales": random_.choice(LOCALES[locale]),
        "E-Mail": email,
        "email_verified": some(0.3, "true") if email else "",
        "personas": personas,
        LOYALTY: some(0.5, str(random_.randrange(2000))),
        SEGMENT: some(0.5, random_.choice(SEGMENTS)),
        CARD: some(0.3, f"C-{number:08}"),
        INTEREST: some(0.4, few(INTERESTS, 3)),
        NICKNAME: some(0.1, f"{given} {number % 97}"),
        "Notes": some(
            0.3, random_.choice(['said "no", twice', "line\nbreak", "semi;colon", "=1+1"])
        ),
    }


def value(column: str, text: str, *faults: tuple[str, str]):
    def defect(row: Row, *_) -> None:
        row.cells[column] = text
        row.faults += faults

    return defect


def broken(how: str, pointer: str = ""):
    def defect(row: Row, *_) -> None:
        row.broken = how
        row.faults.append(("wrong-format", pointer))

    return defect


def other(some: list[Row], column: str, random_: random.Random) -> str:
    """A value in ASCII that one of these rows has."""
    return random_.choice(
        [cell for row in some if (cell := str(row.cells[column])) and cell.isascii()]
    )


def same_username(row: Row, random_: random.Random, named: list[Row], _) -> None:
    # Upper case of other scripts does not always lead back.
    row.cells["username"] = other(named, "username", random_).upper()
    row.faults.append(("not-unique", "/username"))


def same_id(row: Row, random_: random.Random, named: list[Row], _) -> None:
    row.cells["id"] = other(
        [row for row in named if len(row.cells["id"]) == 36], "id", random_
    ).upper()
    row.faults.append(("not-unique", "/id"))


def same_number(row: Row, random_: random.Random, named: list[Row], _) -> None:
    row.cells["id_at_customer"] = other(named, "id_at_customer", random_)
    row.faults.append(("not-unique", "/id_at_customer"))


def same_card(row: Row, random_: random.Random, _, made: list[Row]) -> None:
    row.cells[CARD] = other(made, CARD, random_)
    row.faults.append(("not-unique", pointer(CARD)))


def formula(row: Row, random_: random.Random, *_) -> None:
    row.cells["family_name"] = random_.choice(FORMULAS)


def two(row: Row, *_) -> None:
    row.cells |= {"E-Mail": "two@@example.org", "ui_locales": "?"}
    row.faults += [("wrong-format", "/preferred_email"), ("wrong-format", "/ui_locales")]


def pointer(column: str) -> str:
    return "/" + column.replace(".", "/")


DEFECTS = {
    "bad e-mail": value("E-Mail", "nobody", ("wrong-format", "/preferred_email")),
    "no username": value("username", "", ("required", "/username")),
    "username in another case": same_username,
    "id of another": same_id,
    "number of another": same_number,
    "bad language": value("ui_locales", "not_a_language", ("wrong-format", "/ui_locales")),
    "unknown persona": value("personas", ["wizard"], ("not-found", "/personas/0/name")),
    "too long a name": value("family_name", "é" * 1100, ("too-long", "/family_name")),
    "too few cells": broken("few"),
    "too many cells": broken("many"),
    "bad number": value(LOYALTY, "12,5", ("wrong-format", pointer(LOYALTY) + "/0")),
    "not in the enumeration": value(
        SEGMENT, "platinum", ("not-in-enumeration", pointer(SEGMENT) + "/0")
    ),
    "card of another": same_card,
    "bad id": value("id", "12345", ("wrong-format", "/id")),
    "bad word": broken("word", "/email_verified"),
    "formula": formula,
    "two faults": two,
}


def as_csv(row: Row, output: io.BufferedWriter) -> None:
    cells = [csv_cell(column, row.cells[column]) for column in COLUMNS]
    cells[7] = "yes" if row.broken == "word" else cells[7]
    cells = {"few": cells[:-1], "many": [*cells, "more"]}.get(row.broken, cells)
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    output.write(text.getvalue().encode())


def csv_cell(column: str, cell: str | list[str]) -> str:
    if isinstance(cell, str):
        # An apostrophe before a sign is the one by which exports keep spreadsheets from taking a
        # cell for a formula.
        return f"'{cell}" if cell.startswith("'=") else cell
    if column == "personas":
        return ";".join(cell)
    return json.dumps(cell) if len(cell) > 1 else "".join(cell)


def as_json(row: Row, output: io.BufferedWriter) -> None:
    document = {}
    for column, cell in row.cells.items():
        if not cell:
            continue
        if column.startswith("attributes."):
            _, category, name = column.split(".")
            values = [cell] if isinstance(cell, str) else cell
            document.setdefault("attributes", {}).setdefault(category, {})[name] = values
        elif column == "personas":
            document[column] = [persona(text) for text in cell]
        else:
            document[column] = True if column == "email_verified" else cell
    if row.broken == "word":
        document["email_verified"] = "yes"
    line = json.dumps(document, ensure_ascii=False).encode()
    broken_line = {"few": line[:-1], "many": line + b"{}"}
    output.write(broken_line.get(row.broken, line) + b"\n")


def persona(text: str) -> dict:
    name, _, scope = text.removesuffix(")").partition("(")
    return {"name": name} | ({"scope": scope.split(",")} if scope else {})


def expected(row: Row, ndjson: bool) -> list[tuple[int, str, str, str]]:
    """The expected report of a row."""
    if not row.faults:
        return [(row.number, "created", "", "")]
    kind = (
        {("wrong-format", "/email_verified"): ("wrong-type", "/email_verified")} if ndjson else {}
    )
    return sorted((row.number, "error", *kind.get(fault, fault)) for fault in row.faults)


def write(count: int, folder: Path, seed: int, ndjson: bool = False) -> tuple[Path, Path]:
    """Writes both files and returns their paths."""
    people, report = folder / ("people.ndjson" if ndjson else "people.csv"), folder / "expected.csv"
    with people.open("wb") as file, report.open("w", newline="") as expectation:
        lines = csv.writer(expectation)
        lines.writerow(["row", "status", "code", "pointer"])
        if not ndjson:
            file.write(",".join(COLUMNS).encode() + b"\r\n")
        for row in rows(count, seed):
            (as_json if ndjson else as_csv)(row, file)
            lines.writerows(expected(row, ndjson))
    return people, report


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--ndjson", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write(arguments.count, arguments.folder, arguments.seed, arguments.ndjson)


if __name__ == "__main__":
    main()
