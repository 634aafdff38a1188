#!/usr/bin/python3
"""Tests the vectors of docs/spec and its reader, without the library: the committed file is what the
script writes, and a store that holds exactly the vectors' rows is read, or refused when it was
changed. Exits 77 where python3-cryptography is missing; what needs python3-argon2 is skipped without
it."""
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEC = os.path.join(ROOT, "docs", "spec")
SCHEMA = os.path.join(ROOT, "src", "store", "schema", "sqlite", "0001_initial.sql")
sys.path.insert(0, SPEC)

try:
    import make_vectors
    import reference_reader
except ImportError as missing:
    print("skipped: %s (Debian: python3-cryptography)" % missing)
    sys.exit(77)

try:
    import argon2  # noqa: F401  (passphrases need it)
    WITHOUT_ARGON2 = None
except ImportError:
    WITHOUT_ARGON2 = "passphrases: python3-argon2 is not installed"
    print("skipped: " + WITHOUT_ARGON2)

with open(os.path.join(SPEC, "vectors.json"), encoding="utf-8") as committed:
    VECTORS = json.load(committed)
LABELS = {row["id"]: row["label"] for row in make_vectors.COLUMNS}


def connect(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    return db


def insert(db, table, **columns):
    db.execute("INSERT INTO %s (%s) VALUES (%s)" % (table, ", ".join(columns),
                                                    ", ".join("?" * len(columns))),
               list(columns.values()))


def insert_tagged(db, vector, **more):
    row = {name: bytes.fromhex(value) if name in ("fingerprint", "public_part", "check_value")
           else value for name, value in vector["row"].items()}
    insert(db, vector["table"], **row, row_tag=bytes.fromhex(vector["tag"]), created_at=0, **more)


def make_store(path):
    """Writes the vectors' rows into a new store."""
    db = connect(path)
    with open(SCHEMA, encoding="utf-8") as schema:
        db.executescript(schema.read())
    db.executescript("PRAGMA application_id = 0x52534C31; PRAGMA user_version = 1")
    insert(db, "installation", singleton=1, **VECTORS["trust_tag"]["row"],
           trust_tag=bytes.fromhex(VECTORS["trust_tag"]["tag"]), created_at=0)
    deks = {dek["id"]: dek for dek in VECTORS["deks"]}
    for vector in VECTORS["row_tags"]:
        if vector["table"] == "dek":
            project = vector["row"].pop("project")
            wrapped = bytes.fromhex(deks[vector["row"]["id"]]["wrapped_key"])
            insert_tagged(db, vector, project_id=project, wrapped_key=wrapped, kek_id=2)
            vector["row"]["project"] = project
        else:
            insert_tagged(db, vector)
    for wrapping in VECTORS["wrappings"]:
        insert(db, "kek_wrapping", kek_id=wrapping["kek_id"], root_id=1,
               secret=bytes.fromhex(wrapping["secret"]), key=bytes.fromhex(wrapping["key"]))
    for v in VECTORS["secret_versions"]:
        entry = "entry of " + v["secret_id"]
        insert(db, "secret", project_id="42", id=v["secret_id"], name=v["name"], kind=v["kind"],
               next_version=v["version"] + 1, created_at=0)
        insert(db, "secret_version", project_id="42", secret_id=v["secret_id"],
               version=v["version"], dek_id=v["dek_id"], nonce=bytes.fromhex(v["nonce"]),
               encrypted_data=bytes.fromhex(v["encrypted_data"]), expires_at=v["expires_at"],
               created_at=0, created_by="test")
        insert(db, "audit_log", project_id="42", id=entry, at=0, actor="test", reason="",
               action="put", outcome="done", object="")
        insert(db, "audit_item", project_id="42", entry_id=entry, secret_id=v["secret_id"],
               version=v["version"], write_mac=bytes.fromhex(v["write_mac"]))
    db.commit()
    db.close()


class VectorsTest(unittest.TestCase):
    @unittest.skipIf(WITHOUT_ARGON2, WITHOUT_ARGON2)
    def test_CommittedFileIsWhatTheScriptWrites(self):
        written = subprocess.run([sys.executable, os.path.join(SPEC, "make_vectors.py")],
                                 check=True, stdout=subprocess.PIPE).stdout
        with open(os.path.join(SPEC, "vectors.json"), "rb") as file:
            self.assertEqual(file.read(), written)

    def test_PublishedXaesAnswersStand(self):
        # https://c2sp.org/XAES-256-GCM, "Test vectors"
        self.assertEqual([vector["sealed"] for vector in VECTORS["xaes"]],
                         ["ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
                          "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"])

    def test_ReaderRefusesWhatTheSpecificationRefuses(self):
        for vector in VECTORS["root_keys_refused"]:
            with self.subTest(vector["name"]), self.assertRaises(reference_reader.RootKeyError):
                reference_reader.decode_root_key(vector["text"].encode())
        for vector in VECTORS["passphrase_parts_refused"]:
            with self.subTest(vector["name"]):
                try:
                    part = bytes.fromhex(vector["public_part"])
                    self.assertIsNone(reference_reader.decode_passphrase_part(part))
                except reference_reader.IntegrityError:
                    pass
        for vector in VECTORS["sealed_values_refused"]:
            with self.subTest(vector["name"]), self.assertRaises(reference_reader.IntegrityError):
                reference_reader.decode_sealed_value(vector["text"])
        for vector in VECTORS["wrapped_keys_refused"]:
            with self.subTest(vector["name"]), self.assertRaises(reference_reader.IntegrityError):
                reference_reader.unwrap(bytes(32), bytes.fromhex(vector["wrapped_key"]), b"")
        for vector in VECTORS["paddings_refused"]:
            with self.subTest(vector["name"]), self.assertRaises(reference_reader.IntegrityError):
                reference_reader.unpad(bytes.fromhex(vector["padded"]))


class ReaderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.store, self.values = folder.name + "/store.db", folder.name + "/values.jsonl"
        self.root = folder.name + "/root.key"
        make_store(self.store)
        with open(self.root, "w", encoding="utf-8") as file:
            file.write(VECTORS["root_keys"][0]["text"] + "\n")
        with open(self.values, "w", encoding="utf-8") as file:
            for vector in VECTORS["sealed_values"]:
                file.write(json.dumps({"project": vector["project"], "sealed": vector["text"],
                                       "label": LABELS[vector["column_id"]],
                                       "row_key": vector["row_key"]}) + "\n")

    def read(self):
        """Runs the reader in this process, which is quick; gives its status, lines and messages."""
        arguments, out, err = sys.argv, sys.stdout, sys.stderr
        sys.argv = ["reader", "--store", self.store, "--root-key-file", self.root,
                    "--values", self.values]
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            status = reference_reader.main()
            return (status, [json.loads(line) for line in sys.stdout.getvalue().splitlines()],
                    sys.stderr.getvalue())
        finally:
            sys.argv, sys.stdout, sys.stderr = arguments, out, err

    def change(self, sql, *parameters):
        db = connect(self.store)
        self.assertGreater(db.execute(sql, parameters).rowcount, 0, sql)
        db.commit()
        db.close()

    def test_EveryRowOpens(self):
        status, lines, messages = self.read()
        self.assertEqual((status, messages), (0, ""))
        expected = VECTORS["secret_versions"] + VECTORS["sealed_values"]
        self.assertEqual(sorted(line["sha256"] for line in lines),
                         sorted(hashlib.sha256(bytes.fromhex(vector["value"])).hexdigest()
                                for vector in expected))

    def test_EveryFlippedBitIsRefused(self):
        # One bit of the first, a middle and the last byte of every BLOB that the forms cover.
        columns = [("installation", "trust_tag"), ("root_key", "fingerprint"),
                   ("root_key", "row_tag"), ("kek", "check_value"), ("kek", "row_tag"),
                   ("kek_wrapping", "secret"), ("kek_wrapping", "key"), ("dek", "check_value"),
                   ("dek", "wrapped_key"), ("dek", "row_tag"), ("secret_version", "nonce"),
                   ("secret_version", "encrypted_data"), ("sealed_column", "row_tag"),
                   ("audit_item", "write_mac")]
        flipped = 0
        for table, column in columns:
            db = connect(self.store)
            rows = db.execute("SELECT rowid, %s FROM %s" % (column, table)).fetchall()
            db.close()
            for rowid, stored in rows:
                for at in (0, len(stored) // 2, len(stored) - 1):
                    changed = bytearray(stored)
                    changed[at] ^= 1 << at % 8
                    update = "UPDATE %s SET %s = ? WHERE rowid = ?" % (table, column)
                    self.change(update, bytes(changed), rowid)
                    status, _, messages = self.read()
                    self.change(update, stored, rowid)
                    # The one root's fingerprint is what the root key is recognised by.
                    self.assertEqual(status, 6 if column == "fingerprint" else 4,
                                     (table, column, rowid, at))
                    self.assertIn("error", messages)
                    flipped += 1
        self.assertGreater(flipped, 60)
        self.assertEqual(self.read()[0], 0)

    def test_EveryEditOfATrustedOrBoundColumnIsRefused(self):
        edits = [("installation", "epoch = 2"), ("installation", "next_kek_id = 12"),
                 ("installation", "next_root_id = 3"), ("installation", "integrity_kek_id = 2"),
                 ("installation", "projects_table = 'public.projects'"),
                 ("installation", "project_key_type = 'uuid'"),
                 ("installation", "id = '%s'" % VECTORS["other_installation"]),
                 ("root_key", "uri = 'file:/tmp/other'"), ("root_key", "scope = '42'"),
                 ("root_key", "public_part = x'00'"), ("root_key", "state = 'compromised'"),
                 ("root_key", "revision = 2"), ("kek", "scope = '42'"),
                 ("kek", "suite = 2"), ("kek", "suite = 300"), ("kek", "state = 'destroyed'"),
                 ("kek", "resumes_to = 'active'"), ("kek", "revision = 9"),
                 ("dek", "kek_id = 10"), ("dek", "purpose = 'digest'"), ("dek", "suite = 2"),
                 ("dek", "state = 'suspended'"), ("dek", "revision = 5"),
                 ("secret", "name = 'other' || substr(id, 1, 4)"), ("secret", "kind = 'other'"),
                 ("secret_version", "version = 7"), ("secret_version", "expires_at = 1"),
                 ("sealed_column", "label = 'other' || id"),
                 ("sealed_column", "context = CASE context WHEN 'cell' THEN 'field' ELSE 'cell' END"),
                 ("sealed_column", "state = 'suspended'"), ("sealed_column", "revision = 4")]
        for table, edit in edits:
            with self.subTest(table + ": " + edit):
                make_store_again(self.store)
                self.change("UPDATE %s SET %s" % (table, edit))
                self.assertEqual(self.read()[0], 4)

    def test_DeletedRowsAreNoticed(self):
        for table in ("kek_wrapping WHERE kek_id = 10", "kek WHERE id = 10",
                      "dek WHERE purpose = 'secret'", "secret_version WHERE version = 1",
                      "audit_item WHERE version = 1", "sealed_column"):
            with self.subTest(table):
                make_store_again(self.store)
                self.change("DELETE FROM " + table)
                self.assertEqual(self.read()[0], 4)

    def test_RemovedNewestVersionIsNoticed(self):
        # The log tells of a version 2 that is not there.
        self.change("INSERT INTO audit_item SELECT 99, project_id, entry_id, secret_id, 2, write_mac"
                    " FROM audit_item WHERE version = 1")
        status, _, messages = self.read()
        self.assertEqual(status, 4)
        self.assertIn("a newer version was written", messages)

    def test_VanishedSecretIsNoticedUnlessItWasDeleted(self):
        secret = make_vectors.SECRETS[0]
        self.change("DELETE FROM secret_version WHERE secret_id = ?", secret)
        self.change("DELETE FROM secret WHERE id = ?", secret)
        status, lines, messages = self.read()
        self.assertEqual((status, len(lines)), (4, 5))
        self.assertIn("not deleted: 42 " + secret, messages)
        self.change("INSERT INTO audit_log VALUES ('42', 'e', 0, '', '', 'delete', 'done', ?)",
                    secret)
        self.assertEqual(self.read()[0], 0)

    def test_CounterThatKnowsANewerVersionIsNoticed(self):
        self.change("UPDATE secret SET next_version = 3 WHERE id = ?", make_vectors.SECRETS[0])
        self.assertEqual(self.read()[0], 4)

    def test_SecretSealedUnderAKeyOfAnotherPurposeIsRefused(self):
        # Sealed as the specification says, but with the project's DEK for values.
        secret, project = make_vectors.SECRETS[0], "clé-日本"
        context = reference_reader.fields("rowseal/v1/secret", VECTORS["installation"], project,
                                          secret, "n", "workflow", 1, None)
        nonce = bytes(range(24))
        data = make_vectors.seal(make_vectors.VALUE_DEK_KEY, nonce, make_vectors.pad(b"v"), context)
        self.change("INSERT INTO secret VALUES (?, ?, 'n', 'workflow', 2, 0)", project, secret)
        self.change("INSERT INTO secret_version VALUES (?, ?, 1, ?, ?, ?, NULL, 0, 'x')", project,
                    secret, make_vectors.VALUE_DEK, nonce, data)
        status, lines, messages = self.read()
        self.assertEqual((status, len(lines)), (4, 6))
        self.assertIn("for another purpose", messages)

    def test_ValueOfAnotherContextKindThanItsColumnIsRefused(self):
        # A true field envelope, for the column that is registered as cell.
        context = reference_reader.fields("rowseal/v1/value", VECTORS["installation"], "clé-日本",
                                          make_vectors.CELL_COLUMN, "field")
        nonce = bytes(range(24))
        dek_id = bytes.fromhex(make_vectors.VALUE_DEK.replace("-", ""))
        sealed = make_vectors.seal(make_vectors.VALUE_DEK_KEY, nonce, make_vectors.pad(b"v"), context)
        text = "rs1." + make_vectors.base64url(b"\x01\x01\x01" + dek_id + nonce + sealed)
        with open(self.values, "w", encoding="utf-8") as file:
            file.write(json.dumps({"project": "clé-日本", "sealed": text,
                                   "label": LABELS[make_vectors.CELL_COLUMN]}) + "\n")
        status, lines, messages = self.read()
        self.assertEqual((status, len(lines)), (4, 3))
        self.assertIn("another kind of context", messages)

    def test_DamagedRowLeavesTheOthersReadable(self):
        self.change("UPDATE secret_version SET encrypted_data = zeroblob(48) WHERE version = 1")
        status, lines, messages = self.read()
        self.assertEqual(status, 4)
        self.assertEqual(len(lines), 5)
        self.assertEqual(messages.count("error:"), 1)
        self.assertIn("secret_version 42 %s 1" % make_vectors.SECRETS[0], messages)

    def test_ValueMovedToAnotherRowIsRefused(self):
        with open(self.values, encoding="utf-8") as file:
            moved = file.read().replace('["17"]', '["18"]')
        with open(self.values, "w", encoding="utf-8") as file:
            file.write(moved)
        status, lines, _ = self.read()
        self.assertEqual((status, len(lines)), (4, 5))

    def test_AnotherRootKeyIsRefused(self):
        with open(self.root, "w", encoding="utf-8") as file:
            file.write(VECTORS["root_keys"][1]["text"])
        self.assertEqual(self.read()[:2], (6, []))

    def test_OtherFilesAndNewerFormatsAreRefused(self):
        for pragma in ("PRAGMA user_version = 2", "PRAGMA application_id = 0"):
            make_store_again(self.store)
            db = connect(self.store)
            db.executescript(pragma)
            db.close()
            self.assertEqual(self.read()[0], 7)


def make_store_again(path):
    os.remove(path)
    make_store(path)


if __name__ == "__main__":
    unittest.main()
