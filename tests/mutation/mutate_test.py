"""Does the mutation harness notice what a test would notice, and name what no test would? It runs over
a project of one file with a good test and one that looks at nothing."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class MutateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            root = os.path.join(folder, "fixture")
            shutil.copytree(os.path.join(HERE, "fixture"), root)
            before = cls.content_of(root)
            ran = subprocess.run(
                [sys.executable, os.path.join(ROOT, "scripts/mutate/main.py"), "--root", root,
                 "--work", os.path.join(folder, "work"), "--seed", "1", "--only", "src"],
                env=dict(os.environ, ROWSEAL_INCLUDE=os.path.join(ROOT, "include")),
                capture_output=True, text=True, check=False)
            cls.status, cls.output, cls.log = ran.returncode, ran.stdout, ran.stderr
            cls.unchanged = before == cls.content_of(root)

    @staticmethod
    def content_of(folder):
        content = {}
        for where, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(where, name), "rb") as file:
                    content[os.path.join(where, name)] = file.read()
        return content

    def outcome_of(self, part):
        lines = [line for line in self.output.splitlines()
                 if part in line and re.match("(noticed|survived) ", line)]
        self.assertEqual(len(lines), 1, self.output + self.log)
        return lines[0].split()[0]

    def test_a_fault_that_a_test_looks_at_is_noticed(self):
        for part in ("CheckSize: `>` becomes `>=`", "CheckSize: `10` becomes one more",
                     "CheckSize: CheckSize does nothing"):
            self.assertEqual(self.outcome_of(part), "noticed")

    def test_a_fault_in_sql_text_is_noticed(self):
        self.assertEqual(self.outcome_of("CountOf: `>` becomes `>=`"), "noticed")
        self.assertEqual(self.outcome_of("CountOf: `WHERE size > $1` is taken as true"), "noticed")

    def test_a_fault_that_nothing_looks_at_survives(self):
        self.assertEqual(self.outcome_of("IsLong: `>` becomes `>=`"), "survived")
        self.assertEqual(self.outcome_of("CountOf: `AND size < 9` is taken as true"), "survived")
        self.assertIn("no test reaches it", self.output)

    def test_a_fault_that_does_not_compile_is_left_out(self):
        self.assertIn("do not compile", self.log)
        self.assertNotIn("SizeOfPair: `Mode::kRead`", self.output)

    def test_a_fault_known_to_change_nothing_is_not_tried(self):
        self.assertIn(" 1 are known to change nothing", self.log)
        self.assertNotIn("Sized: `==` becomes", self.output)

    def test_too_many_survivors_fail(self):
        self.assertEqual(self.status, 1, self.output + self.log)
        self.assertRegex(self.output, r"\d+ of \d+ faults noticed")

    def test_the_sources_stay_as_they_are(self):
        self.assertTrue(self.unchanged)


if __name__ == "__main__":
    unittest.main()
