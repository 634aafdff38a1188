#!/usr/bin/python3
"""Holds the layers: a folder of src/ includes what its row in ALLOWED names, and what those may
include. Also keeps each third-party library behind its own folder and the public headers free of
them, and what may begin a transaction of a store or reach into a client in the files that DOORS
names. Prints `file:line: what is wrong` for each offence and exits 1; 0 when there is none.

Usage: check-layers.py [ROOT]     ROOT is the project's folder (default: the one of this script)
"""

import pathlib
import re
import sys

# Each layer, and the layers it names. Every layer may include OPEN_TO_ALL.
OPEN_TO_ALL = ("base", "observe")
ALLOWED = {
    "base": (),
    "observe": (),
    "memory": (),
    "crypto": ("memory",),
    "envelope": ("memory",),
    "keys": ("envelope", "crypto"),
    "roots": ("keys",),
    "store": ("envelope", "keys"),
    "db": ("store",),
    "db/sqlite": ("db",),
    "db/postgres": ("db",),
    "client": ("store", "keys"),
    "jobs": ("client",),
    "lifecycle": ("jobs", "roots"),
    "migration": ("lifecycle", "db/sqlite", "db/postgres"),
    "use": ("client",),
    # Where a store's URL and roots become a client: it alone knows both a driver and the client.
    "connect": ("lifecycle", "use", "db/sqlite", "db/postgres"),
}

# The layer each installed header belongs to. A new header needs a row here.
PUBLIC = {
    "bytes.h": "base",
    "column_source.h": "base",
    "error.h": "base",
    "ids.h": "base",
    "listing.h": "base",
    "states.h": "base",
    "observe.h": "observe",
    "secret_bytes.h": "memory",
    "nonce.h": "crypto",
    "own_libcrypto.h": "crypto",
    "passphrase.h": "roots",
    "connection.h": "store",
    "install.h": "store",
    "operation.h": "store",
    "statement.h": "store",
    "postgres_text.h": "db/postgres",
    "async_client.h": "client",
    "webhook.h": "use",
    "client.h": "client",
    "started_call.h": "client",
    "fields.h": "lifecycle",
    "jobs.h": "lifecycle",
    "lifecycle.h": "lifecycle",
    "key_destruction.h": "lifecycle",
    "key_bundle.h": "lifecycle",
    "key_states.h": "lifecycle",
    "policy.h": "lifecycle",
    "retire.h": "lifecycle",
    "roots.h": "lifecycle",
    "rowseal.h": "connect",
}

# Third-party headers, and where they may be included. `apps` stands for the programs.
VENDORS = (
    ("OpenSSL", re.compile(r"openssl/"), ("crypto",)),
    ("libsodium", re.compile(r"sodium(\.h|/)"), ("base", "crypto", "memory")),
    ("SQLite", re.compile(r"sqlite3"), ("db/sqlite",)),
    ("libpq", re.compile(r"(postgresql/)?(libpq|pq-fs|pg_config|postgres_ext)"), ("db/postgres",)),
    ("libcurl", re.compile(r"curl/"), ("roots",)),
    ("CLI11", re.compile(r"CLI/"), ("apps",)),
    ("toml++", re.compile(r"toml(\+\+|plusplus)/"), ("apps",)),
    ("nlohmann-json", re.compile(r"nlohmann/"), ("apps", "roots")),
    ("fmt", re.compile(r"fmt/"), ("apps",)),
    ("spdlog", re.compile(r"spdlog/"), ("apps",)),
)
# Unit tests may also parse vectors and call the reference implementation they compare with.
TEST_VENDORS = ("nlohmann-json",)
TEST_PREFIXES = ("support/",)

# What may be written in the named files and folders alone. A change that does not pass the unit in
# client/change.cpp would have to remember each of its checks, and one has been forgotten before.
DOORS = (
    (
        "begins a transaction: run it by client/change.h",
        re.compile(
            r"TransactionKind::kExclusive|Transaction::Begin\(|\.Begin\(TransactionKind"
            r"|pg_(try_)?advisory|BEGIN (EXCLUSIVE|IMMEDIATE)"
        ),
        # Where keys are made, no trusted set is there yet; drivers carry transactions out.
        ("src/client/change.cpp", "src/connect/open_store.cpp", "src/connect/store_file.cpp", "src/db"),
    ),
    (
        "reaches into a client: use client/change.h",
        re.compile(r"\bClientInside\b"),
        ("src/client", "src/connect", "src/use/webhook.cpp", "include/rowseal/client.h"),
    ),
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
STANDARD = re.compile(r"^[a-z0-9_]+$")
SUFFIXES = (".h", ".hpp", ".cpp", ".cc", ".inc")


def closure(layer):
    """Returns every layer that `layer` may include, itself among them."""
    found = set()
    waiting = [layer, *OPEN_TO_ALL]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(ALLOWED[name])
    return found


CLOSURES = {layer: closure(layer) for layer in ALLOWED}


def layer_of_path(path):
    """Returns the layer of a path under src/ (`db/sqlite/x.h` is of db/sqlite), or None."""
    parts = path.split("/")[:-1]
    for size in (2, 1):
        if "/".join(parts[:size]) in ALLOWED and len(parts) >= size:
            return "/".join(parts[:size])
    return None


def refusal_of_ours(target, layer, allowed):
    """Says why a file of `layer` may not include a header of the layer `target`, or None."""
    if target is None:
        return "is in no layer: name it in scripts/check-layers.py"
    if layer == "apps" or target in allowed:
        return None
    return f"is of layer {target}, which {layer} may not include"


def refusal(include, quoted, layer, allowed, is_test):
    """Says why a file under src/ or apps/ may not have this include, or None."""
    if include.startswith("rowseal/"):
        name = include.removeprefix("rowseal/")
        return refusal_of_ours(PUBLIC.get(name), layer, allowed)
    if quoted:
        if is_test and include.startswith(TEST_PREFIXES):
            return None
        if layer == "apps" and layer_of_path(include) is None:
            return None
        return refusal_of_ours(layer_of_path(include), layer, allowed)
    for vendor, pattern, homes in VENDORS:
        if pattern.match(include) and layer not in homes:
            if is_test and vendor in TEST_VENDORS:
                return None
            return f"is of {vendor}, which only {' and '.join(homes)} may include"
    return None


def refusal_in_public_header(include, layer):
    """Says why an installed header may not have this include, or None."""
    if include.startswith("rowseal/"):
        target = PUBLIC.get(include.removeprefix("rowseal/"))
        return refusal_of_ours(target, layer, CLOSURES[layer])
    if include == "tl/expected.hpp" or STANDARD.match(include):
        return None
    return "is neither standard C++, rowseal/ nor tl/expected.hpp: installed headers have no other"


def includes(path):
    """Yields line number, header and whether it stands in quotes, for each include in a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[2], match[1] == '"'


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES and p.is_file())


def forced_doors(root):
    """Yields `file:line: …` for what only DOORS may write."""
    for top in ("include", "src", "apps", "bindings"):
        for path in sources(root / top):
            shown = path.relative_to(root)
            if path.stem.endswith("_test"):
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                code = line.split("//")[0]
                for what, pattern, homes in DOORS:
                    at_home = any(shown.is_relative_to(home) for home in homes)
                    if pattern.search(code) and not at_home:
                        yield f"{shown}:{number}: {what}"


def offences(root):
    """Yields `file:line: …` for each forbidden include under `root`, and each forced door."""
    yield from forced_doors(root)
    public = root / "include" / "rowseal"
    for path in sources(public):
        shown = path.relative_to(root)
        layer = PUBLIC.get(str(path.relative_to(public)))
        if layer is None:
            yield f"{shown}:1: no layer is named for it in scripts/check-layers.py"
            continue
        for number, include, _ in includes(path):
            why = refusal_in_public_header(include, layer)
            if why:
                yield f"{shown}:{number}: {include} {why}"

    src = root / "src"
    for path in sources(src):
        shown = path.relative_to(root)
        layer = layer_of_path(str(path.relative_to(src)))
        if layer is None:
            yield f"{shown}:1: its folder is no layer of scripts/check-layers.py"
            continue
        is_test = path.stem.endswith("_test")
        for number, include, quoted in includes(path):
            why = refusal(include, quoted, layer, CLOSURES[layer], is_test)
            if why:
                yield f"{shown}:{number}: {include} {why}"

    # The Node.js addon is an embedder like any other: the installed interface, and Node-API.
    for path in sources(root / "bindings" / "node" / "native"):
        for number, include, quoted in includes(path):
            known = include.startswith("rowseal/") or include == "napi.h" or STANDARD.match(include)
            if not known and not (quoted and "/" not in include):
                yield (f"{path.relative_to(root)}:{number}: {include} is neither of include/rowseal"
                       " nor of Node-API")

    for path in sources(root / "apps"):
        for number, include, quoted in includes(path):
            why = refusal(include, quoted, "apps", set(), path.stem.endswith("_test"))
            if why:
                yield f"{path.relative_to(root)}:{number}: {include} {why}"


def main():
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        sys.exit(__doc__.rsplit("\n\n", 1)[1])
    root = pathlib.Path(sys.argv[1] if len(sys.argv) == 2 else __file__).resolve()
    if len(sys.argv) < 2:
        root = root.parent.parent
    if not (root / "src").is_dir():
        sys.exit(f"check-layers.py: {root} has no folder src")
    found = list(offences(root))
    for offence in found:
        print(offence)
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
