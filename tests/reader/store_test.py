#!/usr/bin/python3
"""Makes a store with the program, in every way that writes a row, and opens all of it with the
reader of docs/spec: two programs that share nothing but the specification.

    store_test.py PATH_OF_ROWSEAL          Exits 77 where python3-cryptography is missing.
"""
import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

try:
    import cryptography  # noqa: F401  (the reader needs it)
except ImportError:
    print("skipped: python3-cryptography is not installed")
    sys.exit(77)

try:
    import argon2  # noqa: F401  (the reader needs it for a passphrase)
    WITHOUT_ARGON2 = None
except ImportError:
    WITHOUT_ARGON2 = "passphrases: python3-argon2 is not installed"
    print("skipped: " + WITHOUT_ARGON2)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
READER = os.path.join(ROOT, "docs", "spec", "reference_reader.py")
ROWSEAL = ""
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ROWSEAL_")}
CLEAN["ROWSEAL_STATE"] = "none"  # older copies are put in place on purpose


class Expected:
    """What the store must hold: each kept version, and each sealed value, with its plaintext."""

    def __init__(self):
        self.versions = {}  # (project, name, version) → (kind, expires_at is set, plaintext)
        self.values = []  # (project, label, row key, text, plaintext)


class StoreTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = cls.folder.name + "/secrets.db"
        cls.root = cls.folder.name + "/root.key"
        cls.expected = Expected()
        cls.rowseal("init")
        cls.put_secrets()
        cls.seal_values()
        cls.rowseal("kek", "rotate")
        cls.put("acme", "after rotation", b"v", kind="workflow")
        cls.rowseal("kek", "rotate")
        cls.rowseal("verify")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def rowseal(cls, *arguments, data=b"", path=None):
        done = subprocess.run(
            [ROWSEAL, *arguments, "--store", "sqlite:" + (path or cls.path), "--root",
             "file:" + cls.root], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=CLEAN, check=False)
        if done.returncode != 0:
            raise AssertionError("rowseal %s: %d %s" % (" ".join(arguments), done.returncode,
                                                        done.stderr.decode(errors="replace")))
        return done.stdout

    @classmethod
    def put(cls, project, name, value, kind="workflow", more=()):
        cls.rowseal("secret", "put", project, name, "--kind", kind, *more, data=value)
        version = 1 + max([v for p, n, v in cls.expected.versions if (p, n) == (project, name)] or [0])
        cls.expected.versions[project, name, version] = (kind, bool(more), value)

    @classmethod
    def put_secrets(cls):
        for size in (0, 1, 31, 32, 33, 64, 4095, 65536):
            cls.put("acme", "size %d" % size, bytes(i * 7 & 0xFF for i in range(size)),
                    "webhook" if size > 1 else "workflow")
        cls.put("acme", "token", b"tok_live_1\n", "access_token")
        cls.put("acme", "token", b"tok_live_2\n", "access_token")
        cls.put("42", "clé de signature 🔑", "välue – 日本\x00\x80".encode(), "webhook")
        # The same letters, composed and decomposed, are two names.
        cls.put("日本", "caf\u00e9", b"composed")
        cls.put("日本", "cafe\u0301", b"decomposed")
        cls.put("8f14e45f-ceea-467f-9575-1c1b5a7d3c01", "n" * 255, b"\x80" + bytes(40))
        cls.put("system", "expires", b"later", "workflow", ("--expires", "2099-01-02T03:04:05Z"))
        for value in (b"one", b"two", b"three"):
            cls.put("acme", "old name", value)
        cls.rowseal("secret", "rename", "acme", "old name", "new name ✓")
        for version, value in enumerate((b"one", b"two", b"three"), 1):
            del cls.expected.versions["acme", "old name", version]
            cls.expected.versions["acme", "new name ✓", version] = ("workflow", False, value)
        cls.rowseal("secret", "rollback", "acme", "new name ✓", "--version", "1")
        cls.expected.versions["acme", "new name ✓", 4] = ("workflow", False, b"one")
        cls.rowseal("secret", "expire", "acme", "new name ✓", "--at", "2099-01-01T00:00:00Z")
        cls.expected.versions["acme", "new name ✓", 4] = ("workflow", True, b"one")
        cls.put("acme", "gone", b"deleted")
        cls.rowseal("secret", "rm", "acme", "gone", "--yes")
        del cls.expected.versions["acme", "gone", 1]

    @classmethod
    def seal_values(cls):
        cls.rowseal("column", "add", "workflows.definition")
        cls.rowseal("column", "add", "webhooks.signing key", "--context", "cell")
        for project, label, row_key, value in (
                ("acme", "workflows.definition", [], b'{"a": 1}'),
                ("日本", "workflows.definition", [], b""),
                ("acme", "webhooks.signing key", ["17"], b"\x00\xff" * 100),
                ("acme", "webhooks.signing key", ["17", "日本"], b"two key columns")):
            rows = [argument for part in row_key for argument in ("--row", part)]
            text = cls.rowseal("value", "seal", project, label, *rows, data=value)
            cls.expected.values.append((project, label, row_key, text.decode().rstrip("\n"), value))
        cls.rowseal("column", "remove", "workflows.definition")

    def read(self, path, root=None):
        values = self.folder.name + "/values.jsonl"
        with open(values, "w", encoding="utf-8") as file:
            for project, label, row_key, text, _ in self.expected.values:
                file.write(json.dumps({"project": project, "label": label, "row_key": row_key,
                                       "sealed": text}) + "\n")
        done = subprocess.run([sys.executable, READER, "--store", path, "--root-key-file",
                               root or self.root, "--values", values], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        return (done.returncode, [json.loads(line) for line in done.stdout.splitlines()],
                done.stderr.decode())

    def copy(self):
        """A copy of the store that a test may damage."""
        path = self.folder.name + "/copy.db"
        for end in ("", "-wal", "-shm"):
            if os.path.exists(path + end):
                os.remove(path + end)
            if os.path.exists(self.path + end):
                shutil.copy(self.path + end, path + end)
        return path

    def change(self, path, sql, *parameters):
        """Runs a statement as somebody who can write the file."""
        with contextlib.closing(sqlite3.connect(path)) as db:
            self.assertGreater(db.execute(sql, parameters).rowcount, 0, sql)
            db.commit()

    @staticmethod
    def rows(path, sql, *parameters):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, parameters)]

    def key_of(self, path, name):
        (row,) = self.rows(path, "SELECT project_id, id FROM secret WHERE name = ?", name)
        return row["project_id"], row["id"]

    def expect(self, path, *findings, missing=0):
        """The reader opens all but `missing` rows, and says exactly these."""
        status, lines, messages = self.read(path)
        self.assertEqual((status, len(lines)), (4 if findings else 0, len(self.expected.versions)
                                                + len(self.expected.values) - missing), messages)
        self.assertEqual(sorted(line.split("error: ", 1)[1] for line in messages.splitlines()),
                         sorted(findings))

    def get(self, path, *arguments):
        """What a get of the program says: its status and its output."""
        done = subprocess.run([ROWSEAL, "secret", "get", *arguments, "--store", "sqlite:" + path,
                               "--root", "file:" + self.root], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=CLEAN, check=False)
        return done.returncode, done.stdout

    def test_EveryRowOpensToWhatWasStored(self):
        status, lines, messages = self.read(self.path)
        self.assertEqual((status, messages), (0, ""))
        found = {(line["project"], line["name"], line["version"]):
                 (line["kind"], line["expires_at"] is not None, line["sha256"], line["size"])
                 for line in lines if "name" in line}
        wanted = {key: (kind, expires, hashlib.sha256(value).hexdigest(), len(value))
                  for key, (kind, expires, value) in self.expected.versions.items()}
        self.assertEqual(found, wanted)
        self.assertEqual([line["sha256"] for line in lines if "label" in line],
                         [hashlib.sha256(value).hexdigest() for *_, value in self.expected.values])

        db = sqlite3.connect(self.path)
        rows = db.execute("SELECT count(*) FROM secret_version").fetchone()[0]
        db.close()
        self.assertEqual(len(found), rows)

    def test_ReaderShowsNoPlaintextUnlessAsked(self):
        _, lines, _ = self.read(self.path)
        self.assertNotIn("tok_live", json.dumps(lines))
        done = subprocess.run([sys.executable, READER, "--store", self.path, "--root-key-file",
                               self.root, "--reveal"], stdout=subprocess.PIPE, check=True)
        self.assertIn(b'"value_base64": "dG9rX2xpdmVfMQo="', done.stdout)

    def test_EveryFlippedByteIsRefused(self):
        # One byte in the middle of one row's column; both the reader and the program refuse.
        for table, column in (("installation", "trust_tag"), ("root_key", "row_tag"),
                              ("kek", "check_value"), ("kek", "row_tag"),
                              ("kek_wrapping", "secret"), ("kek_wrapping", "key"),
                              ("dek", "check_value"), ("dek", "wrapped_key"), ("dek", "row_tag"),
                              ("secret_version", "nonce"), ("secret_version", "encrypted_data"),
                              ("version_mac", "mac"), ("secret_mac", "mac")):
            path = self.copy()
            db = sqlite3.connect(path)
            rowid, stored = db.execute("SELECT rowid, %s FROM %s ORDER BY rowid DESC LIMIT 1"
                                       % (column, table)).fetchone()
            at = len(stored) // 2
            changed = stored[:at] + bytes([stored[at] ^ 0x10]) + stored[at + 1:]
            db.execute("UPDATE %s SET %s = ? WHERE rowid = ?" % (table, column), (changed, rowid))
            db.commit()
            db.close()
            with self.subTest(table + "." + column):
                self.assertEqual(self.read(path)[0], 4)
                verify = subprocess.run([ROWSEAL, "verify", "--store", "sqlite:" + path, "--root",
                                         "file:" + self.root], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=CLEAN, check=False)
                self.assertEqual(verify.returncode, 4)

    def test_RemovedNewestVersionIsNoticedAlsoWithTheCounterTurnedBack(self):
        path = self.copy()
        key = self.key_of(path, "token")
        for table in ("version_mac", "secret_version"):
            self.change(path, "DELETE FROM %s WHERE (project_id, secret_id) = (?, ?)"
                              " AND version = 2" % table, *key)
        self.expect(path, "secret %s %s: version 2 is missing" % key, missing=1)
        self.assertEqual(self.verify(path), (4, ["secret_version %s/%s/2" % key]))
        self.assertEqual(self.get(path, "acme", "token"), (4, b""))
        self.change(path, "UPDATE secret SET next_version = 2 WHERE (project_id, id) = (?, ?)", *key)
        self.expect(path, "secret %s %s: it is not what was written last" % key, missing=1)
        self.assertEqual(self.verify(path), (4, ["secret %s/%s" % key]))
        self.assertEqual(self.get(path, "acme", "token"), (4, b""))

    def test_DeletedOlderVersionIsNoticedByReaderAndProgram(self):
        path = self.copy()
        key = self.key_of(path, "new name ✓")
        for table in ("version_mac", "secret_version"):
            self.change(path, "DELETE FROM %s WHERE (project_id, secret_id) = (?, ?)"
                              " AND version = 2" % table, *key)
        self.expect(path, "secret %s %s: version 2 is missing" % key, missing=1)
        self.assertEqual(self.verify(path), (4, ["secret_version %s/%s/2" % key]))

    def test_OlderRowPutBackIsNoticedByReaderAndProgram(self):
        path = self.copy()
        key = self.key_of(path, "token")
        where = " FROM secret_version WHERE (project_id, secret_id) = (?, ?) AND version = 1"
        (old,) = self.rows(path, "SELECT dek_id, nonce, encrypted_data" + where, *key)
        self.rowseal("dek", "rotate", "--all", path=path)  # seals every version again
        (new,) = self.rows(path, "SELECT nonce" + where, *key)
        self.assertNotEqual(old["nonce"], new["nonce"])
        self.assertEqual(self.rows(path, "SELECT write_count FROM version_mac WHERE"
                                         " (project_id, secret_id) = (?, ?) AND version = 1", *key),
                         [{"write_count": 2}])
        self.expect(path)
        self.change(path, "UPDATE secret_version SET dek_id = ?, nonce = ?, encrypted_data = ?"
                          " WHERE (project_id, secret_id) = (?, ?) AND version = 1",
                    *old.values(), *key)
        self.expect(path, "secret_version %s %s 1: it opens, but it is not what was written last"
                    % key)
        self.assertEqual(self.verify(path), (4, ["secret_version %s/%s/1" % key]))
        self.assertEqual(self.get(path, "acme", "token", "--version", "1"), (4, b""))

    def test_MissingMacIsNoticedByReaderAndProgram(self):
        path = self.copy()
        key = self.key_of(path, "token")
        self.change(path, "DELETE FROM version_mac WHERE (project_id, secret_id) = (?, ?)"
                          " AND version = 2", *key)
        self.expect(path, "secret_version %s %s 2: it opens, but version_mac has no row of it" % key)
        self.assertEqual(self.verify(path), (4, ["secret_version %s/%s/2" % key]))
        path = self.copy()
        self.change(path, "DELETE FROM secret_mac WHERE (project_id, secret_id) = (?, ?)", *key)
        self.expect(path, "secret %s %s: secret_mac has no row of it" % key)
        self.assertEqual(self.verify(path), (4, ["secret %s/%s" % key]))
        self.assertEqual(self.get(path, "acme", "token"), (4, b""))

    def test_EveryEditOfAWrittenRowIsNoticedByReaderAndProgram(self):
        for edit in ("secret SET next_version = next_version + 1",
                     "secret SET lowest_version = lowest_version + 1",
                     "secret SET created_at = created_at - 1", "secret SET attributes = '{}'",
                     "secret_mac SET write_count = write_count + 1",
                     "version_mac SET write_count = write_count + 1",
                     "secret_version SET created_at = created_at - 1",
                     "dek SET born_epoch = born_epoch + 1"):
            path = self.copy()
            self.change(path, "UPDATE " + edit)
            with self.subTest(edit):
                self.assertEqual(self.read(path)[0], 4)
                self.assertEqual(self.verify(path)[0], 4)

    def test_DekFromBeforeACompromiseIsNamedAndNotUsed(self):
        path = self.copy()
        key = self.key_of(path, "token")
        where = " WHERE (project_id, secret_id) = (?, ?) AND version = 2"
        (old,) = self.rows(path, "SELECT dek_id, nonce, encrypted_data FROM secret_version" + where,
                           *key)
        (old_mac,) = self.rows(path, "SELECT write_count, mac FROM version_mac" + where, *key)
        (active,) = [kek["id"] for kek in json.loads(self.rowseal("kek", "list", "--json",
                                                                  path=path))["keks"]
                     if kek["state"] == "active"]
        self.rowseal("kek", "compromised", str(active), "--yes", path=path)
        (floor,) = self.rows(path, "SELECT * FROM scope_floor")
        self.assertEqual((floor["scope"], floor["secrets_floor"]), ("default", floor["seal_floor"]))
        self.assertGreater(floor["seal_floor"], 1)
        self.expect(path)  # values of columns without a place stay under their DEKs

        # With the MAC of its time, only the floor tells it from what was written last.
        self.change(path, "UPDATE secret_version SET dek_id = ?, nonce = ?, encrypted_data = ?"
                          + where, *old.values(), *key)
        self.change(path, "UPDATE version_mac SET write_count = ?, mac = ?" + where,
                    *old_mac.values(), *key)
        status, lines, messages = self.read(path)
        self.assertEqual((status, messages.count("error:")), (4, 1), messages)
        self.assertIn("secret_version %s %s 2: it opens, but its DEK is from epoch" % key, messages)
        self.assertIn("the secrets_floor of scope default is %d" % floor["secrets_floor"], messages)
        self.assertEqual(self.get(path, "acme", "token"), (7, b""))

        self.change(path, "UPDATE scope_floor SET secrets_floor = 0")
        self.assertEqual(self.read(path)[:2], (4, []))
        self.assertEqual(self.get(path, "acme", "token"), (4, b""))

    def test_TextThatIsNotUtf8StopsItsRowOnly(self):
        path = self.copy()
        db = sqlite3.connect(path)
        db.execute("UPDATE secret SET name = CAST(x'66ff' AS TEXT) WHERE name = 'size 0'")
        db.commit()
        db.close()
        status, lines, messages = self.read(path)
        self.assertEqual((status, len(lines)), (4, len(self.expected.versions)
                                                + len(self.expected.values) - 1))
        self.assertEqual(messages.count("error:"), 2)  # the row of secret, and the version
        status, rows = self.verify(path)
        self.assertEqual(status, 4)
        self.assertEqual([row.split("/")[0] for row in rows], ["secret acme", "secret_version acme"])
        db = sqlite3.connect(path)
        db.execute("UPDATE secret_version SET secret_id = CAST(x'66ff' AS TEXT)"
                   " WHERE secret_id = (SELECT id FROM secret WHERE name = 'size 1')")
        db.commit()
        db.close()
        self.assertEqual(self.read(path)[0], 4)
        status, rows = self.verify(path)
        self.assertEqual(status, 4)
        self.assertGreater(len(rows), 1)

    def verify(self, path):
        """What the program says: its status and the rows that it names."""
        done = subprocess.run([ROWSEAL, "verify", "--json", "--store", "sqlite:" + path, "--root",
                               "file:" + self.root], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=CLEAN, check=False)
        return (done.returncode, [failure["row"] for failure in json.loads(done.stdout)["failures"]])

    @unittest.skipIf(WITHOUT_ARGON2, WITHOUT_ARGON2)
    def test_StoreWithAPassphraseOpensWithItAndNoOther(self):
        path = self.folder.name + "/words.db"
        for name, text in (("words", "clé orbit walnut 日本\n"), ("other", "clé orbit walnut\n")):
            with open(self.folder.name + "/" + name, "w", encoding="utf-8",
                      opener=lambda file, flags: os.open(file, flags, 0o600)) as file:
                file.write(text)
        given = ["--store", "sqlite:" + path, "--root", "passphrase:@" + self.folder.name + "/words"]
        for arguments, data in ((["init"], b""), (["secret", "put", "acme", "n"], b"value"),
                                (["kek", "rotate"], b"")):
            subprocess.run([ROWSEAL, *arguments, *given], input=data, check=True, env=CLEAN,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def read(name):
            return subprocess.run([sys.executable, READER, "--store", path, "--passphrase-file",
                                   self.folder.name + "/" + name], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False)
        done = read("words")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(json.loads(done.stdout)["sha256"], hashlib.sha256(b"value").hexdigest())
        done = read("other")
        self.assertEqual((done.returncode, done.stdout), (6, b""))
        self.assertEqual(self.read(path)[:2], (6, []))

    def test_AnotherRootKeyIsRefused(self):
        other = self.folder.name + "/other.key"
        if not os.path.exists(other):
            subprocess.run([ROWSEAL, "root", "keygen", "--output", other], check=True, env=CLEAN,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(self.read(self.path, other)[:2], (6, []))


if __name__ == "__main__":
    ROWSEAL = sys.argv.pop(1)
    unittest.main()
