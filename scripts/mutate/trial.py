"""Runs the tests: once to learn which reaches which fault, then for each fault those that reach it."""
import collections
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import tempfile
import time

from workspace import PROGRAMS

# Seconds of tests (as they take without a fault) that one fault may cost.
MOST_SECONDS = 120
CHUNKS = (4, 20, MOST_SECONDS)
SLOWEST_TEST = 60


class Suite:
    """One of our test programs with an environment, and the tests of it that run so."""

    def __init__(self, name, program, environment, tests):
        self.name, self.program, self.environment, self.tests = name, program, environment, tests

    @property
    def on_postgres(self):
        return self.environment.get("ROWSEAL_TEST_STORE") == "postgres"


class Runner:
    def __init__(self, workspace, log):
        self.workspace, self.log = workspace, log
        self.sql_path = os.path.join(workspace.folder, "sql_faults")
        self.coverage_path = os.path.join(workspace.folder, "coverage.json")
        self.workers = os.cpu_count() or 2
        self.write_sql_faults()
        self.suites = self.find_suites()
        self.reached = collections.defaultdict(list)  # fault's number to [(milliseconds, suite, test)]

    def write_sql_faults(self):
        def sized(text):
            data = text.encode()
            return b"%d\n" % len(data) + data
        with open(self.sql_path, "wb") as file:
            for fault in self.workspace.faults:
                if fault.is_sql:
                    calls = fault.calls or []
                    file.write(b"%d\n%d\n" % (fault.id, len(calls)))
                    file.write(b"\n".join([sized(call) for call in calls] +
                                          [sized(fault.find), sized(fault.replace)]) + b"\n")

    def run(self, suite, tests, timeout, *, fault=None, trace=None, fail_fast=True):
        """Returns the exit status, None after a timeout."""
        environment = dict(os.environ, **suite.environment, ROWSEAL_FAULT_SQL=self.sql_path,
                           ROWSEAL_STATE="none", GTEST_BRIEF="1")
        if fault is not None:
            environment["ROWSEAL_FAULT"] = str(fault.id)
        if trace is not None:
            environment["ROWSEAL_FAULT_TRACE"] = trace
        command = [os.path.join(self.workspace.build, "tests", suite.program)
                   if os.path.exists(os.path.join(self.workspace.build, "tests", suite.program))
                   else os.path.join(self.workspace.build, suite.program),
                   "--gtest_filter=" + ":".join(tests)]
        if fail_fast:
            command.append("--gtest_fail_fast")
        with tempfile.TemporaryDirectory(prefix="rowseal-mutate-") as folder:
            environment["TMPDIR"] = folder
            os.chmod(folder, 0o755)  # a database server of another user keeps its files here
            process = subprocess.Popen(command, env=environment, cwd=folder, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired:
                return None
            finally:
                # Also what a test left running: servers and children.
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()

    # --- which tests there are -----------------------------------------------------------------

    def list_tests(self, program, environment, pattern):
        for folder in ("tests", "."):
            path = os.path.join(self.workspace.build, folder, program)
            if os.path.exists(path):
                break
        else:
            return []
        listed = subprocess.run([path, "--gtest_list_tests", "--gtest_filter=" + pattern],
                                env=dict(os.environ, **environment), capture_output=True, text=True,
                                check=True)
        tests, group = [], ""
        for line in listed.stdout.splitlines():
            name = line.split("#")[0].rstrip()
            if name.startswith("  "):
                if "DISABLED_" not in name:
                    tests.append(group + name.strip())
            elif name.endswith("."):
                group = name
        return tests

    def find_suites(self):
        suites = [Suite(program, program, {}, self.list_tests(program, {}, "*"))
                  for program in PROGRAMS]
        shown = subprocess.run(["ctest", "--show-only=json-v1"], cwd=self.workspace.build,
                               capture_output=True, text=True, check=True)
        for test in json.loads(shown.stdout)["tests"]:
            program = os.path.basename(test.get("command", [""])[0])
            properties = {item["name"]: item["value"] for item in test.get("properties", [])}
            if program not in PROGRAMS or "ENVIRONMENT" not in properties:
                continue
            environment = dict(item.split("=", 1) for item in properties["ENVIRONMENT"])
            pattern = next((argument.split("=", 1)[1] for argument in test["command"]
                            if argument.startswith("--gtest_filter=")), "*")
            if "ROWSEAL_TEST_STORE" in environment:
                suites.append(Suite(test["name"], program, environment,
                                    self.list_tests(program, environment, pattern)))
        return suites

    # --- which tests reach what ----------------------------------------------------------------

    def learn(self, which, without):
        """Runs tests once without a fault: those that are not known, and unless `which` is "new" also
        those that reached a file which changed since. without: tests whose names match are not used."""
        known, changed = {}, set()
        digests = self.workspace.digests()
        if which != "all" and os.path.exists(self.coverage_path):
            with open(self.coverage_path, encoding="utf-8") as file:
                stored = json.load(file)
            known = self.renumbered(stored)
            changed = {path for path, digest in digests.items() if stored["digests"].get(path) != digest}
        if which == "auto":
            known = {name: seen for name, seen in known.items() if not changed & set(seen["files"])}
        jobs = []
        for suite in self.suites:
            suite.tests = [test for test in suite.tests
                           if not without or not re.search(without, f"{suite.name} {test}")]
            new = [test for test in suite.tests if f"{suite.name} {test}" not in known]
            size = 40 if suite.program == PROGRAMS[0] else 8
            jobs += [(suite, new[at:at + size]) for at in range(0, len(new), size)]
        if jobs:
            self.log(f"running {sum(len(tests) for _, tests in jobs)} tests to see what they reach")
        paths = {fault.id: fault.path for fault in self.workspace.faults}
        keys = {fault.id: fault.key for fault in self.workspace.faults}
        with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
            for lines in pool.map(lambda job: self.trace(*job), jobs):
                for name, outcome, milliseconds, ids in lines:
                    known[name] = {"outcome": outcome, "ms": milliseconds, "reached": ids,
                                   "files": sorted({paths[number] for number in ids})}
                with open(self.coverage_path, "w", encoding="utf-8") as file:
                    json.dump({"digests": digests, "keys": keys, "tests": known}, file)
        self.remember(known)

    def renumbered(self, stored):
        """Faults have other numbers after an edit; their keys stay."""
        numbers = {fault.key: fault.id for fault in self.workspace.faults}
        now = {int(number): numbers.get(key) for number, key in stored["keys"].items()}
        for seen in stored["tests"].values():
            seen["reached"] = [now[number] for number in seen["reached"] if now.get(number)]
        return stored["tests"]

    def trace(self, suite, tests):
        planted = {fault.id for fault in self.workspace.faults}
        lines, left = [], tests
        while left:
            with tempfile.NamedTemporaryFile(dir=self.workspace.folder) as file:
                file.truncate(self.workspace.trace_size)
                self.run(suite, left, 900, trace=file.name, fail_fast=False)
                log_path = file.name + ".log"
                done = []
                if os.path.exists(log_path):
                    with open(log_path, encoding="utf-8") as log:
                        for line in log:
                            name, outcome, milliseconds, *ids = line.split()
                            done.append(name)
                            lines.append((f"{suite.name} {name}", outcome, int(milliseconds),
                                          [int(number) for number in ids if int(number) in planted]))
                    os.remove(log_path)
            rest = [test for test in left if test not in done]
            if rest:  # the first of them ended the program
                lines.append((f"{suite.name} {rest[0]}", "failed", 0, []))
            left = rest[1:]
        return lines

    def remember(self, known):
        unhealthy = []
        for suite in self.suites:
            for test in suite.tests:
                seen = known.get(f"{suite.name} {test}")
                if seen is None or seen["outcome"] == "failed":
                    unhealthy.append(f"{suite.name} {test}")
                elif seen["outcome"] == "passed" and seen["ms"] <= SLOWEST_TEST * 1000:
                    for number in seen["reached"]:
                        self.reached[number].append((seen["ms"], suite, test))
        if unhealthy:
            self.log(f"{len(unhealthy)} tests fail without a fault and are not used: "
                     + ", ".join(unhealthy[:10]))
        # What makes tables is run once a program: it concerns every test after that.
        everything = {"postgres": [], "sqlite": []}
        for suite in self.suites:
            for test in suite.tests:
                seen = known.get(f"{suite.name} {test}")
                if seen and seen["outcome"] == "passed" and seen["ms"] <= SLOWEST_TEST * 1000:
                    postgres = suite.on_postgres or "Postgres" in test
                    everything["postgres" if postgres else "sqlite"].append((seen["ms"], suite, test))
        for fault in self.workspace.faults:
            if fault.dialect and fault.calls is None:
                self.reached[fault.id] = everything[fault.dialect]

    # --- one fault -----------------------------------------------------------------------------

    def try_fault(self, fault):
        """Returns ('noticed' or 'survived', how)."""
        tests = sorted(self.reached.get(fault.id, []), key=lambda entry: entry[0])
        if not tests:
            return "survived", "no test reaches it"
        start, position, spent, run = time.monotonic(), 0, 0, 0
        for limit in CHUNKS:
            chunk = collections.defaultdict(list)
            cost = 0
            while position < len(tests) and spent + cost < limit * 1000:
                milliseconds, suite, test = tests[position]
                chunk[suite].append(test)
                cost += milliseconds + 1
                position += 1
            spent += cost
            for suite in sorted(chunk, key=lambda one: (one.on_postgres, one.name)):
                run += len(chunk[suite])
                status = self.run(suite, chunk[suite], 60 + cost / 100, fault=fault)
                if status != 0:
                    how = "hangs" if status is None else f"exit {status}"
                    return "noticed", f"{how}, {time.monotonic() - start:.1f} s"
        return "survived", f"{run} of {len(tests)} tests that reach it, {time.monotonic() - start:.1f} s"
