#!/usr/bin/python3
"""Runs golden cases of the command-line program: transcripts that read like a terminal's.

A case is a file of commands and what they answer:

    # a comment
    $ printf CANARY-1 | rowseal secret put acme A
    A version 1
    $ rowseal secret get acme B
    ! rowseal: error: there is no secret 'B' in project 'acme'
    ? 3

`$ ` begins a command, `> ` goes on with it; it runs under `sh -c` in a folder of its own, with the
program on PATH. The lines behind are what it wrote: to stdout as they are, to stderr behind `! `, and
`? N` is its exit status where that is not 0. `\\` at the end of a line of stdout says that no newline
follows; a line that would be taken for something else stands behind `| `. Ids, times and the like are
replaced by words such as <uuid>.

Afterwards, no plaintext may be anywhere it should not: every plaintext in a case holds the word CANARY,
which must not be in the store's files, nor in what went to stderr, as it is, in hexadecimal or in base64.

Usage: run_golden.py --rowseal PROGRAM [--update] CASE…
"""

import argparse
import base64
import difflib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CANARY = b"CANARY"
TIMEOUT_SECONDS = 120

NORMALISE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "<now>"),
    (re.compile(r"\b[0-9.]+ ms\b"), "<duration>"),
    (re.compile(r'"milliseconds":[0-9.e-]+'), '"milliseconds":<number>'),
    (re.compile(r"(fingerprint |found |\"fingerprint\":\")[0-9a-f]{8}\b"), r"\1<fingerprint>"),
    (re.compile(r"rs1\.[A-Za-z0-9_-]+"), "rs1.<sealed>"),
)
# The machine may refuse to lock memory; that warning is no part of what a case is about.
IGNORED = re.compile(r"rowseal: \[warning\] .*(secret memory|memory that held secrets).*\n")


class Command:
    """A command with the lines that a case expects of it."""

    def __init__(self, text, line):
        self.text = text
        self.line = line
        self.expected = []


def parse(text):
    """Returns the parts of a case: strings (comments, blank lines) and Commands."""
    parts = []
    for number, line in enumerate(text.splitlines(), start=1):
        last = parts[-1] if parts and isinstance(parts[-1], Command) else None
        if line.startswith("$ "):
            parts.append(Command(line[2:], number))
        elif line.startswith("> ") and last:
            last.text += "\n" + line[2:]
        elif line.startswith("#") or not line:
            parts.append(line)
        elif last:
            last.expected.append(line)
        else:
            raise SystemExit(f"line {number}: an answer without a command")
    return parts


def normalise(text, folder):
    text = text.replace(str(folder), "<dir>")
    for pattern, word in NORMALISE:
        text = pattern.sub(word, text)
    return text


def quote(line):
    """Marks a line of stdout that a case's notation would take for something else."""
    return "| " + line if not line or line.startswith(("#", "$ ", "> ", "! ", "? ", "| ")) else line


def answer_lines(process, folder):
    """Returns a finished process's answer in the notation of a case."""
    out = normalise(process.stdout.decode("utf-8", "backslashreplace"), folder)
    out = IGNORED.sub("", out)  # a case may show a terminal
    lines = []
    if out:
        lines = [quote(line) for line in out.removesuffix("\n").split("\n")]
        lines[-1] += "" if out.endswith("\n") else "\\"
    err = normalise(process.stderr.decode("utf-8", "backslashreplace"), folder)
    lines += ["! " + line for line in IGNORED.sub("", err).splitlines()]
    if process.returncode != 0:
        lines.append(f"? {process.returncode}")
    return lines


def base64_forms():
    """Returns the part of the canary's base64 that its neighbours do not change, for each alignment."""
    forms = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + CANARY)
        whole = text.rstrip(b"=")
        forms.append(whole[(8 * shift + 5) // 6 : len(CANARY) * 8 // 6])
    return forms


def leaks(folder, stderr):
    """Yields where plaintext stands that should not."""
    plain_forms = [CANARY, CANARY.hex().encode()]
    if any(form in stderr for form in plain_forms + base64_forms()):
        yield "stderr"
    for path in sorted(folder.glob("*store.db*")):
        content = path.read_bytes()
        if any(form in content for form in plain_forms):
            yield path.name


def run_command(command, folder, environment):
    """Runs a command; one that takes too long is ended with all it started, and fails."""
    with subprocess.Popen(
            ["sh", "-c", command.text], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += b"ended after %d seconds\n" % TIMEOUT_SECONDS
        return subprocess.CompletedProcess(command.text, process.returncode, out, err)


def make_environment(folder, program):
    tools = folder / ".tools"
    tools.mkdir()
    (tools / "rowseal").symlink_to(program)
    (tools / "on-terminal").symlink_to(HERE / "on_terminal.py")
    return {
        "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ROWSEAL_STORE": "sqlite:store.db",
        "ROWSEAL_ROOT": "file:root.key",
    }


def run_case(path, program):
    """Runs a case; returns its text with the actual answers, and what leaked."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rowseal-golden-")).resolve()
    try:
        environment = make_environment(folder, program)
        lines, stderr = [], b""
        for part in parse(path.read_bytes().decode("utf-8")):
            if isinstance(part, str):
                lines.append(part)
                continue
            process = run_command(part, folder, environment)
            stderr += process.stderr
            lines.append("$ " + part.text.replace("\n", "\n> "))
            lines += answer_lines(process, folder)
        return "\n".join(lines) + "\n", list(leaks(folder, stderr))
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", str(folder)], check=False)
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rowseal", required=True, type=pathlib.Path)
    parser.add_argument("--update", action="store_true", help="write what the program answers")
    parser.add_argument("cases", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    program = arguments.rowseal.resolve()
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is no program")

    failed = False
    for case in arguments.cases:
        expected = case.read_bytes().decode("utf-8")
        actual, leaked = run_case(case, program)
        if leaked:
            failed = True
            print(f"{case.name}: plaintext stands in {', '.join(leaked)}")
        if arguments.update:
            case.write_text(actual, encoding="utf-8")
        elif actual != expected:
            failed = True
            sys.stdout.writelines(difflib.unified_diff(
                expected.splitlines(True), actual.splitlines(True), str(case), "what it answered"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
