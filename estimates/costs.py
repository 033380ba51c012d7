#!/usr/bin/env python3
"""What Kith costs in a year, for three numbers of people: the tables of
docs/operating/what-a-year-costs.md.

    python3 estimates/costs.py           prints them
    python3 estimates/costs.py --write   writes them into the page

Units come from docs/reference/costs.md, prices from prices.toml. What is assumed stands below.
"""

from dataclasses import dataclass, field

import sources
import tables
from tables import number

PAGE = "docs/operating/what-a-year-costs.md"
PEOPLE = (10_000, 1_000_000, 100_000_000)
MINUTES = 365 * 24 * 60
SECONDS = MINUTES * 60

# What one person causes in a year: group, what, row of docs/reference/costs.md and its variant, how
# often, kilobytes of an answer, events.
PERSON = (
    ("sign-ins", "sign-in at a system, recorded as a login", "later sign-in", 1, 52, 1.5, 1),
    ("sign-ins", "first sign-in of a person whom a CRM created",
     "first sign-in of a person whom a CRM", 0, 0.1, 1.5, 1),
    ("reads", "read of a user", "read a user", 0, 60, 1.5, 0),
    ("reads", "search by a unique value or an address", "find by a unique value", 0, 12, 1.5, 0),
    ("reads", "read of a system profile", "read a system profile", 0, 150, 1.5, 0),
    ("writes", "change of a plain field", "change a plain field", 0, 4, 1.5, 1),
    ("writes", "change of an indexed field", "change an indexed field", 0, 0.5, 1.5, 1),
    ("writes", "change of a system profile", "change a system profile", 0, 12, 1.5, 0),
    ("writes", "creation with an `Idempotency-Key`", "create with username", 0, 0.1, 1.5, 1),
    ("writes", "erasure", "forget a user", 0, 0.1, 0.5, 2),
)
# The record of the key of a creation is written in its transaction.
CREATION, RECORD = "create with username", "each further unique value"

# The entry that a change leaves in the audit, by the row of the change: the variant of that row.
ENTRY = "an audit entry"
AUDITED = {
    "later sign-in": 0, "first sign-in of a person whom a CRM": 1, "change a plain field": 0,
    "change an indexed field": 1, "change a system profile": 1, "create with username": 1,
    "forget a user": 0,
}

# By number of people: systems that synchronise, and programs of back ends that ask for tokens.
SYSTEMS = dict(zip(PEOPLE, (3, 5, 20), strict=True))
PROGRAMS = dict(zip(PEOPLE, (5, 50, 2000), strict=True))
# A program asks for a token each 15 minutes, a system polls each minute.
TOKEN_MINUTES, POLL_MINUTES = 15, 1
PAGE_USERS, PAGE_KB, EMPTY_PAGE_KB = 50, 60, 0.5

# People who are active in a month, as other products count them.
ACTIVE_SHARE = 0.5
# The busiest second of a year has so many times the requests of an average one.
PEAK = 5

# Milliseconds of one call: of the API as in docs/reference/costs.md, of the stream function for one
# event, of the sweeper with one tenant, and of the mailer without a mail.
API_MS, STREAM_MS, SWEEPER_MS, MAILER_MS = 5, 12, 50, 20
# Read units of the stream function for one event, and of one run of the sweeper with one tenant: the
# unfinished erasures, the waiting imports, the tenants, the epoch, the states of the recomputation and
# of the verification of the audit. And of one run of the mailer: the four parts of the outbox.
EVENT_READS, SWEEP_READS, MAIL_READS = 1, 5, 4
# Requests a second that one instance of a function serves on average. Each instance reads the epoch
# each 30 seconds and, if the table has a key of yours, asks KMS each 5 minutes.
INSTANCE_RATE, FEWEST_INSTANCES = 10, 6
EPOCH_SECONDS, KEY_SECONDS = 30, 300

# Bytes of the items of one person, measured, and what DynamoDB adds to each item and index entry.
ITEMS = (
    ("user", 900),
    ("index entries: username, address, two names, one attribute", 5 * 110),
    ("principal and its index entry", 620),
    ("profile in one system and its index entry", 640),
)
ITEM_COUNT, INDEX_ENTRY_BYTES, OVERHEAD_BYTES = 10, 115, 100

# An audit entry, its place in the index, and how many years it is kept.
ENTRY_BYTES, ENTRY_YEARS = 600, 400 / 365

METRICS_OF_MAPPING = 5
# Operations that are called each hour of the year, and the metrics of each that OperationMetrics
# makes: milliseconds, read units, and errors or write units.
OPERATIONS, METRICS_OF_OPERATION = 20, 3
GIGABYTE = 1e9


@dataclass
class Bill:
    """Dollars of a year, by service and by what people do."""

    services: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)

    def add(self, service, group, dollars):
        self.services[service] = self.services.get(service, 0) + dollars
        self.groups[group] = self.groups.get(group, 0) + dollars

    @property
    def total(self):
        return sum(self.services.values())


def tiered(quantity, tiers):
    """What a quantity of a month costs whose price falls with it."""
    dollars, below = 0.0, 0.0
    for bound, amount in tiers:
        part = (min(quantity, bound) if bound else quantity) - below
        if part <= 0:
            break
        dollars, below = dollars + part * amount, below + part
    return dollars


def price(name, quantity):
    """What a quantity of a year costs."""
    entry = sources.prices()["price"][name]
    if "tiers" in entry:
        return 12 * tiered(quantity / 12, entry["tiers"])
    return quantity * entry["amount"]


@dataclass
class Load:
    """What happens in a year because of one group of activities."""

    requests: float = 0
    reads: float = 0
    writes: float = 0
    events: float = 0
    kilobytes: float = 0

    def add(self, count, units, kilobytes, events=0):
        self.requests += count
        self.reads += count * units.read
        self.writes += count * units.write
        self.kilobytes += count * kilobytes
        self.events += count * events


def loads(people):
    """The load of a year, by group."""
    groups = ("sign-ins", "reads", "writes", "audit", "synchronisation", "tokens")
    found = {group: Load() for group in groups}
    for group, _, row, variant, often, kilobytes, events in PERSON:
        found[group].add(people * often, sources.units(row, variant), kilobytes, events)
        if row == CREATION:
            found[group].writes += people * often * sources.units(RECORD).write
        if row in AUDITED:
            found["audit"].writes += people * often * sources.units(ENTRY, AUDITED[row]).write
    changes = sum(load.events for load in found.values())
    sync, systems = found["synchronisation"], SYSTEMS[people]
    page, empty = (sources.units("a page of 50 users", variant) for variant in (0, 1))
    sync.add(systems * MINUTES / POLL_MINUTES, empty, EMPTY_PAGE_KB)
    sync.add(systems * changes / PAGE_USERS, page, PAGE_KB)
    token = sources.units("token by secret;")
    found["tokens"].add(PROGRAMS[people] * MINUTES / TOKEN_MINUTES, token, 1)
    return found


def gigabytes(people):
    """The size of the table, and of its index."""
    table = sum(size for _, size in ITEMS) + ITEM_COUNT * OVERHEAD_BYTES
    index = INDEX_ENTRY_BYTES + OVERHEAD_BYTES
    entries = ENTRY_YEARS * sum(often for _, _, row, _, often, _, _ in PERSON if row in AUDITED)
    table += entries * (ENTRY_BYTES + OVERHEAD_BYTES)
    index *= 1 + entries
    return people * table / GIGABYTE, people * index / GIGABYTE


def instances(requests):
    return max(FEWEST_INSTANCES, requests / SECONDS / INSTANCE_RATE)


def gigabyte_seconds(calls, milliseconds):
    return calls * milliseconds / 1000 * sources.parameter("MemorySize") / 1024 / 1e6


def bill(people):
    """The bill of a year."""
    found = Bill()
    by_group = loads(people)
    requests = sum(load.requests for load in by_group.values())
    kilobytes = sum(load.kilobytes for load in by_group.values())
    api, transfer = price("request", requests / 1e6), price("transfer", kilobytes / 1e6)
    for group, load in by_group.items():
        found.add("API Gateway", group, api * load.requests / requests)
        found.add("answers on the internet", group, transfer * load.kilobytes / kilobytes)
        found.add("Lambda", group, price("invocation", load.requests / 1e6))
        found.add("Lambda", group, price("gigabyte_second", gigabyte_seconds(load.requests, API_MS)))
        found.add("DynamoDB, reads", group, price("read", load.reads / 1e6))
        found.add("DynamoDB, writes", group, price("write", load.writes / 1e6))
    events = sum(load.events for load in by_group.values())
    found.add("EventBridge", "change events", price("event", events / 1e6))
    found.add("Lambda", "change events", price("invocation", events / 1e6))
    found.add("Lambda", "change events", price("gigabyte_second", gigabyte_seconds(events, STREAM_MS)))
    found.add("DynamoDB, reads", "change events", price("read", events * EVENT_READS / 1e6))
    own = "sweeper, mailer and definitions"
    found.add("Lambda", own, price("invocation", 2 * MINUTES / 1e6))
    found.add("Lambda", own, price("gigabyte_second", gigabyte_seconds(MINUTES, SWEEPER_MS + MAILER_MS)))
    epochs = instances(requests) * SECONDS / EPOCH_SECONDS
    found.add("DynamoDB, reads", own, price("read", (MINUTES * (SWEEP_READS + MAIL_READS) + epochs) / 1e6))
    table, index = gigabytes(people)
    found.add("DynamoDB, storage", "storage", 12 * price("storage", table + index))
    found.add("DynamoDB, point-in-time recovery", "backups", 12 * price("pitr", table))
    access, line = sources.log_bytes("access log"), sources.log_bytes("the function's line")
    logged = (requests * (access + line) + events * line) / GIGABYTE
    kept = sources.parameter("LogRetentionDays") / 365 * logged
    found.add("CloudWatch, logs", "logs", price("log", logged) + 12 * price("log_storage", kept))
    alarms, filters = sources.monitoring()
    metrics = filters + METRICS_OF_MAPPING
    found.add("CloudWatch, alarms, metrics, dashboard", "metrics and alarms",
              12 * (price("alarm", alarms) + price("metric", metrics) + price("dashboard", 1)))
    return found


def options(people):
    """What the first import costs, and what parameters of the template add in a year."""
    table, _ = gigabytes(people)
    requests = sum(load.requests for load in loads(people).values())
    alarms, filters = sources.monitoring("IsGradual")
    asked = instances(requests) * SECONDS / KEY_SECONDS
    row = sources.units("a row of an import")
    imported = price("read", people * row.read / 1e6) + price("write", people * row.write / 1e6)
    return {
        "once: an import of everybody": imported,
        "a year, `TableKeyArn`: a KMS key": 12 * price("key", 1) + price("key_request", asked / 1e6),
        "a year, `BackupRetentionDays=35`: a backup each night": 12 * 35 * price("backup", table),
        "a year, `DeploymentType` gradual: alarms and metrics":
            12 * (price("alarm", alarms) + price("metric", filters)),
        f"a year, `OperationMetrics=true`: {OPERATIONS} operations in use":
            12 * price("metric", OPERATIONS * METRICS_OF_OPERATION),
    }


def money(dollars):
    return f"{dollars:.2f}" if dollars < 10 else number(round(dollars))


def millions(people):
    return f"{people:,}".replace(",", " ")


def prices_table():
    def plain(dollars):
        return f"{dollars:.2f}" if round(dollars, 2) == dollars else f"{dollars:g}"

    def amount(entry):
        if "tiers" not in entry:
            return plain(entry["amount"])
        parts = [plain(dollars) + (f" up to {number(bound)}" if bound else " beyond")
                 for bound, dollars in entry["tiers"]]
        return ", ".join(parts)

    rows = [[entry["what"], amount(entry), entry["per"], entry["page"], entry["compared"]]
            for entry in sources.prices()["price"].values()]
    return tables.table(["what", "$", "per", "page of AWS", "compared with"], rows)


def activity_table():
    rows = []
    for _, what, row, variant, often, kilobytes, _ in PERSON:
        units = sources.units(row, variant)
        write = units.write + (sources.units(RECORD).write if row == CREATION else 0)
        rows.append([what, f"{often:g}", number(units.read), number(write), f"{kilobytes:g}"])
    head = ["what one person causes", "a year", "read units", "write units", "KB of answer"]
    return tables.table(head, rows)


def bill_table(part):
    bills = [bill(people) for people in PEOPLE]
    rows = [[name, *(money(getattr(one, part)[name]) for one in bills)] for name in getattr(bills[0], part)]
    rows.append(["**together**", *(f"**{money(one.total)}**" for one in bills)])
    each = [f"{one.total / people:.2g}" for one, people in zip(bills, PEOPLE, strict=True)]
    rows.append(["for one person", *each])
    return tables.table(["$ a year for … people", *map(millions, PEOPLE)], rows)


def options_table():
    added = [options(people) for people in PEOPLE]
    rows = [[name, *(money(one[name]) for one in added)] for name in added[0]]
    return tables.table(["$ more", *map(millions, PEOPLE)], rows)


def load_table():
    rows = {"requests a second, average": [], "requests a second, peak": [], "read units a second, peak": [],
            "write units a second, peak": [], "GB in the table": [], "changes of users a second, peak": []}
    for people in PEOPLE:
        found = loads(people).values()
        total = [sum(getattr(load, name) for load in found) / SECONDS
                 for name in ("requests", "reads", "writes", "events")]
        requests, reads, writes, events = total
        row = (requests, PEAK * requests, PEAK * reads, PEAK * writes, sum(gigabytes(people)), PEAK * events)
        for name, value in zip(rows, row, strict=True):
            rows[name].append(number(value))
    return tables.table(["", *map(millions, PEOPLE)], [[name, *values] for name, values in rows.items()])


def others_table():
    kith = [money(bill(people).total) for people in PEOPLE]
    rows = [["Kith on AWS, as above", sources.prices()["as_of"], *kith]]
    for other in sources.prices()["other"]:
        if "tiers" in other:
            year = [money(12 * tiered(people * ACTIVE_SHARE, other["tiers"])) for people in PEOPLE]
        elif "each" in other:
            year = [money(12 * people * other["each"]) for people in PEOPLE]
        else:
            year = other["year"]
        rows.append([other["product"], other["as_of"], *year])
    return tables.table(["$ a year for … people", "prices as of", *map(millions, PEOPLE)], rows)


def notes_table():
    rows = [[other["product"], other["note"]] for other in sources.prices()["other"]]
    return tables.table(["product", "list price"], rows)


def all_tables():
    return {
        "costs: prices": prices_table(),
        "costs: activity": activity_table(),
        "costs: services": bill_table("services"),
        "costs: groups": bill_table("groups"),
        "costs: options": options_table(),
        "costs: load": load_table(),
        "costs: others": others_table(),
        "costs: other prices": notes_table(),
    }


def wrong_dollars():
    """Rows of docs/reference/costs.md whose dollars do not follow from their units."""
    time = price("gigabyte_second", gigabyte_seconds(1e6, API_MS))
    base = price("request", 1) + price("invocation", 1) + time
    for what, variants in sources.operations().items():
        for units in variants:
            if None in (units.read, units.write, units.dollars):
                continue
            alone = price("read", units.read) + price("write", units.write)
            if min(abs(units.dollars - dollars) for dollars in (alone, alone + base)) > 0.0051:
                expected = f"expected {alone + base:.2f}, or {alone:.2f} for units alone"
                yield f"docs/reference/costs.md: {what}: {expected}, found {units.dollars}"


def wrong_counts():
    """Numbers of metrics in docs/operating/logs.md that are not those of the template."""
    page = "docs/operating/logs.md"
    text = (sources.ROOT / page).read_text()
    (alarms, filters), (gradual, more) = sources.monitoring(), sources.monitoring("IsGradual")
    metrics = f"{filters} to {filters + METRICS_OF_MAPPING}"
    for expected in (f"| {alarms} metrics |", f"| {metrics} |", f"| {gradual} and {more} |"):
        if expected not in text:
            yield f"{page}: expected `{expected}`, as the template has it"


if __name__ == "__main__":
    tables.main(PAGE, all_tables())
