"""The copy of the sources with the faults in it, and its one build."""
import collections
import hashlib
import json
import os
import re
import subprocess

import cpp_faults
import fault as faults_module
import sql_faults

# Where faults are planted unless --only says otherwise. The search for secrets in an app's database
# (src/migration/scan) weighs hints by thresholds: what it finds is measured, not proven.
SCOPE = ["src/client", "src/crypto", "src/jobs", "src/keys", "src/lifecycle", "src/migration",
         "src/store", "src/use", "src/db/sqlite/procedures"]
NOT_IN_SCOPE = ["src/migration/scan"]
IDS_PER_FILE = 2048
HERE = os.path.dirname(os.path.abspath(__file__))
WRAPPED = ["sqlite3_prepare_v3", "sqlite3_prepare_v2", "sqlite3_exec", "PQexec", "PQsendQuery",
           "PQsendQueryParams", "PQsendPrepare"]
PROGRAMS = ["rowseal_tests", "rowseal_system_tests"]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_if_new(path, text):
    """Leaves a file with this text alone, so that nothing is compiled for it again."""
    data = text if isinstance(text, bytes) else text.encode()
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


class Workspace:
    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        # Where a build of the sources themselves is, so that ccache knows what is compiled alike there.
        self.copy = os.path.join(folder, "source")
        self.build = os.path.join(self.copy, "build/dev")
        self.state_path = os.path.join(folder, "state.json")
        self.state = {"slots": {}, "broken": [], "scope": []}
        if os.path.exists(self.state_path):
            self.state = json.loads(read(self.state_path))
        self.faults, self.sources, self.spans = [], {}, {}

    def save(self):
        write_if_new(self.state_path, json.dumps(self.state, indent=1))

    def files(self):
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root,
                                capture_output=True, text=True, check=False)
        paths = listed.stdout.splitlines() if listed.returncode == 0 else [
            os.path.relpath(os.path.join(folder, name), self.root)
            for folder, _, names in os.walk(self.root) for name in names]
        return [path for path in paths if os.path.isfile(os.path.join(self.root, path))]

    def in_scope(self, path):
        if any(path.startswith(prefix) for prefix in NOT_IN_SCOPE):
            return any(only.startswith(prefix) and path.startswith(only)
                       for only in self.state["scope"] for prefix in NOT_IN_SCOPE)
        return any(path.startswith(prefix) for prefix in self.state["scope"])

    def prepare(self, only):
        """Copies the sources and finds the faults."""
        # What was planted before stays: leaving it out would compile it again.
        self.state["scope"] = sorted(set(self.state["scope"]) | set(only or SCOPE))
        files = self.files()
        texts = {path: read(os.path.join(self.root, path)) for path in files
                 if path.startswith(("src/", "include/")) and path.endswith((".cpp", ".h", ".sql"))}
        enums = cpp_faults.all_enums({path: text for path, text in texts.items()
                                      if path.endswith(".h")})
        for path, text in sorted(texts.items()):
            if path.endswith(".cpp") and self.in_scope(path) and \
                    not path.endswith(("_test.cpp", "_known_answer.cpp")):
                own = texts.get(path[:-4] + ".h", "") + text
                source = cpp_faults.Source(path, text, enums | cpp_faults.enums_of(own))
                self.sources[path] = text
                self.faults += source.find() + sql_faults.literal_faults(source)
        for store in ("sqlite", "postgres"):
            schema = [(path, text) for path, text in sorted(texts.items())
                      if f"schema/{store}/" in path and path.endswith(".sql") and self.in_scope(path)]
            self.faults += sql_faults.schema_faults(schema)
        faults_module.name_faults(self.faults)
        broken = set(self.state["broken"])
        self.faults = [fault for fault in self.faults if fault.key not in broken]
        self.number()
        self.write_copy(files)

    def number(self):
        slots, used = self.state["slots"], {}
        for fault in self.faults:
            slot = slots.setdefault(fault.path, len(slots))
            used[fault.path] = used.get(fault.path, 0) + 1
            fault.id = slot * IDS_PER_FILE + used[fault.path]

    @property
    def trace_size(self):
        return (len(self.state["slots"]) + 1) * IDS_PER_FILE

    def write_copy(self, files):
        for path in files:
            if path not in self.sources and path != "CMakeLists.txt":
                with open(os.path.join(self.root, path), "rb") as file:
                    write_if_new(os.path.join(self.copy, path), file.read())
        kept = set(files)
        for folder, folders, names in os.walk(self.copy):
            if folder == self.copy and "build" in folders:
                folders.remove("build")
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.copy)
                if path not in kept and not path.startswith("rowseal_mutate/"):
                    os.remove(os.path.join(folder, name))
        for path in self.sources:
            self.plant(path)
        runtime = os.path.join(HERE, "runtime")
        for name in os.listdir(runtime):
            write_if_new(os.path.join(self.copy, "rowseal_mutate", name),
                         read(os.path.join(runtime, name)))
        wraps = " ".join(f"-Wl,--wrap={name}" for name in WRAPPED)
        write_if_new(os.path.join(self.copy, "CMakeLists.txt"),
                     read(os.path.join(self.root, "CMakeLists.txt")) + f"""
# Added by scripts/mutate.
target_sources(rowseal PRIVATE rowseal_mutate/rowseal_mutate.cpp)
target_link_options(rowseal INTERFACE {wraps})
foreach(program {" ".join(PROGRAMS)})
  if(TARGET ${{program}})
    target_sources(${{program}} PRIVATE "${{CMAKE_CURRENT_SOURCE_DIR}}/rowseal_mutate/trace_listener.cpp")
  endif()
endforeach()
""")

    def plant(self, path):
        text = self.sources[path]
        mine = [fault for fault in self.faults if fault.path == path and fault.edits]
        planted, self.spans[path] = faults_module.rendered(text, mine)
        if mine:
            # No warnings for what is planted, and no option that the other files have not: those
            # come from the compiler's cache.
            header = os.path.join(self.copy, "rowseal_mutate", "rowseal_mutate.h")
            planted = f'#pragma GCC system_header\n#include "{header}"\n#line 1 "{path}"\n' + planted
        write_if_new(os.path.join(self.copy, path), planted)

    def digests(self):
        """Returns path to a number for what is planted there."""
        digests = collections.defaultdict(hashlib.sha256)
        for fault in self.faults:
            digests[fault.path].update(fault.key.encode())
        return {path: digest.hexdigest() for path, digest in digests.items()}

    # --- the build -----------------------------------------------------------------------------

    def compile(self, log):
        """Builds; faults that do not compile are left out. Returns how many that were."""
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            how = ["--preset", "dev"] if os.path.exists(os.path.join(self.copy, "CMakePresets.json")) \
                else ["-G", "Ninja", "-B", self.build]
            subprocess.run(["cmake", *how, "-DROWSEAL_BUILD_BENCH=OFF", "-DROWSEAL_BUILD_NODE=OFF",
                            "--no-warn-unused-cli"], cwd=self.copy, check=True,
                           stdout=subprocess.DEVNULL)
        left_out = 0
        while True:
            built = subprocess.run(
                ["cmake", "--build", self.build, "--target", *self.targets(), "--", "-k", "0"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if built.returncode == 0:
                return left_out
            blamed = self.blamed(built.stdout)
            if not blamed:
                write_if_new(os.path.join(self.folder, "build.log"), built.stdout)
                raise SystemExit(f"mutate: the copy does not build; see {self.folder}/build.log")
            left_out += len(blamed)
            log(f"{len(blamed)} faults do not compile and are left out")
            self.state["broken"] = sorted(set(self.state["broken"]) | {f.key for f in blamed})
            self.faults = [fault for fault in self.faults if fault not in blamed]
            for path in {fault.path for fault in blamed}:
                self.plant(path)
            self.save()

    def targets(self):
        listed = subprocess.run(["ninja", "-C", self.build, "-t", "targets", "all"],
                                capture_output=True, text=True, check=False).stdout
        return [name for name in PROGRAMS if re.search(rf"^{name}: ", listed, re.M)]

    def blamed(self, output):
        """Returns the faults that the compiler's messages point at."""
        blamed, context = set(), []
        for line in output.splitlines():
            match = re.match(r"(?:In file included from )?(\S+?\.cpp):(\d+):(\d+)", line)
            place = match and match.group(1) in self.sources and \
                (match.group(1), int(match.group(2)), int(match.group(3)))
            if re.search(r": (fatal )?error: ", line):
                places = [place] if place else context
                for where in places:
                    blamed |= self.faults_at(*where)
                context = []
            elif place:
                context.append(place)
                if "in expansion of macro" in line or "required from" in line:
                    context = context[-2:]
        return blamed

    def faults_at(self, path, line, column):
        planted = read(os.path.join(self.copy, path)).split("\n", 3)[3]
        starts = [0] + [match.end() for match in re.finditer("\n", planted)]
        if line > len(starts):
            return set()
        first = starts[line - 1]
        last = starts[line] if line < len(starts) else len(planted)
        offset = min(first + column - 1, last)
        left = [span for span in self.spans[path] if span[2] in self.faults]
        inside = [span for span in left if span[0] <= offset < span[1]]
        on_line = [span for span in left if first <= span[0] < last]
        around = [span for span in left if span[2].line <= line]
        for spans in (inside, on_line, around[-3:]):
            if spans:
                return {span[2] for span in spans}
        return set()
