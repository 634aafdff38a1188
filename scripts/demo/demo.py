#!/usr/bin/python3
"""Rowseal's main job, end to end, on a made-up legacy app. Any step that fails ends it with 1.

Usage: demo.py PROGRAM FOLDER      (PROGRAM: the built `rowseal`; FOLDER: empty, to work in)
"""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time

import legacy_app


class Failed(Exception):
    pass


class Demo:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.lines = []
        self.environment = dict(
            os.environ,
            ROWSEAL_STORE="sqlite:secrets.db",
            ROWSEAL_ROOT="file:root.key",
            ROWSEAL_STATE=os.path.join(folder, "state"),
        )

    def rowseal(self, *arguments, expect=0):
        """Runs the program and returns its standard output and error as bytes."""
        done = subprocess.run(
            [self.program, *arguments], cwd=self.folder, env=self.environment, capture_output=True
        )
        if done.returncode != expect:
            raise Failed(
                f"rowseal {' '.join(arguments)}: exit {done.returncode}, not {expect}\n"
                + done.stderr.decode(errors="replace")
            )
        return done.stdout, done.stderr.decode()

    def step(self, what, act):
        """Does a step, and notes what it did and how long it took."""
        begin = time.monotonic()
        said = act()
        self.lines.append((what, said, time.monotonic() - begin))
        print(f"  {what} …", file=sys.stderr)

    def path(self, name):
        return os.path.join(self.folder, name)

    # --- the steps --------------------------------------------------------------------------

    def make_legacy_app(self):
        self.values, self.canaries = legacy_app.make(self.path("app.db"))
        env_values, env_canaries = legacy_app.make_env_file(self.path("acme.env"))
        self.values.update({("acme", name): text for name, text in env_values.items()})
        self.canaries += env_canaries
        size = sum(len(text.encode()) for text in self.values.values())
        return (
            f"{legacy_app.PROJECTS} projects, {legacy_app.SECRETS} secrets in plaintext, "
            f"and an .env file: {size / 1e6:.0f} MB"
        )

    def init(self):
        self.rowseal("init")
        modes = [oct(os.stat(self.path(name)).st_mode & 0o777) for name in ("secrets.db", "root.key")]
        if modes != ["0o600", "0o600"]:
            raise Failed(f"store and root key have modes {modes}")
        return "a store and its root key, both of mode 0600"

    def import_all(self):
        table = ("--from", "sqlite:app.db", "--table", "secrets", "--project-column", "project_id")
        columns = ("--name-column", "name", "--value-column", "value", "--kind-column", "kind")
        out, _ = self.rowseal("secret", "import", *table, *columns)
        self.rowseal("secret", "import", "acme", "--from", "acme.env")
        return out.decode().strip()

    def import_again(self):
        table = ("--from", "sqlite:app.db", "--table", "secrets", "--project-column", "project_id")
        columns = ("--name-column", "name", "--value-column", "value", "--kind-column", "kind")
        out, _ = self.rowseal("secret", "import", *table, *columns, "--json")
        report = json.loads(out)
        if report["created"] != 0 or report["unchanged"] != legacy_app.SECRETS:
            raise Failed("a second import changed something: " + out.decode())
        return "changes nothing"

    def read_one(self):
        out, _ = self.rowseal("secret", "get", "acme", "DATABASE_URL", "--reason", "demonstration")
        if out != self.values["acme", "DATABASE_URL"].encode():
            raise Failed("the secret read is not the one imported")
        return "equals the original, byte for byte"

    def rotate(self):
        out, _ = self.rowseal("kek", "rotate", "--reason", "demonstration")
        return out.decode().strip()

    def roll_back(self):
        new = subprocess.run(
            [self.program, "secret", "put", "acme", "SENTRY_DSN"],
            cwd=self.folder, env=self.environment, input=b"a wrong value", capture_output=True,
        )
        if new.returncode != 0:
            raise Failed(new.stderr.decode())
        self.rowseal("secret", "rollback", "acme", "SENTRY_DSN", "--version", "1")
        out, _ = self.rowseal("secret", "get", "acme", "SENTRY_DSN")
        if out != self.values["acme", "SENTRY_DSN"].encode():
            raise Failed("the value rolled back to is not the first one")
        return "version 2 was wrong; version 3 holds the value of version 1"

    def flip_a_byte(self):
        where = "WHERE project_id = 'acme' AND secret_id = (SELECT id FROM secret WHERE name = 'QUOTED')"
        with sqlite3.connect(self.path("secrets.db")) as store:
            (stored,) = store.execute(f"SELECT encrypted_data FROM secret_version {where}").fetchone()
            damaged = bytes([stored[0] ^ 1]) + stored[1:]
            store.execute(f"UPDATE secret_version SET encrypted_data = ? {where}", (damaged,))
        store.close()
        _, said = self.rowseal("secret", "get", "acme", "QUOTED", expect=4)
        self.rowseal("verify", expect=4)
        self.rowseal("secret", "get", "acme", "MULTI_LINE")
        with sqlite3.connect(self.path("secrets.db")) as store:
            store.execute(f"UPDATE secret_version SET encrypted_data = ? {where}", (stored,))
        store.close()
        refusal = next(line for line in said.splitlines() if line.startswith("rowseal: error"))
        return refusal.removeprefix("rowseal: error: ")

    def verify(self):
        out, _ = self.rowseal("verify")
        return out.decode().strip()

    def compare_all(self):
        """Reads every secret back, a project at a time, and compares it with the original."""
        projects = sorted({project for project, _ in self.values})
        compared = 0
        for project in projects:
            out, _ = self.rowseal("secret", "export", project, "--format", "json")
            for name, text in json.loads(out).items():
                original = self.values[project, name].encode()
                if hashlib.sha256(text.encode()).digest() != hashlib.sha256(original).digest():
                    raise Failed(f"secret '{name}' of project {project} is not what was imported")
                compared += 1
        if compared != len(self.values):
            raise Failed(f"{compared} secrets came back of {len(self.values)}")
        return f"{compared} values read back, all equal to their originals (SHA-256)"

    def find_plaintext(self):
        """Looks for a part of every value in every file of Rowseal's, and in the app's as a check."""
        patterns = self.path("canaries")
        with open(patterns, "w", encoding="utf-8") as file:
            file.write("\n".join(self.canaries) + "\n")
        files = [name for name in os.listdir(self.folder) if name.startswith(("secrets.db", "root"))]

        def found(name):
            command = ["grep", "-aoF", "-f", patterns, self.path(name)]
            output = subprocess.run(command, capture_output=True, env={"LC_ALL": "C"}).stdout
            return len(set(output.splitlines()))

        if found("app.db") < legacy_app.SECRETS / 2:
            raise Failed("the search does not even find the plaintext of the app's own database")
        leaks = sum(found(name) for name in files)
        os.unlink(patterns)
        if leaks:
            raise Failed(f"{leaks} pieces of plaintext stand in {', '.join(files)}")
        return f"{len(self.canaries)} pieces of plaintext looked for in {', '.join(sorted(files))}: none"

    def run(self):
        self.step("legacy app", self.make_legacy_app)
        self.step("init", self.init)
        self.step("import", self.import_all)
        self.step("import again", self.import_again)
        self.step("read one", self.read_one)
        self.step("rotate the KEK", self.rotate)
        self.step("roll back", self.roll_back)
        self.step("flip a byte", self.flip_a_byte)
        self.step("verify", self.verify)
        self.step("compare all", self.compare_all)
        self.step("no plaintext", self.find_plaintext)

    def summary(self):
        print("\nRowseal, end to end:\n")
        for what, said, seconds in self.lines:
            print(f"  {what:<15} {seconds:6.2f} s   {said}")
        total = sum(seconds for _, _, seconds in self.lines)
        print(f"  {'in all':<15} {total:6.2f} s\n")


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    demo = Demo(os.path.abspath(sys.argv[1]), sys.argv[2])
    try:
        demo.run()
    except Failed as failure:
        print(f"demo: failed: {failure}", file=sys.stderr)
        return 1
    demo.summary()
    return 0


if __name__ == "__main__":
    sys.exit(main())
