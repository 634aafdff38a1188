#!/usr/bin/python3
"""Runs the measures of bench/ and makes the table of them: scripts/bench.sh calls it.

    report.py [--quick | --smoke] BUILD_FOLDER JSON_FILE

BUILD_FOLDER holds rowseal_bench and rowseal. The table is printed, with the median of what is measured
many times and the best beside it; of its rows, those that have a limit are written to JSON_FILE as docs/benchmarks.md describes it. Stores are made in BUILD_FOLDER and
removed. --smoke only shows that everything runs: its figures say nothing.

A new row: return it from a function of `MEASURES`; nothing else knows of it.
"""
import argparse
import collections
import dataclasses
import filecmp
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "support"))
from postgres_server import PostgresServer, bin_folder  # noqa: E402


@dataclasses.dataclass
class Row:
    """One figure. `row` begins with the row's name, one word."""
    row: str
    measured: float
    unit: str
    limit: float = None  # None: shown only
    baseline: float = None  # in the same unit; where one is meant, the limit is one of the ratio
    bounds: str = "measured"  # or "ratio"
    at_least: bool = False  # a limit from below
    best: float = None  # of repeated measures, of which `measured` is the median

    @property
    def ratio(self):
        return self.measured / self.baseline if self.baseline else None

    @property
    def met(self):
        figure = self.ratio if self.bounds == "ratio" else self.measured
        if self.limit is None or figure is None:
            return None
        return figure >= self.limit if self.at_least else figure <= self.limit

    def to_json(self):
        return {"row": self.row, "measured": self.measured, "unit": self.unit,
                "baseline": self.baseline, "ratio": self.ratio, "limit": self.limit,
                "met": self.met}


def beside(row, measured, unit, baseline, limit, at_least=False, best=None):
    """A row whose limit is one of the ratio to the yardstick."""
    return Row(row, measured, unit, limit, baseline, "ratio", at_least, best)


@dataclasses.dataclass
class Effort:
    slices: int  # in which the library and node take turns
    sealing: int  # repetitions a slice
    node: int  # rounds a slice
    cli: int  # rounds; so are the next two
    store: int
    rotations: int
    projects: int
    secrets: tuple  # sizes of the stores whose KEK is rotated
    seconds: float  # of gets at once, a slice
    many_projects: int  # on PostgreSQL: so many that a job rewraps their DEKs
    in_flight: int  # gets at once in Node.js
    migrated: int  # rows of an app's table


EFFORTS = {
    "full": Effort(10, 200, 60, 200, 300, 20, 1000, (10_000, 1_000_000), 3, 100_000, 10_000, 1_000_000),
    "quick": Effort(5, 200, 60, 100, 100, 10, 1000, (10_000, 100_000), 1, 20_000, 10_000, 100_000),
    "smoke": Effort(1, 2, 2, 2, 2, 1, 3, (30, 60), 0.2, 12, 100, 300),
}


class Bench:
    """What the measures need: where the programs are, how long to try, a folder for stores."""

    def __init__(self, build, effort, folder):
        self.build = build
        self.effort = effort
        self.folder = folder
        self.server = None  # the URL of the store, when it is not in a folder

    def text(self, *arguments):
        command = [os.path.join(self.build, "rowseal_bench"), *map(str, arguments)]
        environment = {**os.environ, **({"ROWSEAL_BENCH_STORE": self.server} if self.server else {})}
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                              env=environment,
                              stderr=subprocess.DEVNULL if arguments[0] == "sealing" else None
                              ).stdout

    def run(self, *arguments):
        return json.loads(self.text(*arguments))

    def store(self, projects, secrets):
        """Makes a store and returns its folder."""
        folder = os.path.join(self.folder, "%d" % secrets)
        if not os.path.exists(folder):
            os.mkdir(folder)
            self.run("fill", folder, projects, secrets)
        return folder


def best(figures):
    """The mean of the best fiftieth, the best one at least: what the machine does undisturbed, less
    at the mercy of one lucky moment than the minimum alone."""
    chosen = sorted(figures)[:max(1, len(figures) // 50)]
    return sum(chosen) / len(chosen)


def median(figures):
    return sorted(figures)[len(figures) // 2]


UNITS = {"s": 1, "ms": 1e3, "us": 1e6}


def repeated(row, seconds, unit, limit=None, baseline=None):
    """A row of many measures of the same, given in seconds: their median, and the best beside it."""
    scale = UNITS[unit]
    return Row(row, median(seconds) * scale, unit, limit,
               None if baseline is None else median(baseline) * scale, best=best(seconds) * scale)


def sealing_slice(bench):
    """Returns lists of nanoseconds an item by (benchmark, threads)."""
    answer = bench.run("sealing", "--benchmark_format=json",
                       "--benchmark_enable_random_interleaving=true",
                       "--benchmark_repetitions=%d" % bench.effort.sealing)
    times = collections.defaultdict(list)
    for run in answer["benchmarks"]:
        if run["run_type"] == "iteration":
            times[run["name"].split("/")[0], run["threads"]].append(run["real_time"])
    return times


def node_slice(bench, node, context):
    """The same for the node:crypto envelope."""
    done = subprocess.run([node, os.path.join(HERE, "node_envelope.mjs"), context,
                           str(bench.effort.node)], check=True, stdout=subprocess.PIPE)
    return {("Node" + name.capitalize(), 1): times for name, times in json.loads(done.stdout).items()}


def sealing_times(bench):
    """Returns lists of nanoseconds by (benchmark, threads), node's only where it is installed."""
    node, context = shutil.which("node"), bench.text("context").strip()
    times = collections.defaultdict(list)
    for _ in range(bench.effort.slices):
        slices = [sealing_slice(bench)] + ([node_slice(bench, node, context)] if node else [])
        for key, figures in (item for part in slices for item in part.items()):
            times[key] += figures
    return times


def scaling(times, name, choose):
    return choose(times[name, 1]) / choose(times[name, 2])


def measure_sealing(bench):
    times = sealing_times(bench)
    middle = {key: median(figures) for key, figures in times.items()}
    without_node = "" if ("NodeSeal", 1) in times else " (node is not installed)"
    rows = []
    for name in ("Seal", "Open"):
        verb = name.lower()
        rows += [
            beside(verb + " beside bare OpenSSL", middle[name, 1], "ns", middle["Bare" + name, 1],
                   1.25, best=best(times[name, 1])),
            beside(verb + " beside node:crypto" + without_node, middle[name, 1], "ns",
                   middle.get(("Node" + name, 1)), 0.1, best=best(times[name, 1])),
            beside("threads %s, two against one" % verb, scaling(times, name, median), "x",
                   scaling(times, "Bare" + name, median), 0.95, at_least=True,
                   best=scaling(times, name, best)),
        ]
    return rows


def measure_rotation(bench):
    rows = []
    for secrets in bench.effort.secrets:
        folder = bench.store(bench.effort.projects, secrets)
        seconds = bench.run("kek-rotate", folder, bench.effort.rotations)["seconds"]
        rows.append(repeated("kek-rotate {:,} projects, {:,} secrets".format(
            bench.effort.projects, secrets), seconds, "s", limit=0.1))
    return rows


def measure_store(bench):
    """Whole processes, and single calls of the library, on the smallest store."""
    folder = bench.store(bench.effort.projects, bench.effort.secrets[0])
    program = os.path.join(bench.build, "rowseal")
    processes = bench.run("cli-get", program, folder, bench.effort.cli)
    calls = bench.run("get-put", folder, bench.effort.store)
    return [
        repeated("cli-get whole process", processes["get"], "ms", limit=25),
        repeated("cli-get /bin/true in its place", processes["nothing"], "ms"),
        repeated("get one secret", calls["get"], "us"),
        repeated("put one secret", calls["put"], "us"),
    ]


def percentile(figures, share):
    return sorted(figures)[min(len(figures) - 1, int(len(figures) * share))]


def measure_reseal(bench):
    """Last of all, because it leaves a store that does not open."""
    secrets = bench.effort.secrets[-1]
    figures = bench.run("reseal", bench.store(bench.effort.projects, secrets))
    values = figures["values"]
    return [
        Row("reseal {:,} secrets, beside bare SQL".format(values), values / figures["seconds"],
            "values/s", baseline=values / figures["bare_seconds"]),
        Row("reseal memory", figures["memory_kib"] / 1024, "MiB"),
        Row("get p99 during a reseal, beside idle", percentile(figures["during"], 0.99) * 1e3, "ms",
            baseline=percentile(figures["idle"], 0.99) * 1e3),
    ]


def measure_postgres(bench):
    """On a server of its own: single calls beside bare libpq, KEK rotations, a reseal."""
    if not bin_folder():
        return [Row("pg (PostgreSQL is not installed)", 0, "")]
    folder = os.path.join(bench.folder, "pg")
    os.mkdir(folder)
    # Flushed: what a commit costs is part of a put.
    with PostgresServer(durable=True) as server:
        server.run("CREATE ROLE bench LOGIN CREATEROLE")
        server.run("CREATE DATABASE bench OWNER bench")
        server.run("CREATE DATABASE many OWNER bench")
        url = "postgres://bench@127.0.0.1:%d/" % server.port
        try:
            bench.server = url + "bench"
            rows = measure_on_server(bench, server, folder)
            bench.server = url + "many"
            return rows + [measure_many_projects(bench, folder + "-many")]
        finally:
            bench.server = None


PGBENCH_SCRIPT = """SELECT * FROM rowseal.secret_get('project-2', ARRAY['secret-0'], ARRAY[0]::bigint[],
  gen_random_uuid(), 1764000000000000, 'bench', '', 'get', true);
"""


def pgbench_rate(bench, server, folder, seconds):
    """Gets a second by pgbench: 8 clients, one get each at a time, statements prepared."""
    script = os.path.join(folder, "get.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write(PGBENCH_SCRIPT)
    said = subprocess.run([os.path.join(server.bins, "pgbench"), "-n", "-c", "8", "-j", "2", "-M",
                           "prepared", "-T", str(max(1, round(seconds))), "-f", script, bench.server],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return float(re.search(r"tps = ([0-9.]+)", said.stdout).group(1))


def concurrent_row(bench, server, folder):
    rates, yardstick = [], []
    for _ in range(bench.effort.slices):
        rates.append(bench.run("pg-concurrent", folder, bench.effort.seconds)["gets_per_second"])
        yardstick.append(pgbench_rate(bench, server, folder, bench.effort.seconds))
    return beside("pg-concurrent 64 in flight, beside pgbench's 8 clients", max(rates), "gets/s",
                  max(yardstick), 2.5, at_least=True)


def measure_on_server(bench, server, folder):
    projects, secrets = bench.effort.projects, bench.effort.secrets[0]
    bench.run("fill", folder, projects, secrets)
    calls = bench.run("pg-calls", folder, bench.effort.store * 10)
    concurrent = concurrent_row(bench, server, folder)
    node = measure_node_package(bench, folder)
    seconds = bench.run("kek-rotate", folder, bench.effort.rotations)["seconds"]
    reseal = bench.run("pg-reseal", folder)
    migrations = [row for mode in ("value", "move") for row in migration_rows(bench, folder, mode)]
    return [
        beside("pg-get beside bare libpq", median(calls["get"]) * 1e6, "us",
               median(calls["bare_get"]) * 1e6, 1.15, best=best(calls["get"]) * 1e6),
        beside("pg-put beside bare libpq", median(calls["put"]) * 1e6, "us",
               median(calls["bare_put"]) * 1e6, 1.15, best=best(calls["put"]) * 1e6),
        concurrent,
        repeated("kek-rotate PostgreSQL, {:,} projects".format(projects), seconds, "s", limit=0.1),
        Row("reseal PostgreSQL, {:,} secrets".format(reseal["values"]),
            reseal["values"] / reseal["seconds"], "values/s"),
        Row("get p99 on PostgreSQL during a reseal, beside idle",
            percentile(reseal["during"], 0.99) * 1e3, "ms",
            baseline=percentile(reseal["idle"], 0.99) * 1e3),
        *node,
        *migrations,
    ]


def migration_rows(bench, folder, mode):
    """Rows a second that a migration does, beside the same work by bare SQL."""
    rows = bench.effort.migrated
    done = bench.run("migrate", folder, mode, rows)
    name = "migrate-" + mode
    return [
        beside("{} {:,} rows, beside bare SQL".format(name, rows), done["seconds"], "s",
               done["bare_seconds"], 1.3),
        Row("p99 of an app's write during {}, beside idle".format(name), done["write_during"] * 1e3,
            "ms", baseline=done["write_idle"] * 1e3),
        Row(name + " memory", done["memory_kib"] / 1024, "MiB", limit=100 if mode == "value" else None),
    ]


def node_packages(bench):
    """Returns a folder with the packages of bench/node_packages, which npm fetches once."""
    source, folder = os.path.join(HERE, "node_packages"), os.path.join(bench.build, "node_packages")
    done = os.path.join(folder, "installed.json")
    lock = os.path.join(source, "package-lock.json")
    if not os.path.exists(done) or not filecmp.cmp(lock, done, shallow=False):
        shutil.copytree(source, folder, dirs_exist_ok=True)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--loglevel=error"],
                       cwd=folder, check=True, stdout=subprocess.DEVNULL)
        shutil.copyfile(lock, done)
    return folder


def measure_node_package(bench, folder):
    """The Node.js package, over `pg` on the server of the measures before."""
    addon = os.path.join(bench.build, "node", "rowseal.node")
    if not os.path.exists(addon):
        return [Row("node-open (the addon is not built)", 0, "")]
    effort = bench.effort
    counts = (effort.node, effort.in_flight, effort.seconds, effort.slices)
    said = subprocess.run(
        [os.path.join(os.path.dirname(HERE), "scripts", "node.sh"), "any",
         os.path.join(HERE, "node_package.mjs"), node_packages(bench), bench.server,
         "file:%s/root.key" % folder, *map(str, counts)],
        check=True, stdout=subprocess.PIPE, env={**os.environ, "ROWSEAL_NODE_ADDON": addon})
    figures = json.loads(said.stdout)
    seconds = {measure: {name: [time / 1e9 for time in times] for name, times in figures[measure].items()}
               for measure in ("open", "get")}
    opened, single = seconds["open"], seconds["get"]
    delay, rate = ({name: choose(slice[figure] for slice in slices)
                    for name, slices in figures["loop"].items()}
                   for figure, choose in (("p99", min), ("perSecond", max)))
    many = "{:,} gets in flight, beside bare pg queries".format(effort.in_flight)
    return [
        repeated("node-open batches of 1,000, beside node:crypto", opened["rowseal"], "us", limit=2,
                 baseline=opened["crypto"]),
        repeated("node-open their statement included", opened["throughPg"], "us"),
        repeated("node-open beside @aws-crypto/client-node", opened["rowseal"], "us",
                 baseline=opened["aws"]),
        repeated("node-get beside the bare pg query", single["rowseal"], "us",
                 baseline=single["bare"]),
        Row("node-loop delay p99, " + many, delay["rowseal"] / 1e6, "ms", limit=5,
            baseline=delay["bare"] / 1e6),
        Row("node-gets " + many, rate["rowseal"], "gets/s", baseline=rate["bare"]),
    ]


def measure_many_projects(bench, folder):
    os.mkdir(folder)
    projects = bench.effort.many_projects
    bench.run("fill", folder, projects, projects)
    done = bench.run("kek-rotate", folder, 2)
    if done["rewrapped"] != projects:
        raise RuntimeError("%d of %d DEKs were rewrapped" % (done["rewrapped"], projects))
    limit = 10 * projects / 100_000
    return repeated("kek-rotate PostgreSQL, {:,} projects".format(projects), done["seconds"], "s",
                    limit=limit)


MEASURES = (measure_sealing, measure_store, measure_rotation, measure_postgres, measure_reseal)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return "%s, %d CPUs, %s" % (models[0] if models else platform.machine(), os.cpu_count(),
                                platform.platform())


def commit():
    done = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty", "--abbrev=12"],
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() or "unknown"


def shown(figure):
    return "-" if figure is None else "%.3g" % figure if figure < 100 else "%.0f" % figure


def print_table(rows):
    verdicts = {True: "met", False: "MISSED", None: "-"}
    lines = [("row", "median", "best", "", "baseline", "ratio", "limit", "")]
    for row in rows:
        limit = "-" if row.limit is None else ("≥ " if row.at_least else "≤ ") + shown(row.limit)
        lines.append((row.row, shown(row.measured), shown(row.best), row.unit, shown(row.baseline),
                      shown(row.ratio), limit, verdicts[row.met]))
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", dest="effort", action="store_const", const="quick")
    parser.add_argument("--smoke", dest="effort", action="store_const", const="smoke")
    parser.add_argument("build")
    parser.add_argument("json")
    options = parser.parse_args()
    effort = EFFORTS[options.effort or "full"]

    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.build) as folder:
        bench = Bench(os.path.abspath(options.build), effort, os.path.abspath(folder))
        for measure in MEASURES:
            rows += measure(bench)
    print_table(rows)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"machine": machine(), "commit": commit(),
                   "rows": [row.to_json() for row in rows if row.limit is not None]}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
