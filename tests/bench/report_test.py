#!/usr/bin/python3
"""Runs every measure of the benchmarks at tiny counts and looks at the report. No figure is judged:
a machine that runs tests is no machine to measure on.

    report_test.py BUILD_FOLDER     which holds rowseal_bench and rowseal
"""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
from report import Row, beside, best, repeated  # noqa: E402

BUILD = ""


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bench.json")
            cls.table = subprocess.run(
                [sys.executable, os.path.join(ROOT, "bench", "report.py"), "--smoke", BUILD, path],
                check=True, stdout=subprocess.PIPE, text=True).stdout
            with open(path, encoding="utf-8") as file:
                cls.report = json.load(file)

    def test_EveryLimitHasItsEntry(self):
        self.assertEqual(sorted(self.report), ["commit", "machine", "rows"])
        names = collections.Counter(row["row"].split()[0] for row in self.report["rows"])
        with_addon = os.path.exists(os.path.join(BUILD, "node", "rowseal.node"))
        self.assertEqual(names, {"seal": 2, "open": 2, "threads": 2, "cli-get": 1, "kek-rotate": 4,
                                 "pg-get": 1, "pg-put": 1, "pg-concurrent": 1,
                                 "migrate-value": 2, "migrate-move": 1,
                                 **({"node-open": 1, "node-loop": 1} if with_addon else {})})

    def test_EveryEntryHasItsFieldsAndANumber(self):
        for row in self.report["rows"]:
            self.assertEqual(list(row), ["row", "measured", "unit", "baseline", "ratio", "limit",
                                         "met"])
            self.assertGreater(row["measured"], 0, row)
            self.assertGreater(row["limit"], 0, row)
            if row["row"].startswith(("cli-get", "kek-rotate", "migrate-value memory")):
                self.assertIsNone(row["baseline"], row)
            elif shutil.which("node") or "node:crypto" not in row["row"]:
                self.assertAlmostEqual(row["ratio"], row["measured"] / row["baseline"], msg=row)
                self.assertIn(row["met"], (True, False), row)

    def test_TableShowsEveryRowAndWhatHasNoLimit(self):
        names = [line.split()[0] for line in self.table.splitlines()]
        for name in ("seal", "open", "threads", "cli-get", "kek-rotate", "get", "put", "reseal"):
            self.assertIn(name, names)

    def test_TableShowsMedianAndBestOfWhatIsRepeated(self):
        lines = self.table.splitlines()
        columns = ("median", "best", "baseline", "ratio", "limit")
        self.assertEqual(tuple(lines[0].split()[1:]), columns)
        best_ends = lines[0].index("best") + len("best")
        for line in lines[1:]:
            if line.split()[0] in ("seal", "open", "threads", "cli-get", "kek-rotate", "get", "pg-get"):
                if " p99" not in line:
                    self.assertRegex(line[:best_ends].split()[-1], r"^[0-9.e+-]*[0-9]$", line)


class RowTest(unittest.TestCase):
    """The test of the test: a missed limit must show."""

    def test_LimitsBoundWhatTheySay(self):
        self.assertTrue(beside("seal", 124, "ns", 100, 1.25).met)
        self.assertFalse(beside("seal", 126, "ns", 100, 1.25).met)
        self.assertFalse(beside("threads", 1.8, "x", 1.9, 0.95, at_least=True).met)
        self.assertTrue(beside("threads", 1.9, "x", 1.9, 0.95, at_least=True).met)
        self.assertFalse(Row("cli-get", 26, "ms", 25).met)

    def test_WhatHasNoLimitOrNoYardstickIsNotMet(self):
        self.assertIsNone(Row("get", 1, "us").met)
        self.assertIsNone(beside("seal", 124, "ns", None, 0.1).met)

    def test_MeasuredIsTheMedianAndJudged(self):
        row = repeated("cli-get", [0.001] * 50 + [0.030] * 51, "ms", limit=25)
        self.assertAlmostEqual(row.measured, 30)
        self.assertAlmostEqual(row.best, 1)
        self.assertFalse(row.met)

    def test_BestIsTheMeanOfTheBestFiftieth(self):
        self.assertEqual(best([3, 1, 2]), 1)
        self.assertEqual(best(list(range(100))), 0.5)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
