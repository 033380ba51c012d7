"""A small model of the table's limits: partitions with a rate, callers who try again as the store
does, and writers who race for one item. Deterministic: each run has a seed of its own.

The model is pessimistic: a partition saves one second of unused capacity by default. DynamoDB may
save up to five minutes of it, which nobody can count on.
"""

import heapq
import itertools
import random
from collections import deque

import sources

RETRY = "shared/src/store/retry.rs"
TABLE = "shared/src/store/table.rs"

# What one partition of the table or of an index serves in a second (Amazon DynamoDB Developer Guide,
# "Best practices for designing and using partition keys").
WRITE_UNITS, READ_UNITS = 1000, 3000

# Seconds that an operation takes: assumed, as DynamoDB usually answers.
READ, PUT, TRANSACTION = 0.004, 0.006, 0.010

# How the SDK and the store try again.
SDK_TRIES = int(sources.setting(TABLE, r"with_max_attempts\((\d+)\)"))
SDK_WAIT = int(sources.setting(TABLE, r"with_initial_backoff\(Duration::from_millis\((\d+)\)")) / 1000
SDK_LONGEST = int(sources.setting(TABLE, r"with_max_backoff\(Duration::from_millis\((\d+)\)")) / 1000
TURNS = int(sources.setting("shared/src/store/commit.rs", r"for turn in 1\.\.=(\d+)"))
PAUSE = int(sources.setting(TABLE, r"let most = (\d+)_u64 <<")) / 1000
LONGEST_SHIFT = int(sources.setting(TABLE, r"attempt\.min\((\d+)\)")) - 1
CONTENDED_TRIES = sources.constant(RETRY, "ATTEMPTS")


def pause(chance, attempt):
    """`Table::pause`."""
    return chance.uniform(0.001, PAUSE * 2 ** min(attempt - 1, LONGEST_SHIFT))


def waits(chance, transaction):
    """The times between the tries of one throttled write, until the store gives up: the SDK tries a
    single write again by itself, a transaction that DynamoDB cancels it does not."""
    for turn in range(1, TURNS + 1):
        for attempt in range(0 if transaction else SDK_TRIES - 1):
            yield PUT + chance.random() * min(SDK_WAIT * 2**attempt, SDK_LONGEST)
        if turn < TURNS:
            yield (TRANSACTION if transaction else PUT) + pause(chance, turn)


class Partition:
    """A partition with a rate in units a second, and saved units."""

    def __init__(self, units=WRITE_UNITS, saved=0):
        self.units, self.most, self.at = units, units + saved, 0.0
        self.left = self.most

    def takes(self, now, units):
        self.left = min(self.most, self.left + (now - self.at) * self.units)
        self.at = now
        if self.left < min(units, self.units):
            return False
        self.left -= units
        return True


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def throttled(rate, units, transaction, seed, seconds=8):
    """Writes that come at random to one partition: the share that is refused in the end, and how long
    the slowest hundredth of the others waited."""
    chance, partition, order = random.Random(seed), Partition(), itertools.count()
    partition.left = 0
    events, now = [], 0.0
    while now < seconds:
        now += chance.expovariate(rate)
        heapq.heappush(events, (now, next(order), now, waits(chance, transaction)))
    refused, waited = 0, []
    while events:
        now, _, came, more = heapq.heappop(events)
        if partition.takes(now, units):
            waited.append(now - came)
        elif (wait := next(more, None)) is None:
            refused += 1
        else:
            heapq.heappush(events, (now + wait, next(order), came, more))
    return refused / (refused + len(waited)), percentile(waited, 0.99)


def race(starts, seed, *, reads, commit, conflicts):
    """Writers of one item: each reads it (unless `reads` is false) and writes it if no other writer
    did meanwhile. Transactions that overlap conflict. The share that gives up, the most attempts of
    one writer, and the time of the slowest hundredth."""
    chance, order = random.Random(seed), itertools.count()
    version, busy_until = 0, 0.0
    events = [(start, next(order), "begin", start, 1, 0) for start in starts]
    heapq.heapify(events)
    gave_up, most, times = 0, 0, []
    while events:
        now, _, step, came, attempt, seen = heapq.heappop(events)
        most = max(most, attempt)
        again = False
        if step == "begin":
            after = now + (READ if reads else 0)
            heapq.heappush(events, (after, next(order), "commit", came, attempt, version))
        elif step == "commit":
            if conflicts and now < busy_until:
                again = True
            else:
                if conflicts:
                    busy_until = now + commit
                heapq.heappush(events, (now + commit, next(order), "end", came, attempt, seen))
        elif reads and seen != version:
            again = True
        else:
            version += 1
            times.append(now - came)
        if again and attempt >= CONTENDED_TRIES:
            gave_up += 1
        elif again:
            after = now + pause(chance, attempt)
            heapq.heappush(events, (after, next(order), "begin", came, attempt + 1, 0))
    return gave_up / len(starts), most, percentile(times, 0.99)


def arrivals(rate, seconds, seed):
    chance, now, found = random.Random(seed), 0.0, []
    while now < seconds:
        now += chance.expovariate(rate)
        found.append(now)
    return found


def backlog(rate, seconds, batch, batch_seconds):
    """How late the last event of one shard is after so many seconds of changes of different users,
    which come evenly."""
    published, now, late = 0, 0.0, 0.0
    while now < seconds:
        waiting = int(now * rate) - published
        if waiting <= 0:
            now = (published + 1) / rate + 1e-9
            continue
        some = min(batch, waiting)
        now += batch_seconds(some)
        published += some
        late = now - published / rate
    return late


THROTTLED_ATTEMPTS = sources.constant("shared/src/store/imports.rs", "THROTTLED_ATTEMPTS")
STORING_SECONDS = sources.constant("shared/src/store/imports.rs", "STORING_SECONDS")


def waits_of_a_part(chance):
    """The waits between the attempts to store a part of an import."""
    for attempt in range(1, THROTTLED_ATTEMPTS + 1):
        yield from waits(chance, transaction=False)
        if attempt < THROTTLED_ATTEMPTS:
            yield pause(chance, attempt)


def stored(parts, at_once, saved, seed):
    """The parts of one import under one partition key, some at a time: the time until they are stored,
    `None` if the store gives up one of them."""
    chance, partition, order = random.Random(seed), Partition(saved=saved), itertools.count()
    left, events, now = deque(parts), [], 0.0

    def begin(at):
        heapq.heappush(events, (at, next(order), left.popleft(), waits_of_a_part(chance)))

    for _ in range(min(at_once, len(left))):
        begin(0.0)
    while events:
        now, _, units, more = heapq.heappop(events)
        if partition.takes(now, units):
            if left:
                begin(now + PUT)
        elif now > STORING_SECONDS or (wait := next(more, None)) is None:
            return None
        else:
            heapq.heappush(events, (now + wait, next(order), units, more))
    return now


class Sweeper:
    """The reads of the sweeper for its tenants, and the schemas that its process remembers
    (`shared/src/app/cache.rs`)."""

    CACHED = sources.constant("shared/src/app/cache.rs", "MAX_CACHED")
    YOUNG = sources.constant("shared/src/app/cache.rs", "CACHE_SECONDS")
    BUDGET = sources.constant("functions/sweeper/src/lib.rs", "BUDGET_SECONDS")
    GOLDEN_RATIO = sources.constant("functions/sweeper/src/lib.rs", "GOLDEN_RATIO")

    def __init__(self, tenants):
        self.tenants, self.cache = list(range(tenants)), {}

    def remember(self, tenant, now):
        # The dictionary is in the order of the times.
        self.cache.pop(tenant, None)
        while len(self.cache) >= self.CACHED and now - next(iter(self.cache.values())) >= self.YOUNG:
            del self.cache[next(iter(self.cache))]
        if len(self.cache) < self.CACHED:
            self.cache[tenant] = now

    def sweep(self, minute):
        """The tenants whose turn it was in this minute, each with the seconds after which it was over."""
        now, started = minute * 60.0, minute * 60.0
        first = (minute * self.GOLDEN_RATIO % 2**64 * len(self.tenants)) >> 64
        turns = {}
        for tenant in self.tenants[first:] + self.tenants[:first]:
            if now - started >= self.BUDGET:
                break
            # The epoch and the state of the recomputation; all definitions of a tenant besides if the
            # process does not remember them.
            now += (2 if tenant in self.cache else 3) * READ
            self.remember(tenant, now)
            turns[tenant] = now - started
        return turns
