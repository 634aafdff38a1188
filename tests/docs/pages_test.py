#!/usr/bin/python3
"""Compares pages with what they speak of: the table of error codes with the code, the list of
requirements with its ids, and every relative link with the file it names."""
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from doc_files import ROOT, documents, shown  # noqa: E402


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def table_rows(text):
    """Returns the cells of each row of the page's tables, headers and rulers left out."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and not set(line) <= set("|-: "):
            rows.append(cells)
    return rows


class ErrorsTest(unittest.TestCase):
    def test_PageListsExactlyTheCodesOfTheTable(self):
        source = re.findall(r'CodeRow\{ErrorCode::(k\w+), "(\w+)", (\d)\}',
                            read("src", "base", "error.cpp"))
        declared = re.findall(r"^  (k\w+),", read("include", "rowseal", "error.h"), re.MULTILINE)
        self.assertGreater(len(source), 10)
        self.assertEqual([code for code, _, _ in source], declared)
        page = [cells for cells in table_rows(read("docs", "errors.md"))
                if re.fullmatch(r"`k\w+`", cells[0])]
        self.assertEqual([(cells[0].strip("`"), cells[1].strip("`"), cells[2]) for cells in page],
                         source)
        for cells in page:
            self.assertEqual(len(cells), 5, cells)
            self.assertGreater(min(len(cells[3]), len(cells[4])), 15, cells)

    def test_PageGivesEveryExitStatusItsMeaning(self):
        page = read("docs", "errors.md")
        statuses = [cells[0] for cells in table_rows(page) if re.fullmatch(r"[0-9]", cells[0])]
        self.assertEqual(statuses, ["0", "1", "2", "3", "4", "5", "6", "7"])


class RequirementsTest(unittest.TestCase):
    IDS = ("F1 F2 F3 F4 F5 N1 N2 N3 N4 T1 T2 T3 T4 T5 T6 T7 T8 D1 D2 A1 C1 C2 C3 C4 C5 C6 C7"
           " G1 G2 G3 S1 S2 M1 M2").split()

    def test_EveryRequirementHasOneRowAndAStatus(self):
        rows = [cells for cells in table_rows(read("docs", "requirements.md"))
                if re.fullmatch(r"[A-Z]\d", cells[0])]
        self.assertEqual(sorted(cells[0] for cells in rows), sorted(self.IDS))
        for cells in rows:
            self.assertIn(cells[2], ("met", "in part", "not in this release"), cells[0])


class EvidenceTest(unittest.TestCase):
    def test_EveryTestThatAPageNamesExists(self):
        known = set()
        for top in ("src", "tests"):
            for folder, _, names in os.walk(os.path.join(ROOT, top)):
                for name in names:
                    if name.endswith("_test.cpp"):
                        known |= set(re.findall(
                            r"^(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP)\(\s*(\w+),\s*(\w+)",
                            read(folder, name), re.MULTILINE))
        suites = {suite for suite, _ in known}
        named = 0
        for path in documents():
            with open(path, encoding="utf-8") as file:
                for suite, test in re.findall(r"`([A-Z]\w+)\.([A-Z]\w+|\*)`", file.read()):
                    named += 1
                    if test == "*":
                        self.assertIn(suite, suites, shown(path))
                    else:
                        self.assertIn((suite, test), known, shown(path))
        self.assertGreater(named, 20)


class LinksTest(unittest.TestCase):
    def test_EveryRelativeLinkLeadsToAFile(self):
        broken = []
        for path in documents():
            with open(path, encoding="utf-8") as file:
                text = re.sub(r"```.*?```", "", file.read(), flags=re.DOTALL)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                file_part = target.partition("#")[0]
                if "://" in target or target.startswith("mailto:") or not file_part:
                    continue
                if not os.path.exists(os.path.join(os.path.dirname(path), file_part)):
                    broken.append("%s → %s" % (shown(path), target))
        self.assertEqual(broken, [])


if __name__ == "__main__":
    unittest.main()
