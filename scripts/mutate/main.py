"""Plants small faults, switches them on one at a time, and tells which ones no test notices."""
import argparse
import collections
import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

from trial import Runner
from workspace import Workspace

LEAST_NOTICED = 0.90


def log(text):
    print(f"mutate: {text}", file=sys.stderr, flush=True)


def arguments_of(argv):
    parser = argparse.ArgumentParser(prog="scripts/mutate.sh", description=__doc__)
    parser.add_argument("--seed", type=int, help="draw the same faults again")
    parser.add_argument("--count", type=int, default=100, help="how many faults are tried (100)")
    parser.add_argument("--only", action="append", default=[], metavar="FOLDER|FILE",
                        help="plant there only, for example src/keys")
    parser.add_argument("--since", metavar="REVISION", help="only in lines changed since then")
    parser.add_argument("--find", metavar="TEXT", help="only faults whose key holds TEXT")
    parser.add_argument("--list", action="store_true", help="list the faults and try none")
    parser.add_argument("--learn", choices=["all", "auto", "new"], default="auto",
                        help="which tests run once to see what they reach: all; those that are new or"
                             " reached a file that changed (auto); those that are new")
    parser.add_argument("--without", metavar="PATTERN", help="do not use tests whose names match")
    parser.add_argument("--root", default=os.getcwd(), help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def read_equivalents(root):
    """Returns the keys of faults that were looked at and change no behaviour."""
    path = os.path.join(root, "tests/mutation/equivalent.txt")
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        return {line.strip() for line in file if line.strip() and not line.startswith("#")}


def changed_lines(root, revision):
    """Returns path to the set of its lines that changed since `revision`."""
    diff = subprocess.run(["git", "diff", "-U0", revision, "--", "src"], cwd=root, check=True,
                          capture_output=True, text=True).stdout
    lines, path = collections.defaultdict(set), ""
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            path = line[6:]
        match = re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)
        if match:
            first, count = int(match.group(1)), int(match.group(2) or 1)
            lines[path].update(range(first, first + count))
    return lines


def chosen(workspace, arguments, seed):
    equivalents = read_equivalents(workspace.root)
    changed = changed_lines(workspace.root, arguments.since) if arguments.since else None
    fit, equivalent = [], 0
    for fault in workspace.faults:
        if arguments.only and not any(fault.path.startswith(only) for only in arguments.only) or \
                changed is not None and fault.line not in changed[fault.path] or \
                arguments.find and arguments.find not in fault.key:
            continue
        if fault.key in equivalents:
            equivalent += 1
            continue
        fit.append(fault)
    fit.sort(key=lambda fault: fault.key)
    picked = random.Random(seed).sample(fit, min(arguments.count, len(fit)))
    log(f"{len(fit)} faults fit, {equivalent} are known to change nothing; trying {len(picked)},"
        f" seed {seed}")
    return picked


def try_all(runner, faults):
    results, lock = [], threading.Lock()

    def attempt(fault):
        outcome, how = runner.try_fault(fault)
        with lock:
            results.append((fault, outcome, how))
            print(f"{outcome:8} {fault.place()} {fault.function}: {fault.change} ({how})", flush=True)

    with concurrent.futures.ThreadPoolExecutor(runner.workers) as pool:
        list(pool.map(attempt, faults))
    return results


def report(results, path):
    folders = collections.defaultdict(lambda: [0, 0])
    for fault, outcome, _ in results:
        folders[fault.folder][0 if outcome == "noticed" else 1] += 1
    print("\nfolder                              noticed  survived   rate")
    for folder, (noticed, survived) in sorted(folders.items()):
        print(f"{folder:36}{noticed:7}{survived:10}{noticed / (noticed + survived):7.0%}")
    noticed = sum(outcome == "noticed" for _, outcome, _ in results)
    survivors = [(fault, how) for fault, outcome, how in results if outcome == "survived"]
    if survivors:
        print("\nNot noticed:")
    for fault, how in sorted(survivors, key=lambda item: (item[0].path, item[0].line)):
        print(f"  {fault.place()} {fault.operator}: {fault.change}\n      {how}\n      {fault.key}")
    rate = noticed / len(results) if results else 1.0
    print(f"\n{noticed} of {len(results)} faults noticed ({rate:.1%}; at least {LEAST_NOTICED:.0%}"
          " is wanted)")
    with open(path, "w", encoding="utf-8") as file:
        json.dump([{"key": fault.key, "line": fault.line, "operator": fault.operator,
                    "outcome": outcome, "how": how} for fault, outcome, how in results], file, indent=1)
    return rate


def main(argv):
    arguments = arguments_of(argv)
    begun = time.monotonic()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1_000_000)
    workspace = Workspace(arguments.root, arguments.work or os.path.join(arguments.root, "build/mutate"))
    workspace.prepare(arguments.only)
    if arguments.list:
        for fault in chosen(workspace, arguments, seed):
            print(f"{fault.place()} {fault.operator}: {fault.key}")
        return 0
    log(f"{len(workspace.faults)} faults planted; building")
    workspace.compile(log)
    workspace.save()
    log(f"built after {time.monotonic() - begun:.0f} s")
    runner = Runner(workspace, log)
    runner.learn(arguments.learn, arguments.without)
    log(f"ready after {time.monotonic() - begun:.0f} s")
    results = try_all(runner, chosen(workspace, arguments, seed))
    rate = report(results, os.path.join(workspace.folder, "report.json"))
    print(f"seed {seed}, {time.monotonic() - begun:.0f} s")
    return 0 if rate >= LEAST_NOTICED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
