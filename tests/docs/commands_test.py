#!/usr/bin/python3
"""Runs every command that README.md and docs/ show, as a reader would type them: all blocks of one
page in one shell, in a fresh folder, with the built program on PATH.

    commands_test.py PATH_OF_ROWSEAL [PAGE…]

A block of ```sh is a script: each of its lines must succeed. A block of ```console shows a session:
lines that begin with `$ ` are commands (`> ` continues one), and what stands under a command is its
output, stdout and stderr together as a terminal shows them. `…` in a line of output stands for any
text, a line of `…` alone for any lines. Every command must succeed; one that shall fail says so
itself: `rowseal … || echo "exit $?"`.

A block whose first line is ```sh skip: WHY is not run, and the test says so. A page that says
`<!-- beside a PostgreSQL server -->` is run beside one, which PGHOST, PGPORT and PGUSER name.
"""
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from doc_files import ROOT, blocks, documents, shown  # noqa: E402
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from postgres_server import PostgresServer  # noqa: E402

SERVER_MARK = "<!-- beside a PostgreSQL server -->"

ROWSEAL = ""
PAGES = []
TIMEOUT = 120  # seconds a page


class Command:
    def __init__(self, line, text, expected):
        self.line = line
        self.text = text
        self.expected = expected  # None: a script, whose output is not shown


def commands_of(path):
    """Returns the commands of a page and, for each skipped block, why."""
    commands, skipped = [], []
    for block in blocks(path):
        if block.language not in ("sh", "console"):
            continue
        if block.rest.startswith("skip:"):
            skipped.append("%s:%d: %s" % (shown(path), block.line, block.rest[5:].strip()))
        elif block.language == "sh":
            commands.append(Command(block.line, "\n".join(block.lines), None))
        else:
            commands += session(path, block)
    return commands, skipped


def session(path, block):
    commands = []
    for number, line in enumerate(block.lines, block.line):
        if line.startswith("$ "):
            commands.append(Command(number, line[2:], []))
        elif not commands:
            raise ValueError("%s:%d: output before any command" % (shown(path), number))
        elif line.startswith("> ") and not commands[-1].expected:
            commands[-1].text += "\n" + line[2:]
        else:
            commands[-1].expected.append(line.rstrip())
    return commands


def script_of(commands, mark):
    """One shell runs them all; a line with `mark` says which command begins and how each ended."""
    parts = ["exec 2>&1 </dev/null"]
    for index, command in enumerate(commands):
        setting = "set -e\n" if command.expected is None else ""
        # A script's `set -e` must not end the session: its status is taken in a function.
        parts.append("printf '\\n%s begin %d\\n'" % (mark, index))
        if setting:
            parts.append("set -e\n%s\nset +e\nprintf '\\n%s end 0\\n'" % (command.text, mark))
        else:
            parts.append("%s\nprintf '\\n%s end %%d\\n' $?" % (command.text, mark))
    return "\n".join(parts) + "\n"


@contextlib.contextmanager
def server_for(path):
    """Gives what a page's commands need of the environment: its server, if it asks for one."""
    with open(path, encoding="utf-8") as page:
        needs_server = SERVER_MARK in page.read()
    if not needs_server:
        yield {}
        return
    with PostgresServer() as server:
        server.run("CREATE ROLE app LOGIN CREATEROLE CREATEDB")
        yield server.environment("app")


def run(commands, folder, more_environment):
    """Returns for each command that began its status (None: the shell ended in it) and output."""
    mark = "@@rowseal-docs@@"
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("ROWSEAL_")}
    environment["PATH"] = os.path.dirname(ROWSEAL) + ":" + environment["PATH"]
    environment["LC_ALL"] = "C.UTF-8"
    environment["HOME"] = os.path.join(folder, ".home")
    environment.update(more_environment)
    shell = subprocess.Popen(["bash", "-c", script_of(commands, mark)], cwd=folder,
                             env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             start_new_session=True)
    try:
        said, _ = shell.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:  # the command that hangs is the last one that began
        os.killpg(shell.pid, signal.SIGKILL)
        said, _ = shell.communicate()
    text = said.decode("utf-8", errors="replace")
    results = []
    for piece in text.split("\n%s begin " % mark)[1:]:
        _, _, rest = piece.partition("\n")
        output, _, end = rest.rpartition("\n%s end " % mark)
        if end.strip().isdigit():
            results.append((int(end), output))
        else:
            results.append((None, rest))
    return results


def matches(expected, output):
    """Tells whether the output is what the page shows, with its `…`. Columns are as wide as their
    widest cell, so several spaces are as good as one."""
    lines = [re.sub(" +", " ", line).rstrip() for line in output.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    pattern = ""
    for line in expected:
        if line in ("…", "..."):
            pattern += "(?:[^\n]*\n)*?"
        else:
            line = re.sub(" +", " ", line)
            pattern += ".*?".join(re.escape(part) for part in line.split("…")) + "\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in lines)) is not None


class CommandsTest(unittest.TestCase):
    def test_EveryShownCommandDoesWhatThePageSays(self):
        ran = 0
        for path in PAGES:
            commands, skipped = commands_of(path)
            for why in skipped:
                print("not run: " + why)
            if not commands:
                continue
            with self.subTest(page=shown(path)), tempfile.TemporaryDirectory() as folder, \
                    server_for(path) as environment:
                os.symlink(os.path.join(ROOT, "docs"), os.path.join(folder, "docs"))
                ran += len(commands)
                self.check(path, commands, run(commands, folder, environment))
        if len(PAGES) > 1:
            self.assertGreater(ran, 40, "the pages show fewer commands than they must")

    def check(self, path, commands, results):
        for command, (status, output) in zip(commands, results):
            where = "%s:%d: %s" % (shown(path), command.line, command.text)
            self.assertEqual(status, 0, "%s\nended with %s and said:\n%s" % (where, status, output))
            if command.expected is not None:
                self.assertTrue(matches(command.expected, output),
                                "%s\nshould say:\n%s\nand said:\n%s" %
                                (where, "\n".join(command.expected), output))
        self.assertEqual(len(results), len(commands), shown(path) + ": the shell ended early")


class MatchingTest(unittest.TestCase):
    """The test of the test: it must be able to fail."""

    def test_EllipsisStandsForTextAndLines(self):
        self.assertTrue(matches(["a … c", "…", "end"], "a b c\n1\n2\nend\n"))
        self.assertTrue(matches([], "\n"))
        self.assertFalse(matches([], "something\n"))
        self.assertFalse(matches(["a"], "ab\n"))
        self.assertFalse(matches(["a", "b"], "a\n"))
        self.assertFalse(matches(["a.c"], "abc\n"))

    def test_FailuresAreSeen(self):
        with tempfile.TemporaryDirectory() as folder:
            results = run([Command(1, "echo one; false", []), Command(2, "false\ntrue", None),
                           Command(3, "true", [])], folder, {})
        self.assertEqual(results[0], (1, "one\n"))
        self.assertEqual([status for status, _ in results[1:]], [None])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ROWSEAL = os.path.abspath(sys.argv[1])
    PAGES = [os.path.abspath(page) for page in sys.argv[2:]] or documents()
    if shutil.which("sqlite3") is None or importlib.util.find_spec("cryptography") is None:
        print("skipped: the pages use sqlite3 and python3-cryptography; one is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
