#!/usr/bin/python3
"""Upgrades copies of the golden stores with the program, and opens every row of them with the reader
of docs/spec, which knows the format of now only.

    golden_stores_test.py PATH_OF_ROWSEAL          Exits 77 where python3-cryptography is missing.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import cryptography  # noqa: F401  (the reader needs it)
except ImportError:
    print("skipped: python3-cryptography is not installed")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
READER = os.path.join(ROOT, "docs", "spec", "reference_reader.py")
STORES = sorted(glob.glob(os.path.join(ROOT, "tests", "golden_stores", "format_*")))
ROWSEAL = ""
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ROWSEAL_")}
CLEAN["ROWSEAL_STATE"] = "none"  # older copies are put in place on purpose


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


class GoldenStore:
    """A copy of a golden store, with what its rows must open to."""

    def __init__(self, original, folder):
        self.path = os.path.join(folder, "secrets.db")
        self.root = os.path.join(folder, "root.key")
        self.values = os.path.join(original, "values.jsonl")
        for path in (self.path, self.root):
            shutil.copy(os.path.join(original, os.path.basename(path)), path)
            os.chmod(path, 0o600)
        wanted = []
        for name in ("secrets.jsonl", "values.jsonl"):
            with open(os.path.join(original, name), encoding="utf-8") as file:
                wanted += lines_of(file.read())
        self.wanted = sorted(map(self.key, wanted))

    @staticmethod
    def key(line):
        return (line["project"], line.get("name", ""), line.get("version", 0),
                line.get("label", ""), line.get("row_key", []), line["size"], line["sha256"])

    def read(self):
        """What the reader opens: its status, messages and sorted lines."""
        done = subprocess.run([sys.executable, READER, "--store", self.path, "--root-key-file",
                               self.root, "--values", self.values], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        return (done.returncode, done.stderr.decode(),
                sorted(map(self.key, lines_of(done.stdout.decode()))))

    def rowseal(self, *arguments):
        done = subprocess.run(
            [ROWSEAL, *arguments, "--store", "sqlite:" + self.path, "--root", "file:" + self.root],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


class GoldenStoresTest(unittest.TestCase):
    def setUp(self):
        self.assertTrue(STORES)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def each(self):
        for original in STORES:
            name = os.path.basename(original)
            folder = os.path.join(self.folder.name, name)
            os.mkdir(folder)
            with self.subTest(name):
                yield GoldenStore(original, folder)

    def test_ReaderOpensEveryRowAfterTheUpgradeAndARotation(self):
        for store in self.each():
            status, messages, lines = store.read()
            self.assertEqual((status, lines), (7, []))
            self.assertIn("`rowseal upgrade`", messages)
            self.assertEqual(store.rowseal("upgrade")[0], 0)
            self.assertEqual(store.read(), (0, "", store.wanted))
            self.assertEqual(store.rowseal("dek", "rotate", "--all")[0], 0)
            self.assertEqual(store.rowseal("kek", "rotate")[0], 0)
            self.assertEqual(store.read(), (0, "", store.wanted))

    def test_ProgramRefusesItUntilItIsUpgraded(self):
        for store in self.each():
            status, out, messages = store.rowseal("verify")
            self.assertEqual((status, out), (7, ""))
            self.assertIn("has format ", messages)
            self.assertIn("rowseal upgrade", messages)
            self.assertIn("rowseal upgrade", store.rowseal("doctor")[1])
            status, out, messages = store.rowseal("upgrade", "--json")
            self.assertEqual((status, messages), (0, ""))
            self.assertGreater(json.loads(out)["steps"], 0)
            self.assertEqual(json.loads(store.rowseal("upgrade", "--json")[1])["steps"], 0)
            status, out, _ = store.rowseal("verify", "--json")
            self.assertEqual((status, json.loads(out)["failures"]), (0, []))


if __name__ == "__main__":
    ROWSEAL = sys.argv.pop(1)
    unittest.main()
