#!/usr/bin/env python3
"""Imports people by the hundred thousand through `kith serve`, ends both programs on the way, and
finds everybody again.

    run.py [N] [--program PATH] [--seed N] [--folder DIR] [--ndjson] [--calm] [--skip find]

N people (200000) are written by `people.py` and imported. On the way the import is killed and
interrupted, and the service killed; each time what was ended is started again. Then the report has
to be the expected one exactly, `kith check` has to pass, and a search for each value of each field
has to find exactly the people who have it. Kinds of queries are measured on the many people and,
before that, on 200. The exit code is 1 when something is not as it should be. `--calm` ends
nothing; the folder is kept when it is given.
"""

import argparse
import collections
import contextlib
import csv
import http.client
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "deployment"))

from machine import (  # noqa: E402
    ROOT,
    Failed,
    environment,
    free_port,
    program,
    say,
    timed,
    without_aws,
)

FEW = 200
# How many conditions a filter may have.
TERMS = 10
# How often each kind of query is measured.
TIMES = 200
MAPPING = ["--map", "E-Mail=preferred_email", "--map", "Notes="]
ATTRIBUTES = {
    "loyalty-points": {"data_format": "NUMERIC", "search": "exact", "single_value": True},
    "segment": {
        "data_format": "ENUMERATION",
        "search": "exact",
        "enumeration_values": ["bronze", "silver", "gold"],
    },
    "card-number": {"data_format": "TEXT", "search": "exact", "unique": True, "single_value": True},
    "interests": {"data_format": "TEXT", "search": "exact"},
    "nickname": {"data_format": "TEXT", "search": "prefix", "single_value": True},
}


class Service:
    """`kith serve` on a data folder, which is started again after it was killed."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder, self.port = program, folder, free_port()
        self.tokens: dict[str, tuple[str, float]] = {}
        folder.mkdir()
        self.start()

    def start(self) -> None:
        command = [
            self.program,
            "serve",
            "--listen",
            f"127.0.0.1:{self.port}",
            "--data",
            self.folder,
        ]
        path, demo = self.folder / "log", self.folder / "demo.env"
        with path.open("ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(
                command, env=without_aws(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while b"Kith serves on" not in path.read_bytes()[before:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = path.read_text(errors="replace")[-2000:]
                raise Failed(f"the service did not start:\n{text}")
            time.sleep(0.02)
        lines = (
            line.split("=", 1) for line in demo.read_text().splitlines() if not line.startswith("#")
        )
        self.variables = dict(lines)
        # The connections to the earlier process are closed.
        self.local = threading.local()

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait()

    def memory(self) -> int:
        return next(
            int(line.split()[1]) // 1024
            for line in Path(f"/proc/{self.process.pid}/status").open()
            if line.startswith("VmHWM")
        )

    def token(self, who: str) -> str:
        token, until = self.tokens.get(who, ("", 0.0))
        if time.monotonic() > until:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.variables[f"KITH_{who}_ID"],
                "client_secret": self.variables[f"KITH_{who}_SECRET"],
            }
            headers = {"content-type": "application/x-www-form-urlencoded"}
            token = self.exchange(
                "POST", "/idhub/oidc/v1/token", urllib.parse.urlencode(form), headers
            )[1]["access_token"]
            self.tokens[who] = (token, time.monotonic() + 600)
        return token

    def exchange(
        self, method: str, path: str, body: str, headers: dict[str, str]
    ) -> tuple[int, dict]:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=120
            )
        connection.request(method, path, body.encode(), headers)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content or b"{}")

    def call(
        self, method: str, path: str, document: dict | None = None, who: str = "CLIENT"
    ) -> dict:
        headers = {"authorization": f"Bearer {self.token(who)}", "content-type": "application/json"}
        body = "" if document is None else json.dumps(document, ensure_ascii=False)
        status, answer = self.exchange(method, path, body, headers)
        if status >= 300:
            raise Failed(f"{method} {path} {body}: {status} {answer}")
        return answer

    def query(self, filter_: str) -> list[dict]:
        """All users that a filter finds."""
        found, cursor = [], None
        while True:
            asked = {"filter": filter_, "limit": 100} | ({"cursor": cursor} if cursor else {})
            page = self.call("POST", "/identity/users/query", asked)
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found

    def kith(self, *arguments: str | Path) -> subprocess.Popen:
        """Starts the program with the demonstration's client."""
        command = [self.program, "--data", self.folder, *arguments]
        # A client alone: the many people are nothing for its memory.
        return subprocess.Popen(
            command,
            env=without_aws() | self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )


def define(service: Service) -> None:
    for name, settings in ATTRIBUTES.items():
        document = {"category": "common", "name": name, "display_name": name} | settings
        service.call("POST", "/identity/config/attribute-definitions", document, who="ADMIN_CLIENT")
    document = {"name": "buyer", "display_name": "Buyer", "scoped": True}
    service.call("POST", "/config/persona-definitions", document, who="ADMIN_CLIENT")


class Follower:
    """Counts the lines of a file that grows, and may be cut."""

    def __init__(self, path: Path) -> None:
        self.path, self.read, self.lines = path, 0, 0

    def count(self) -> int:
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < self.read:
            self.read, self.lines = 0, 0
        if size > self.read:
            with self.path.open("rb") as file:
                file.seek(self.read)
                block = file.read(size - self.read)
            self.read, self.lines = self.read + len(block), self.lines + block.count(b"\n")
        return self.lines


def bring(service: Service, people: Path, report: Path, count: int, calm: bool) -> dict:
    """Imports, with what is ended on the way started again; returns the summary and what it
    took."""
    ends = (
        []
        if calm
        else [
            (0.2, "killed the import"),
            (0.4, "killed the service"),
            (0.6, "interrupted the import"),
            (0.8, "killed the import"),
        ]
    )
    follower, began, memory = Follower(report), time.monotonic(), 0
    while True:
        client = service.kith("--json", "import", people, "--report", report, *MAPPING)
        usage = None
        while usage is None:
            if ends and follower.count() >= count * ends[0][0]:
                what = ends.pop(0)[1]
                if what == "killed the service":
                    service.end(signal.SIGKILL)
                    service.start()
                else:
                    client.send_signal(
                        signal.SIGINT if what.startswith("interrupted") else signal.SIGKILL
                    )
                say(f"{what} after {follower.count()} rows")
            ended, status, resources = os.wait4(client.pid, os.WNOHANG)
            usage = resources if ended else time.sleep(0.05)
        memory = max(memory, usage.ru_maxrss // 1024)
        if output := client.stdout.read():
            return json.loads(output) | {"seconds": time.monotonic() - began, "memory": memory}
        if os.waitstatus_to_exitcode(status) not in (-signal.SIGKILL, 130):
            raise Failed("the import failed")


def compare(report: Path, expectation: Path) -> dict[int, str]:
    """The ids of the users who were made, by row; fails when the report is not the expected one."""
    ids: dict[int, str] = {}

    def reported() -> Iterator[tuple[str, ...]]:
        with report.open() as file:
            for line in file:
                outcome = json.loads(line)
                if outcome["id"]:
                    ids[outcome["row"]] = outcome["id"]
                errors = [(error["code"], error["pointer"]) for error in outcome["errors"]] or [
                    ("", "")
                ]
                for error in sorted(errors):
                    yield (str(outcome["row"]), outcome["status"], *error)

    with expectation.open(newline="") as file:
        due = (tuple(line) for line in itertools.islice(csv.reader(file), 1, None))
        differences = [
            (is_, was) for is_, was in itertools.zip_longest(reported(), due) if is_ != was
        ]
    for is_, was in differences[:20]:
        say(f"reported {is_}, expected {was}")
    if differences:
        raise Failed(f"the report is another one in {len(differences)} lines")
    if len(set(ids.values())) != len(ids):
        raise Failed("two rows have made one user")
    return ids


def check(service: Service, made: int) -> None:
    service.end(signal.SIGTERM)
    command = [service.program, "--json", "--data", service.folder, "check", "--tenant", "acme"]
    found = subprocess.run(command, env=without_aws(), capture_output=True, text=True, check=False)
    say(f"kith check: {found.stdout.strip()}")
    # The administrator of the demonstration is one more.
    if found.returncode or json.loads(found.stdout)["users"] != made + 1:
        raise Failed(f"kith check: {found.stdout}{found.stderr}")
    service.start()


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def groups(values: Iterable[str]) -> Iterator[list[str]]:
    values = iter(values)
    while group := list(itertools.islice(values, TERMS)):
        yield group


def find(service: Service, people: list[tuple[str, dict]]) -> None:
    """Looks for each value of each field, and fails when not exactly those are found who have
    it."""

    def holders(values_of: Callable[[dict], Iterable[str]]) -> dict[str, set[str]]:
        by_value = collections.defaultdict(set)
        for id_, cells in people:
            for value in values_of(cells):
                by_value[value].add(id_)
        return by_value

    def one(column: str) -> Callable[[dict], Iterable[str]]:
        return lambda cells: (
            [cells[column]]
            if isinstance(cells[column], str) and cells[column]
            else cells[column] or []
        )

    def look(
        field: str, term: Callable[[str], str], by_value: dict[str, set[str]], together: int = TERMS
    ) -> None:
        def ask(group: list[str]) -> str | None:
            for values in [group] if together > 1 else [[value] for value in group]:
                filter_ = " or ".join(term(value) for value in values)
                found = [item["id"] for item in service.query(filter_)]
                due = set().union(*(by_value[value] for value in values))
                if len(found) != len(set(found)) or set(found) != due:
                    return f"{filter_} finds {len(found)}, {len(due)} have it: {sorted(due ^ set(found))[:5]}"
            return None

        with timed(f"{field}: {len(by_value)} values found"), ThreadPoolExecutor(4) as pool:
            wrong = [answer for answer in pool.map(ask, groups(by_value)) if answer]
        for answer in wrong[:5]:
            say(answer)
        if wrong:
            raise Failed(f"searching by {field} fails {len(wrong)} times")

    equal = lambda name: lambda value: f"{name} eq {quoted(value)}"  # noqa: E731
    look("id", equal("id"), {id_: {id_} for id_, _ in people})
    for name, column in [
        ("username", "username"),
        ("id_at_customer", "id_at_customer"),
        ("preferred_email", "E-Mail"),
    ]:
        look(name, equal(name), holders(one(column)))
    for name in ["family_name", "given_name"]:
        look(name, equal(name), holders(one(name)))
    look("ui_locales", equal("ui_locales"), holders(lambda cells: cells["ui_locales"].split()))
    everybody, nobody = {id_ for id_, _ in people}, set()
    verified = {id_ for id_, cells in people if cells["email_verified"]}
    walks = {
        "email_verified eq true": verified,
        "not (email_verified eq true)": everybody - verified,
        'created_at gt "2020-01-01T00:00:00Z" and updated_at lt "2100-01-01T00:00:00Z"': everybody,
        "last_login_at pr": nobody,
    }
    look("what has no index", lambda filter_: filter_, walks, 1)
    for name in ATTRIBUTES:
        column = f"attributes.common.{name}"
        number = (
            (lambda value: f"{column} eq {value}") if name == "loyalty-points" else equal(column)
        )  # noqa: B023
        look(column, number, holders(one(column)))
    starts = lambda cells: [cells[NICKNAME][:4]] if len(cells[NICKNAME]) >= 4 else []  # noqa: E731
    by_start = {start: set() for _, cells in people for start in starts(cells)}
    for id_, cells in people:
        for start in by_start.keys() & {cells[NICKNAME][:4]}:
            by_start[start].add(id_)
    look("start of nickname", lambda value: f"{NICKNAME} sw {quoted(value)}", by_start)
    named = lambda cells: [persona.partition("(")[0] for persona in cells["personas"]]  # noqa: E731
    look("personas", lambda name: f"personas[name eq {quoted(name)}]", holders(named))
    scopes = lambda cells: [
        s for p in cells["personas"] if "(" in p for s in p[p.index("(") + 1 : -1].split(",")
    ]  # noqa: E731
    within = lambda scope: f'personas[name eq "buyer" and scope eq {quoted(scope)}]'  # noqa: E731
    look("personas by scope", within, holders(scopes), 1)


NICKNAME = "attributes.common.nickname"
KINDS = {
    "id": 'id eq "{id}"',
    "username": 'username eq "marker.0"',
    "id_at_customer": 'id_at_customer eq "marker-0"',
    "e-mail": 'preferred_email eq "marker@example.org"',
    "family name": 'family_name eq "Zyxmarker"',
    "family name, start": 'family_name sw "Zyxm"',
    "family and given name": 'family_name eq "Zyxmarker" and given_name eq "Wvumarker"',
    "family name or e-mail": 'family_name eq "Zyxmarker" or preferred_email eq "marker@example.org"',
    "attribute": 'attributes.common.interests eq "zyxmarking"',
    "attribute, start": 'attributes.common.nickname sw "zyxm"',
    "persona in a scope": 'personas[name eq "buyer" and scope eq "zyxmarket"]',
    "name and not indexed": 'family_name eq "Zyxmarker" and created_at gt "2020-01-01T00:00:00Z"',
}


def measure(service: Service) -> dict[str, tuple[float, float, float, int]]:
    """Milliseconds (median and 99th percentile), read units and hits of each kind of query, on five
    people that it creates."""
    for number in range(5):
        document = {
            "username": f"marker.{number}",
            "id_at_customer": f"marker-{number}",
            "family_name": "Zyxmarker",
            "given_name": "Wvumarker",
            "preferred_email": "marker@example.org",
            "personas": [{"name": "buyer", "scope": ["zyxmarket"]}],
            "attributes": {
                "common": {"interests": ["zyxmarking"], "nickname": [f"zyxmark {number}"]}
            },
        }
        made = service.call("POST", "/identity/users", document)
    found = {}
    for kind, filter_ in KINDS.items():
        asked = {"filter": filter_.replace("{id}", made["id"]), "limit": 10}
        explained = service.call("POST", "/identity/users/query", asked | {"explain": True})
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            service.call("POST", "/identity/users/query", asked)
            times.append((time.perf_counter() - began) * 1e3)
        times.sort()
        found[kind] = (
            statistics.median(times),
            times[len(times) * 99 // 100],
            explained["explain"]["read_units"],
            len(explained["items"]),
        )
    return found


def units(log: Path) -> tuple[float, float]:
    """Read and write units of all that the log has of imports."""
    sums = [0.0, 0.0]
    for line in log.open():
        with contextlib.suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if "import" in str(entry.get("operation", "")) or entry.get("operation") == "sweep":
                sums[0] += float(entry.get("read_units", 0))
                sums[1] += float(entry.get("write_units", 0))
    return sums[0], sums[1]


def load(
    arguments: argparse.Namespace, folder: Path, count: int, calm: bool
) -> tuple[Service, list[tuple[str, dict]], dict]:
    """Starts a service and brings people into it, and fails when the report is not as expected."""
    import people as generator

    folder.mkdir(parents=True, exist_ok=True)
    with timed(f"wrote {count} people"):
        people, expectation = generator.write(count, folder, arguments.seed, arguments.ndjson)
    service = Service(arguments.program, folder / "data")
    try:
        define(service)
        report = folder / "report.ndjson"
        took = bring(service, people, report, count, calm)
        ids = compare(report, expectation)
        say(f"the report of {count} rows is as expected: {len(ids)} people")
        took["reads"], took["writes"] = units(service.folder / "log")
        took["service_memory"] = service.memory()
        check(service, len(ids))
        made = [
            (ids[row.number], row.cells)
            for row in generator.rows(count, arguments.seed)
            if row.number in ids
        ]
    except BaseException:
        service.end(signal.SIGKILL)
        raise
    return service, made, took


def run(arguments: argparse.Namespace, folder: Path) -> None:
    few, _, _ = load(arguments, folder / "few", FEW, calm=True)
    before = measure(few) if "measure" not in arguments.skip else {}
    few.end(signal.SIGKILL)
    service, people, took = load(arguments, folder / "many", arguments.count, arguments.calm)
    try:
        rows = arguments.count
        print(
            f"{rows} rows in {took['seconds']:.0f} s: {rows / took['seconds']:.0f} rows/s "
            "with what was ended on the way"
        )
        print(
            f"units per row: {took['reads'] / rows:.2f} read, {took['writes'] / rows:.2f} written"
        )
        print(
            f"memory: `kith import` {took['memory']} MB, `kith serve` {took['service_memory']} MB"
        )
        if "find" not in arguments.skip:
            find(service, people)
        if before:
            after = measure(service)
            print(
                f"\n| query | ms at {FEW} | ms at {rows} | p99 "
                f"| units at {FEW} | units at {rows} | found |\n"
                "|---|---|---|---|---|---|---|"
            )
            for kind, (ms, _, read, hits) in before.items():
                later, p99, later_read, later_hits = after[kind]
                print(
                    f"| {kind} | {ms:.2f} | {later:.2f} | {p99:.2f} | {read} | {later_read} | {later_hits} |"
                )
                if (hits, read) != (later_hits, later_read):
                    raise Failed(f"`{kind}` costs or finds more among more people")
    finally:
        service.end(signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, nargs="?", default=200_000)
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    parser.add_argument(
        "--program", type=Path, default=target / "server" / "kith", help="the program, built"
    )
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--folder", type=Path, help="where to keep what was written")
    parser.add_argument("--ndjson", action="store_true", help="import NDJSON instead of CSV")
    parser.add_argument("--calm", action="store_true", help="end nothing on the way")
    parser.add_argument("--skip", action="append", default=[], choices=["find", "measure"])
    arguments = parser.parse_args()
    python = environment("people", HERE / "requirements.txt") / "python"
    if Path(sys.executable).parent != python.parent:
        # Faker is there, not here.
        os.execv(python, [python, "-B", __file__, *sys.argv[1:]])
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kith-people-"))
        )
        run(arguments, folder)
    return 0


if __name__ == "__main__":
    program(main)
