"""Tests of the estimates' parts. That the pages are up to date is checked by tests/docs/check.py."""

import random
import unittest

import costs
import limits
import simulation
import sources
import tables


class Costs(unittest.TestCase):
    def test_a_price_falls_at_its_bounds(self):
        tiers = [[10, 1.0], [30, 0.5], [0, 0.1]]
        for quantity, expected in ((0, 0), (10, 10), (20, 15), (30, 20), (130, 30)):
            self.assertAlmostEqual(costs.tiered(quantity, tiers), expected)

    def test_services_and_activities_add_up_to_one_bill(self):
        for people in costs.PEOPLE:
            bill = costs.bill(people)
            self.assertAlmostEqual(sum(bill.groups.values()), bill.total)

    def test_a_bill_contains_the_asserted_units_of_each_activity(self):
        people = 1000
        costs.SYSTEMS[people] = costs.PROGRAMS[people] = 0
        self.addCleanup(costs.SYSTEMS.pop, people)
        self.addCleanup(costs.PROGRAMS.pop, people)
        loads = costs.loads(people)
        # 60 reads of one unit, 12 of two, 150 of three.
        self.assertAlmostEqual(loads["reads"].reads, people * (60 + 24 + 450))
        # 52 sign-ins of 3 write units, a tenth of one of 16.
        self.assertAlmostEqual(loads["sign-ins"].writes, people * (156 + 1.6))
        self.assertAlmostEqual(loads["synchronisation"].reads, 0)

    def test_the_table_of_costs_is_consistent(self):
        self.assertEqual(list(costs.wrong_dollars()), [])


class Limits(unittest.TestCase):
    def test_units_of_the_index_are_those_that_a_test_asserts(self):
        asserted = (sources.ROOT / "tests/contract/cost.rs").read_text()
        table, index = limits.CREATION - limits.INDEX_CREATION, limits.INDEX_CREATION
        for row in (
            f'cost(person("els"), None).await, ({table:.1f}, {index:.1f})',
            f"patch(plain).await.is(200).cost(), (1.0, 1.0, {limits.INDEX_CHANGE:.1f})",
            f"is(204).cost(), (4.0, 2.0 + 10.0 + 1.0, 2.0 + {limits.SWEEP_UNITS:.1f})",
        ):
            self.assertIn(row, asserted)

    def test_a_partition_serves_its_units_and_what_it_saved(self):
        partition = simulation.Partition(units=10, saved=5)
        taken = [partition.takes(now, 5) for now in (0.0, 0.0, 0.0, 0.0, 0.4, 0.5, 0.5)]
        self.assertEqual(taken, [True, True, True, False, False, True, False])

    def test_the_store_tries_single_writes_more_often_than_transactions(self):
        chance = random.Random(1)
        self.assertEqual(len(list(simulation.waits(chance, transaction=False))), 5 * 4 - 1)
        self.assertEqual(len(list(simulation.waits(chance, transaction=True))), 4)

    def test_below_its_limit_a_partition_refuses_nobody_and_above_the_excess(self):
        self.assertEqual(simulation.throttled(500, 1, False, seed=1)[0], 0)
        share, _ = simulation.throttled(2000, 1, False, seed=1)
        self.assertAlmostEqual(share, 0.5, delta=0.1)

    def test_a_writer_alone_wins_at_once_and_of_a_crowd_some_give_up(self):
        for race in limits.RACES.values():
            self.assertEqual(simulation.race([0.0], 1, **race)[:2], (0, 1))
        share, most, _ = simulation.race([0.0] * 500, 1, **limits.RACES["definitions of one tenant"])
        self.assertGreater(share, 0)
        self.assertEqual(most, simulation.CONTENDED_TRIES)

    def test_a_backlog_grows_only_beyond_what_one_shard_does(self):
        def a_tenth(_):
            return 0.1

        self.assertLess(simulation.backlog(500, 60, 100, a_tenth), 0.5)
        # 60 seconds of 2000 a second, of which 1000 are published: the last one came 30 seconds ago.
        self.assertAlmostEqual(simulation.backlog(2000, 60, 100, a_tenth), 30, delta=1)

    def test_a_sweeper_remembers_as_many_tenants_as_its_cache_holds(self):
        sweeper = simulation.Sweeper(simulation.Sweeper.CACHED)
        first, second = (max(sweeper.sweep(minute).values()) for minute in range(2))
        self.assertAlmostEqual(first / second, 3 / 2)
        sweeper = simulation.Sweeper(3 * simulation.Sweeper.CACHED)
        sweeper.sweep(0)
        self.assertEqual(len(sweeper.cache), simulation.Sweeper.CACHED)


class Sources(unittest.TestCase):
    def test_a_row_is_found_by_the_start_of_its_name(self):
        self.assertEqual(sources.units("read a user,").read, 1)
        self.assertEqual(sources.units("later sign-in", 1).write, 3)
        self.assertEqual(sources.units("forget a user").write, 17)

    def test_a_row_in_words_a_missing_and_an_ambiguous_one_are_refused(self):
        for start in ("`Idempotency-Key`", "read the moon", "read"):
            with self.assertRaises(LookupError):
                sources.units(start)

    def test_constants_and_parameters_are_read(self):
        self.assertEqual(sources.constant("shared/src/store/keys/partition.rs", "SHARDS"), 16)
        self.assertEqual(sources.parameter("MemorySize"), 512)
        with self.assertRaises(LookupError):
            sources.constant("shared/src/store/keys/partition.rs", "NOTHING")


class Tables(unittest.TestCase):
    PAGE = "# Page\n\n<!-- a -->\n\n| old |\n|---|\n\n<!-- end -->\n\nText.\n"

    def test_a_table_goes_into_its_place_and_nowhere_else(self):
        content = tables.table(["x"], [["1"]])
        page = tables.filled(self.PAGE, {"a": content})
        self.assertEqual(page, self.PAGE.replace("| old |\n|---|", "| x |\n|---|\n| 1 |"))
        self.assertEqual(tables.filled(page, {"a": content}), page)
        with self.assertRaises(LookupError):
            tables.filled(page, {"b": content})

    def test_numbers_are_as_exact_as_needed(self):
        for value, text in ((0, "0"), (1234.5, "1 234"), (47.66, "47.7"), (3.0, "3"), (0.09, "0.09"),
                            (0.004, "0.004")):
            self.assertEqual(tables.number(value), text)


if __name__ == "__main__":
    unittest.main()
