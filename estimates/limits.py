#!/usr/bin/env python3
"""Where the design meets its limits: the tables of docs/explanation/limits-of-scale.md.

    python3 estimates/limits.py           prints them
    python3 estimates/limits.py --write   writes them into the page

Units come from docs/reference/costs.md, constants from the code, and the behaviour at a limit from
the model in simulation.py.
"""

import functools
import math

import simulation
import sources
import tables
from simulation import PUT, READ, READ_UNITS, TRANSACTION, WRITE_UNITS
from tables import number

PAGE = "docs/explanation/limits-of-scale.md"

# Of AWS: Amazon DynamoDB Developer Guide, "Quotas" (write units of a table) and "DynamoDB warm
# throughput" (of a new table); Amazon EventBridge User Guide, "Quotas" (events a second in us-east-1).
TABLE_QUOTA, NEW_TABLE, BUS_EVENTS = 40_000, 4_000, 10_000

# Write units of the index `gsi1`, as tests/contract/cost.rs asserts them.
INDEX_CREATION, INDEX_CHANGE, INDEX_ERASURE = 1, 2, 4
# Half of an erasure's are in the partition of unfinished erasures: in, and out again.
SWEEP_UNITS = INDEX_ERASURE / 2
# An index entry that a transaction writes.
ENTRY_UNITS = sources.units("each further unique value").write

SHARDS = sources.constant("shared/src/store/keys/partition.rs", "SHARDS")
SHARING = sources.constant("shared/src/store/write.rs", "MAX_SHARING")
CACHED, CACHE_SECONDS = simulation.Sweeper.CACHED, simulation.Sweeper.YOUNG
BATCH = int(sources.setting("template.yaml", r"BatchSize: (\d+)"))
EVENTS_OF_REQUEST = sources.constant("functions/stream/src/bridge.rs", "MOST")
PART_BYTES = sources.constant("shared/src/domain/import/task.rs", "PART_BYTES")
STORED_AT_ONCE = sources.constant("shared/src/import/mod.rs", "STORED_AT_ONCE")
BUDGET = sources.constant("functions/sweeper/src/lib.rs", "BUDGET_SECONDS")
ADDRESS_FAILURES = sources.constant("functions/token/src/throttle.rs", "MOST_OF_ADDRESS")

# Seconds of a call of the stream function beside its requests, and of one request to the bus: assumed.
CALL, PUT_EVENTS = 0.010, 0.020
# Bytes of stored items, measured: a definition of an attribute, and what says that a tenant trusts an
# issuer. An e-mail item without its users; a user id.
DEFINITION_BYTES, TRUST_BYTES, ADDRESS_BYTES, ID_BYTES = 520, 70, 70, 36
# The share of refused writes from which on a limit counts as reached.
NOTICED = 0.001

CREATION = sources.units("create with username").write


def percent(share):
    if share == 0:
        return "0"
    return "< 0.1 %" if share < NOTICED else f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def seconds(time):
    return f"{1000 * time:.0f} ms" if time < 1 else f"{time:.1f} s"


def batch_seconds(events):
    return CALL + READ + math.ceil(events / EVENTS_OF_REQUEST) * PUT_EVENTS


def units_of_address(users):
    """The write units of one more user of an address, in a transaction."""
    return 2 * math.ceil((ADDRESS_BYTES + users * ID_BYTES) / 1024)


RACES = {
    "one user, plain changes": {"reads": True, "commit": PUT, "conflicts": False},
    "definitions of one tenant": {"reads": True, "commit": TRANSACTION, "conflicts": True},
    "users of one e-mail address": {"reads": False, "commit": TRANSACTION, "conflicts": True},
}
RATES, AT_ONCE = (10, 20, 30, 40, 60, 80), (8, 32, 64, 128, 256)


@functools.cache
def steady(race, rate):
    return simulation.race(simulation.arrivals(rate, 15, rate), rate, **RACES[race])


def highest_rate(race):
    """The highest rate of the table below whose writers are not refused."""
    return max(rate for rate in RATES if steady(race, rate)[0] < NOTICED)


@functools.cache
def sweeps(tenants, minutes=120):
    """Of a sweeper with so many tenants: the turns of its last call, and for how many minutes a tenant
    waited for its turn at most."""
    sweeper, seen, longest = simulation.Sweeper(tenants), {}, 0
    for minute in range(minutes):
        turns = sweeper.sweep(minute)
        for tenant in turns:
            longest = max(longest, minute - seen.get(tenant, 0))
            seen[tenant] = minute
    assert len(seen) == tenants
    return turns, longest


def most_tenants():
    """How many tenants have their turn in each call of the sweeper."""
    return len(sweeps(20_000)[0])


def summary_table():
    def rate(value, what):
        return f"{number(value)} {what} a second"

    stream = BATCH / batch_seconds(BATCH)
    poll = sources.units("a page of 50 users", 1).read / SHARDS
    listed = (rate(SHARDS * WRITE_UNITS / INDEX_CHANGE, "changes"),
              rate(SHARDS * WRITE_UNITS / INDEX_CREATION, "creations"))
    address = rate(highest_rate("users of one e-mail address"), "changes")
    rows = [
        ["the API, as deployed", rate(sources.parameter("ThrottlingRate"), "requests"),
         "parameter `ThrottlingRate`"],
        ["a new table", rate(NEW_TABLE / CREATION, "creations"), f"{number(NEW_TABLE)} write units"],
        ["a table with the default quota", rate(TABLE_QUOTA / CREATION, "creations"),
         f"{number(TABLE_QUOTA)} write units"],
        ["listing of one tenant", " or ".join(listed), f"{SHARDS} shards of the index"],
        ["polls of one tenant", rate(READ_UNITS / poll, "polls"), "one shard of the index"],
        ["a value that every user of a tenant has", rate(WRITE_UNITS / ENTRY_UNITS, "creations"),
         "one partition, until DynamoDB splits it"],
        ["reads of one user", rate(READ_UNITS / sources.units("read a user,").read, "reads"),
         "one partition"],
        ["changes of one user", rate(highest_rate("one user, plain changes"), "changes"),
         "races for its version"],
        ["definitions of one tenant", rate(highest_rate("definitions of one tenant"), "changes"),
         "races for the epoch"],
        ["one e-mail address", f"{SHARING} users; {address}", "limit of the set; races for its item"],
        ["change requests of one tenant", rate(WRITE_UNITS / 2, "requests with their decisions"),
         "one partition of the index"],
        ["erasures of all tenants", rate(WRITE_UNITS / SWEEP_UNITS, "erasures"),
         "one partition of the index"],
        ["failed authentications from one address", f"{ADDRESS_FAILURES} a minute", "limit, then 429"],
        ["change events of one partition", rate(stream, "events"), "one call at a time"],
        ["change events of an account", rate(BUS_EVENTS, "events"), "quota of EventBridge"],
        ["recomputation of each tenant each minute", f"{number(most_tenants())} tenants",
         f"{BUDGET} s of the sweeper"],
        ["tenants, and clients, that one process remembers", f"{number(CACHED)} in {CACHE_SECONDS} s",
         "its cache"],
    ]
    return tables.table(["what", "stops at", "because of"], rows)


def hot_table():
    rows = []
    for load in (0.8, 1.0, 1.1, 1.25, 1.5, 2.0):
        single = simulation.throttled(load * WRITE_UNITS, 1, False, seed=1)
        both = simulation.throttled(load * WRITE_UNITS / 2, 2, True, seed=2)
        cells = [cell for share, wait in (single, both) for cell in (percent(share), seconds(wait))]
        rows.append([number(load * WRITE_UNITS), *cells])
    head = ["write units a second", "single writes: 503", "slowest 1 % wait", "transactions: 503",
            "slowest 1 % wait"]
    return tables.table(head, rows)


def race_table(head, results):
    rows = []
    for name, row in results:
        cells = [f"{percent(share)}, {most}, {seconds(time)}" for share, most, time in row]
        rows.append([name, *cells])
    return tables.table([head, *RACES], rows)


def rates_table():
    return race_table("writes a second", [(rate, [steady(race, rate) for race in RACES]) for rate in RATES])


def at_once_table():
    def result(race, count):
        return simulation.race([0.0] * count, count, **RACES[race])

    results = [(count, [result(race, count) for race in RACES]) for count in AT_ONCE]
    return race_table("writes at once", results)


def address_table():
    rows = [[users, units_of_address(users)] for users in (1, 20, 50, SHARING)]
    return tables.table(["users of the address", "write units for the address when one joins"], rows)


def definitions_table():
    rows = []
    for count in (20, 200, 1000):
        units = math.ceil(count * DEFINITION_BYTES / 4096) + 1
        rows.append([count, units, number(READ_UNITS * CACHE_SECONDS / units)])
    head = ["definitions of a tenant", "read units of a load", "instances that may load within 30 s"]
    return tables.table(head, rows)


def issuer_table():
    rows = []
    for tenants in (10, 1000, 10_000):
        units = math.ceil(tenants * TRUST_BYTES / 4096)
        rows.append([number(tenants), units, number(READ_UNITS * CACHE_SECONDS / units)])
    head = ["tenants that trust one issuer", "read units of a look", "instances that may look every 30 s"]
    return tables.table(head, rows)


def import_table():
    rows = []
    part = math.ceil(PART_BYTES / 1024)
    for megabytes in (1, 2, 3, 4):
        count = math.ceil(megabytes * 1024 * 1024 / PART_BYTES)
        runs = [simulation.stored([part] * count, STORED_AT_ONCE, 0, seed) for seed in range(100)]
        longest = max(time for time in runs if time is not None)
        refused = percent(runs.count(None) / len(runs))
        rows.append([megabytes, count, number(part * count), f"{longest:.1f} s", refused])
    head = ["MB of rows", "parts", "write units", "stored within", "503"]
    return tables.table(head, rows)


def stream_table():
    rows = []
    for rate in (100, 300, 400, 500, 700, 1000):
        late = [simulation.backlog(rate, minutes * 60, BATCH, batch_seconds) for minutes in (1, 10)]
        rows.append([rate, *map(seconds, late)])
    head = ["changes a second in one partition", "late after 1 minute", "after 10 minutes"]
    return tables.table(head, rows)


def sweeper_table():
    rows = []
    for tenants in (100, 1000, 3000, 5000, 10_000):
        turns, minutes = sweeps(tenants)
        rows.append([
            number(tenants),
            f"{max(turns.values()):.0f} s",
            number(len(turns)),
            f"{minutes} minute{'s' if minutes > 1 else ''}",
        ])
    head = ["tenants", "one call looks for", "at so many tenants", "a tenant's turn comes within"]
    return tables.table(head, rows)


def all_tables():
    return {
        "limits: summary": summary_table(),
        "limits: hot": hot_table(),
        "limits: rates": rates_table(),
        "limits: at once": at_once_table(),
        "limits: address": address_table(),
        "limits: definitions": definitions_table(),
        "limits: issuer": issuer_table(),
        "limits: imports": import_table(),
        "limits: stream": stream_table(),
        "limits: sweeper": sweeper_table(),
    }


if __name__ == "__main__":
    tables.main(PAGE, all_tables())
