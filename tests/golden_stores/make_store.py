#!/usr/bin/python3
"""Makes a golden store with a program of the format that it is to have, and writes down beside it
what every row opens to.

    make_store.py PATH_OF_ROWSEAL FOLDER

The store names the root key's absolute path, so FOLDER is one that says nothing of a machine, such as
/srv/golden; its files are moved from there. It gets `secrets.db`, `root.key`, and two files of JSON
lines: `secrets.jsonl`, a line each version, and `values.jsonl`, a line each sealed value, both with
the SHA-256 of the plaintext.
"""
import base64
import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys

# Nobody takes this for a key: everyone has it.
TEST_KEY = b"THIS IS A TEST KEY, NOT A SECRET"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ROWSEAL_")}


class Maker:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.secrets = []
        self.values = []

    def run(self, *arguments, data=b""):
        done = subprocess.run(
            [self.program, *arguments, "--store", "sqlite:" + self.path("secrets.db"), "--root",
             "file:" + self.path("root.key"), "--actor", "golden"],
            input=data, stdout=subprocess.PIPE, check=True, env=CLEAN)
        return done.stdout.decode()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_root_key(self):
        checksum = hashlib.sha256(b"rsroot1" + TEST_KEY).digest()[:4]
        text = base64.b32encode(TEST_KEY + checksum).rstrip(b"=").lower()
        with open(self.path("root.key"), "wb",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(b"rsroot1" + text + b"\n")

    def make_file(self):
        """An empty file of smaller pages than SQLite's own 4 KiB: most tables hold a few rows."""
        with contextlib.closing(sqlite3.connect(self.path("secrets.db"))) as db:
            db.executescript("PRAGMA page_size=2048; CREATE TABLE t (x); DROP TABLE t")
        os.chmod(self.path("secrets.db"), 0o600)

    def put(self, project, name, value, kind="workflow", expires=None):
        more = ["--expires", expires] if expires else []
        self.run("secret", "put", project, name, "--kind", kind, *more, data=value)
        version = 1 + sum((line["project"], line["name"]) == (project, name)
                          for line in self.secrets)
        self.secrets.append({"project": project, "name": name, "version": version, "kind": kind,
                             "expires_at": expires, "size": len(value),
                             "sha256": hashlib.sha256(value).hexdigest()})

    def seal(self, project, label, value, *row_key):
        rows = [argument for part in row_key for argument in ("--row", part)]
        text = self.run("value", "seal", project, label, *rows, data=value).rstrip("\n")
        self.values.append({"project": project, "label": label, "row_key": row_key, "sealed": text,
                            "size": len(value), "sha256": hashlib.sha256(value).hexdigest()})

    def write_expected(self):
        for name, lines in (("secrets.jsonl", self.secrets), ("values.jsonl", self.values)):
            with open(self.path(name), "w", encoding="utf-8") as file:
                for line in lines:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def fold_log_in(self):
        with contextlib.closing(sqlite3.connect(self.path("secrets.db"))) as db:
            busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise SystemExit("somebody reads the store")


def main():
    program, folder = sys.argv[1:]
    maker = Maker(os.path.abspath(program), folder)
    maker.write_root_key()
    maker.make_file()
    maker.run("init")
    maker.put("acme", "GITHUB_TOKEN", b"golden token one\n", "access_token")
    maker.put("acme", "GITHUB_TOKEN", b"golden token two", "access_token")
    maker.put("acme", "stripe signing secret", bytes(range(256)), "webhook")
    maker.put("acme", "empty", b"", "workflow")
    maker.put("acme", "block", b"x" * 32, "workflow")
    maker.put("acme", "expires", b"until 2099", "workflow", "2099-01-02T03:04:05Z")
    maker.put("42", "clé de signature 🔑", "välue – 日本\x00".encode(), "webhook")
    maker.put("日本", "caf\u00e9", b"composed")
    maker.put("日本", "cafe\u0301", b"decomposed")
    maker.put("system", "large", bytes(i * 7 & 0xFF for i in range(5000)))
    maker.run("column", "add", "workflows.definition")
    maker.run("column", "add", "users.totp", "--context", "cell")
    maker.seal("acme", "workflows.definition", b'{"a": 1}')
    maker.seal("日本", "workflows.definition", b"")
    maker.seal("acme", "users.totp", b"\x00\xff" * 50, "17")
    maker.run("kek", "rotate")
    maker.put("acme", "GITHUB_TOKEN", b"golden token three", "access_token")
    maker.put("late", "after the rotation", b"under the second KEK")
    maker.seal("acme", "users.totp", b"two key columns", "17", "日本")
    maker.run("verify")
    maker.write_expected()
    maker.fold_log_in()


if __name__ == "__main__":
    main()
