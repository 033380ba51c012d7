"""Tests of the estimates' parts. That the pages are up to date is checked by tests/docs/check.py."""

import unittest

import costs
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
        # 52 sign-ins of 3 write units, a tenth of one of 14.
        self.assertAlmostEqual(loads["sign-ins"].writes, people * (156 + 1.4))
        self.assertAlmostEqual(loads["synchronisation"].reads, 0)

    def test_the_table_of_costs_is_consistent(self):
        self.assertEqual(list(costs.wrong_dollars()), [])


class Sources(unittest.TestCase):
    def test_a_row_is_found_by_the_start_of_its_name(self):
        self.assertEqual(sources.units("read a user,").read, 1)
        self.assertEqual(sources.units("later sign-in", 1).write, 3)
        self.assertEqual(sources.units("forget a user").write, 15)

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
