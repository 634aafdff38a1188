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
SCHEMA = os.path.join(ROOT, "src", "store", "schema", "sqlite")
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


def make_store(path, trust=VECTORS):
    """Writes the vectors' rows into a new store; `trust` holds the set of roots and KEKs."""
    db = connect(path)
    for name in sorted(os.listdir(SCHEMA)):
        with open(os.path.join(SCHEMA, name), encoding="utf-8") as schema:
            db.executescript(schema.read())
    db.executescript("PRAGMA application_id = 0x52534C31; PRAGMA user_version = 3")
    insert(db, "installation", singleton=1, **trust["trust_tag"]["row"],
           trust_tag=bytes.fromhex(trust["trust_tag"]["tag"]), created_at=0)
    deks = {dek["id"]: dek for dek in VECTORS["deks"]}
    for vector in trust["row_tags"]:
        if vector["table"] in ("root_key", "kek"):
            insert_tagged(db, vector)
    for vector in VECTORS["row_tags"]:
        if vector["table"] == "dek":
            wrapped = bytes.fromhex(deks[vector["row"]["id"]]["wrapped_key"])
            insert_tagged(db, vector, wrapped_key=wrapped, kek_id=2)
        elif vector["table"] == "sealed_column":
            insert_tagged(db, vector)
    for wrapping in trust["wrappings"]:
        insert(db, "kek_wrapping", kek_id=wrapping["kek_id"], root_id=wrapping["root_id"],
               secret=bytes.fromhex(wrapping["secret"]), key=bytes.fromhex(wrapping["key"]))
    for floor in trust["floors"]:
        insert(db, "scope_floor", **floor)
    for head, v in zip(VECTORS["secret_heads"], VECTORS["secret_versions"]):
        insert_head(db, head)
        insert_version(db, v)
    db.commit()
    db.close()


def insert_head(db, head):
    project = head["project_id"]
    insert(db, "secret", project_id=project, id=head["secret_id"],
           **{name: head[name] for name in ("name", "kind", "next_version", "created_at",
                                            "lowest_version", "attributes")})
    insert(db, "secret_mac", project_id=project, secret_id=head["secret_id"],
           write_count=head["write_count"], mac=bytes.fromhex(head["head_mac"]))


def insert_version(db, v):
    key = {"project_id": v["project_id"], "secret_id": v["secret_id"], "version": v["version"]}
    insert(db, "secret_version", **key, dek_id=v["dek_id"], nonce=bytes.fromhex(v["nonce"]),
           encrypted_data=bytes.fromhex(v["encrypted_data"]), expires_at=v["expires_at"],
           created_at=v["created_at"], created_by="test")
    insert(db, "version_mac", **key, write_count=v["write_count"],
           mac=bytes.fromhex(v["version_mac"]))
    insert(db, "audit_log", project_id=v["project_id"], id="entry of " + v["secret_id"], at=0,
           actor="test", reason="", action="put", outcome="done",
           object="%s@%d" % (v["secret_id"], v["version"]))


def written(v):
    """A version with its head and their MACs, as a writer makes them at the first write."""
    unhexed = {**v, **{name: bytes.fromhex(v[name]) for name in ("context", "nonce",
                                                                  "encrypted_data")}}
    first = {"created_at": 0, "write_count": 1}
    head = {**v, **first, "next_version": v["version"] + 1, "lowest_version": v["version"],
            "attributes": ""}
    head["head_mac"] = make_vectors.tag_of(make_vectors.head_mac_message(head)).hex()
    message = make_vectors.version_mac_message({**unhexed, **first})
    return head, {**v, **first, "version_mac": make_vectors.tag_of(message).hex()}


def opens(key, nonce, sealed, context):
    """Whether the AEAD alone lets it through."""
    try:
        reference_reader.xaes_open(bytes.fromhex(key), bytes.fromhex(nonce), bytes.fromhex(sealed),
                                   context)
        return True
    except reference_reader.IntegrityError:
        return False


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

    def test_RootKeyTextMayHaveOneFinalNewline(self):
        for vector in VECTORS["root_keys_accepted"]:
            self.assertEqual(reference_reader.decode_root_key(vector["text"].encode()).hex(),
                             vector["key"])

    def test_WrappingsInAnotherPlaceAreRefused(self):
        bound = 0
        for vector in VECTORS["wrappings_refused"]:
            hexed = {name: bytes.fromhex(vector[name])
                     for name in ("root_key", "secret", "key", "check_value", "context")}
            self.assertEqual(hexed["context"], reference_reader.fields(
                "rowseal/v1/kek", VECTORS["installation"], str(vector["kek_id"]), vector["scope"],
                vector["purpose"], hexed["check_value"], str(vector["root_id"])))
            with self.subTest(vector["name"]), self.assertRaises(reference_reader.IntegrityError):
                secret = reference_reader.unwrap(hexed["root_key"], hexed["secret"],
                                                 hexed["context"])
                bound += 1
                reference_reader.unwrap_checked(secret, hexed["key"], hexed["context"],
                                                str(vector["kek_id"]), hexed["check_value"])
        self.assertEqual(bound, 1)  # the others do not open at all

    def test_DeksInAnotherPlaceAreRefused(self):
        bound = 0
        for vector in VECTORS["deks_refused"]:
            kek, wrapped, check, context = (bytes.fromhex(vector[name]) for name in (
                "kek", "wrapped_key", "check_value", "context"))
            self.assertEqual(context, reference_reader.fields(
                "rowseal/v1/dek", vector["installation"], vector["project_id"], vector["id"],
                vector["purpose"], bytes([vector["suite"]]), check, str(vector["kek_id"])))
            bound += opens(vector["kek"], vector["wrapped_key"][4:52], vector["wrapped_key"][52:],
                           context)
            with self.subTest(vector["name"]), self.assertRaises(reference_reader.IntegrityError):
                reference_reader.unwrap_checked(kek, wrapped, context, vector["id"], check)
        self.assertEqual(bound, 1)

    def test_VersionsInAnotherPlaceAreRefused(self):
        for vector in VECTORS["secret_versions_refused"]:
            context = reference_reader.fields(
                "rowseal/v1/secret", vector["installation"], vector["project_id"],
                vector["secret_id"], vector["name"], vector["kind"], vector["version"],
                vector["expires_at"])
            self.assertEqual(context.hex(), vector["context"])
            self.assertEqual(opens(vector["dek"], vector["nonce"], vector["encrypted_data"],
                                   context), vector["dek_purpose"] != "secret", vector["case"])

    def test_SealedValuesInAnotherPlaceAreRefused(self):
        for vector in VECTORS["sealed_values_elsewhere"]:
            kind, dek_id, nonce, data = reference_reader.decode_sealed_value(vector["text"])
            self.assertEqual(dek_id, vector["dek_id"])
            row_key = vector["row_key"] if kind == "cell" else []
            context = reference_reader.fields("rowseal/v1/value", vector["installation"],
                                              vector["project_id"], vector["column_id"], kind,
                                              *row_key)
            self.assertEqual(opens(vector["dek"], nonce.hex(), data.hex(), context),
                             vector["dek_purpose"] != "value" or kind != vector["registered"],
                             vector["name"])


class ReaderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.store, self.values = folder.name + "/store.db", folder.name + "/values.jsonl"
        self.root = folder.name + "/root.key"
        make_store(self.store)
        with open(self.root, "w", encoding="utf-8") as file:
            file.write(VECTORS["root_keys"][0]["text"] + "\n")
        self.write_values(VECTORS["sealed_values"])

    def write_values(self, vectors):
        with open(self.values, "w", encoding="utf-8") as file:
            for vector in vectors:
                file.write(json.dumps({"project": vector["project_id"], "sealed": vector["text"],
                                       "label": LABELS[vector["column_id"]],
                                       "row_key": vector["row_key"]}) + "\n")

    def read(self, *options):
        """Runs the reader in this process, which is quick; gives its status, lines and messages."""
        arguments, out, err = sys.argv, sys.stdout, sys.stderr
        sys.argv = ["reader", "--store", self.store, "--root-key-file", self.root,
                    "--values", self.values, *options]
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
                   ("version_mac", "mac"), ("secret_mac", "mac")]
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
                 ("dek", "born_epoch = 3"), ("dek", "born_epoch = 0"),
                 ("scope_floor", "seal_floor = seal_floor - 1"),
                 ("scope_floor", "secrets_floor = 0"), ("scope_floor", "values_floor = 0"),
                 ("scope_floor", "values_floor = 7"), ("scope_floor", "scope = scope || 'x'"),
                 ("secret", "name = 'other' || substr(id, 1, 4)"), ("secret", "kind = 'other'"),
                 ("secret", "next_version = next_version - 1"),
                 ("secret", "next_version = next_version + 1"),
                 ("secret", "lowest_version = lowest_version + 1"),
                 ("secret", "lowest_version = lowest_version - 1"),
                 ("secret", "created_at = 1"), ("secret", "attributes = '{}'"),
                 ("secret_mac", "write_count = write_count + 1"),
                 ("version_mac", "write_count = write_count + 1"),
                 ("version_mac", "version = version + 1"),
                 ("secret_version", "version = 7"), ("secret_version", "expires_at = 1"),
                 ("secret_version", "created_at = 1"),
                 ("sealed_column", "label = 'other' || id"),
                 ("sealed_column", "context = CASE context WHEN 'cell' THEN 'field' ELSE 'cell' END"),
                 ("sealed_column", "state = 'suspended'"), ("sealed_column", "revision = 4"),
                 ("sealed_column", "source_table = coalesce(source_table, '') || 'x',"
                                   " source_database = coalesce(source_database, 'sqlite:x'),"
                                   " source_column = coalesce(source_column, 'x'),"
                                   " source_keys = coalesce(source_keys, 'x'),"
                                   " source_project = coalesce(source_project, 'x')")]
        for table, edit in edits:
            with self.subTest(table + ": " + edit):
                make_store_again(self.store)
                self.change("UPDATE %s SET %s" % (table, edit))
                self.assertEqual(self.read()[0], 4)

    def test_DeletedRowsAreNoticed(self):
        for table in ("kek_wrapping WHERE kek_id = 10", "kek WHERE id = 10",
                      "dek WHERE purpose = 'secret'", "secret_version WHERE version = 1",
                      "version_mac WHERE version = 1", "secret_mac WHERE write_count = 1",
                      "scope_floor WHERE scope = 'default'", "scope_floor", "sealed_column"):
            with self.subTest(table):
                make_store_again(self.store)
                self.change("DELETE FROM " + table)
                self.assertEqual(self.read()[0], 4)

    def expect_findings(self, *findings, lines=6):
        """The reader opens that many rows, and says exactly these."""
        status, opened, messages = self.read()
        self.assertEqual((status, len(opened)), (4, lines), messages)
        self.assertEqual(sorted(line.split("error: ", 1)[1] for line in messages.splitlines()),
                         sorted(findings))

    def test_MissingVersionsAreNamed(self):
        # The counters say that there were more, and their MACs stand.
        first, second, third = VECTORS["secret_heads"]
        for head, changed in ((first, {"next_version": 3}), (second, {"lowest_version": 1}),
                              (third, {"lowest_version": 2**40 - 8, "next_version": 2**40 + 4})):
            self.write_head({**head, **changed})
        self.expect_findings("secret 42 %s: version 2 is missing" % first["secret_id"],
                             "secret 42 %s: version 1 is missing" % second["secret_id"],
                             "secret 42 %s: version 1099511627768 to 1099511627775 is missing"
                             % third["secret_id"],
                             "secret 42 %s: version 1099511627777 to 1099511627779 is missing"
                             % third["secret_id"])

    def test_VersionsThatAreNotCountedAreNamed(self):
        # An older row of secret with the MAC of its time: the MAC stands, the versions are too many.
        first, second, _ = VECTORS["secret_heads"]
        self.write_head({**second, "lowest_version": 1, "next_version": 2})
        self.write_head({**first, "lowest_version": 2, "next_version": 3})
        self.expect_findings(
            "secret 42 %s: version 1 is missing" % second["secret_id"],
            "secret 42 %s: version 2 is there, and it counts 1 to 1" % second["secret_id"],
            "secret 42 %s: version 2 is missing" % first["secret_id"],
            "secret 42 %s: version 1 is there, and it counts 2 to 2" % first["secret_id"])

    def write_head(self, head):
        code = make_vectors.tag_of(make_vectors.head_mac_message(head))
        self.change("UPDATE secret SET next_version = ?, lowest_version = ? WHERE id = ?",
                    head["next_version"], head["lowest_version"], head["secret_id"])
        self.change("UPDATE secret_mac SET mac = ? WHERE secret_id = ?", code, head["secret_id"])

    def test_NextVersionTurnedBackWithTheNewestVersionIsNoticed(self):
        # As a put writes it: a second version, and the head that counts it.
        head, v = VECTORS["secret_heads"][0], VECTORS["secret_versions"][0]
        context = reference_reader.fields("rowseal/v1/secret", VECTORS["installation"], "42",
                                          v["secret_id"], v["name"], v["kind"], 2, None)
        nonce = bytes(range(24))
        second = {**v, "version": 2, "nonce": nonce.hex(), "context": context.hex(),
                  "encrypted_data": make_vectors.seal(make_vectors.SECRET_DEK_KEY, nonce,
                                                      make_vectors.pad(b"two"), context).hex()}
        db = connect(self.store)
        insert(db, "secret_version", project_id="42", secret_id=v["secret_id"], version=2,
               dek_id=v["dek_id"], nonce=nonce, encrypted_data=bytes.fromhex(
                   second["encrypted_data"]), created_at=0, created_by="test")
        insert(db, "version_mac", project_id="42", secret_id=v["secret_id"], version=2,
               write_count=1, mac=bytes.fromhex(written(second)[1]["version_mac"]))
        db.commit()
        db.close()
        now = {**head, "next_version": 3, "write_count": 2}
        self.change("UPDATE secret_mac SET write_count = 2 WHERE secret_id = ?", v["secret_id"])
        self.write_head(now)
        status, lines, messages = self.read()
        self.assertEqual((status, len(lines), messages), (0, 7, ""))

        for table in ("version_mac", "secret_version"):
            self.change("DELETE FROM %s WHERE secret_id = ? AND version = 2" % table,
                        v["secret_id"])
        self.expect_findings("secret 42 %s: version 2 is missing" % v["secret_id"])
        self.change("UPDATE secret SET next_version = 2 WHERE id = ?", v["secret_id"])
        self.expect_findings("secret 42 %s: it is not what was written last" % v["secret_id"])

    def test_OlderRowPutBackIsNoticed(self):
        # The version is sealed again, as a reseal does it; then its old row is put back.
        v = VECTORS["secret_versions"][0]
        row = "secret_version 42 %s 1: " % v["secret_id"]
        context, nonce = bytes.fromhex(v["context"]), bytes(range(24))
        data = make_vectors.seal(make_vectors.SECRET_DEK_KEY, nonce, make_vectors.pad(b"again"),
                                 context)
        code = make_vectors.tag_of(make_vectors.version_mac_message(
            {**v, "write_count": 2, "context": context, "nonce": nonce, "encrypted_data": data}))
        where = " WHERE secret_id = ?"
        self.change("UPDATE secret_version SET nonce = ?, encrypted_data = ?" + where, nonce, data,
                    v["secret_id"])
        self.expect_findings(row + "it opens, but it is not what was written last")
        self.change("UPDATE version_mac SET write_count = 2, mac = ?" + where, code,
                    v["secret_id"])
        self.assertEqual(self.read()[0], 0)
        self.change("UPDATE secret_version SET nonce = ?, encrypted_data = ?" + where,
                    bytes.fromhex(v["nonce"]), bytes.fromhex(v["encrypted_data"]), v["secret_id"])
        self.expect_findings(row + "it opens, but it is not what was written last")
        # With the MAC of its time, it is what the store says: README, What is bound.
        self.change("UPDATE version_mac SET write_count = 1, mac = ?" + where,
                    bytes.fromhex(v["version_mac"]), v["secret_id"])
        self.assertEqual(self.read()[0], 0)

    def test_OlderRowOfASecretPutBackIsNoticed(self):
        # Its attributes are as before the last write.
        head = VECTORS["secret_heads"][1]
        self.change("UPDATE secret SET attributes = '' WHERE id = ?", head["secret_id"])
        self.expect_findings("secret 42 %s: it is not what was written last" % head["secret_id"])

    def test_DeletedSecretPutBackIsNoticed(self):
        secret = make_vectors.SECRETS[0]
        self.change("INSERT INTO audit_log VALUES ('42', 'begun', 0, '', '', 'delete', 'begun', ?)",
                    secret)
        self.assertEqual(self.read()[0], 0)
        self.change("INSERT INTO audit_log VALUES ('42', 'done', 0, '', '', 'delete', 'done', ?)",
                    secret)
        self.expect_findings("secret 42 %s: deleted, and there" % secret)

    def test_SecretWithoutAVersionIsNoticed(self):
        head = VECTORS["secret_heads"][0]
        for table in ("version_mac", "secret_version"):
            self.change("DELETE FROM %s WHERE secret_id = ?" % table, head["secret_id"])
        self.write_head({**head, "next_version": 1})
        self.expect_findings("secret 42 %s: it counts no version" % head["secret_id"], lines=5)

    def test_VersionWithoutItsSecretIsRefused(self):
        secret = make_vectors.SECRETS[0]
        self.change("DELETE FROM secret WHERE id = ?", secret)
        self.expect_findings("secret_version 42 %s 1: its row of secret is not there" % secret,
                             "secret 42 %s: written, not there and not deleted" % secret, lines=5)

    def test_WrongOrMissingMacIsAFindingAndTheVersionIsReleased(self):
        for table, name, vectors in (("version", "name", VECTORS["version_macs_refused"]),
                                     ("secret", "case", VECTORS["head_macs_refused"])):
            self.assertGreater(len(vectors), 10)
            for vector in vectors:
                key = {"version": "secret_version 42 %s 1: it opens, but it",
                       "secret": "secret 42 %s: it"}[table] % vector["secret_id"]
                code = vector["version_mac" if table == "version" else "head_mac"]
                with self.subTest(table + ": " + vector[name]):
                    make_store_again(self.store)
                    self.change("UPDATE %s_mac SET mac = ? WHERE secret_id = ?" % table,
                                bytes.fromhex(code), vector["secret_id"])
                    self.expect_findings(key + " is not what was written last")
        make_store_again(self.store)
        for table in ("version_mac", "secret_mac"):
            self.change("DELETE FROM %s WHERE secret_id = ?" % table, make_vectors.SECRETS[0])
        self.expect_findings(
            "secret_version 42 %s 1: it opens, but version_mac has no row of it"
            % make_vectors.SECRETS[0],
            "secret 42 %s: secret_mac has no row of it" % make_vectors.SECRETS[0])

    def test_TrustTagsThatDoNotStandForTheSetAreRefused(self):
        self.assertGreater(len(VECTORS["trust_tags_refused"]), 5)
        for vector in VECTORS["trust_tags_refused"]:
            with self.subTest(vector["name"]):
                make_store_again(self.store)
                self.change("UPDATE installation SET trust_tag = ?", bytes.fromhex(vector["tag"]))
                self.expect_findings("installation: its tag does not match", lines=0)

    def raise_floors(self, **floors):
        """As a compromise of the scope `default` raises them, with the set's tag."""
        changed = [{**floor, **(floors if floor["scope"] == "default" else {})}
                   for floor in make_vectors.FLOORS]
        tag = make_vectors.trust_tag_over(make_vectors.row_tags(), make_vectors.wrappings(), changed)
        for name, value in floors.items():
            self.change("UPDATE scope_floor SET %s = ? WHERE scope = 'default'" % name, value)
        self.change("UPDATE installation SET trust_tag = ?", tag["tag"])

    def test_DekBelowAFloorIsAFindingAndWhatItOpensIsReleased(self):
        self.raise_floors(seal_floor=9)
        self.assertEqual(self.read()[0], 0)  # what reads does not seal
        self.raise_floors(seal_floor=9, secrets_floor=3)
        why = ": it opens, but its DEK is from epoch %d and the %s of scope default is %d: Rowseal"\
            " does not open it"
        self.expect_findings(*(
            "secret_version 42 %s %d" % (v["secret_id"], v["version"])
            + why % (2, "secrets_floor", 3) for v in VECTORS["secret_versions"]))
        make_store_again(self.store)
        self.raise_floors(values_floor=2)
        self.expect_findings(*("value %d" % number + why % (1, "values_floor", 2)
                               for number in (1, 2, 3)))

    def test_LoweredFloorOrRaisedEpochIsRefused(self):
        self.raise_floors(secrets_floor=3, values_floor=2)
        self.change("UPDATE scope_floor SET secrets_floor = 2, values_floor = 1"
                    " WHERE scope = 'default'")
        self.expect_findings("installation: its tag does not match", lines=0)
        make_store_again(self.store)
        self.raise_floors(secrets_floor=3, values_floor=2)
        self.change("UPDATE dek SET born_epoch = 3")
        status, lines, messages = self.read()
        self.assertEqual((status, lines), (4, []))
        self.assertEqual(messages.count("its tag does not match"), 2)

    def test_TagsThatDoNotStandForTheirRowAreRefused(self):
        for vector in VECTORS["row_tags_refused"]:
            with self.subTest(vector["table"] + ": " + vector["name"]):
                make_store_again(self.store)
                self.change("UPDATE %s SET row_tag = ? WHERE id = ?" % vector["table"],
                            bytes.fromhex(vector["tag"]), vector["row"]["id"])
                self.assertEqual(self.read()[0], 4)

    def test_RefusedVersionsAreNotReleased(self):
        for vector in VECTORS["secret_versions_refused"]:
            if vector["installation"] != VECTORS["installation"]:
                continue  # as a whole, another store
            with self.subTest(vector["case"]):
                make_store_again(self.store)
                db = connect(self.store)
                for table in ("version_mac", "secret_mac", "secret_version", "secret",
                              "audit_log"):
                    db.execute("DELETE FROM " + table)
                head, version = written(vector)
                insert_head(db, head)
                insert_version(db, version)
                db.commit()
                db.close()
                status, lines, messages = self.read()
                self.assertEqual((status, len(lines), messages.count("error:")), (4, 3, 1))
                self.assertNotIn("written last", messages)

    def test_ValuesAreRefusedElsewhere(self):
        vectors = [vector for vector in VECTORS["sealed_values_elsewhere"]
                   if vector["column_id"] in LABELS
                   and vector["installation"] == VECTORS["installation"]]
        self.write_values(vectors)
        status, lines, messages = self.read()
        self.assertEqual((status, len(lines)), (4, 3))
        self.assertEqual(messages.count("error: value"), len(vectors))
        self.assertGreater(len(vectors), 4)

    def test_EitherOfTwoRootsOpensTheStore(self):
        os.remove(self.store)
        make_store(self.store, VECTORS["two_roots"])
        for root in VECTORS["root_keys"]:
            with open(self.root, "w", encoding="utf-8") as file:
                file.write(root["text"])
            status, lines, messages = self.read()
            self.assertEqual((status, len(lines), messages), (0, 6, ""))

    def test_KekWithoutAWrappingByThisRootHasItsTagCompared(self):
        # KEK 10 is wrapped by the other root only; the set's tag is made anew for that.
        two = json.loads(json.dumps(VECTORS["two_roots"]))
        two["wrappings"] = [w for w in two["wrappings"] if (w["kek_id"], w["root_id"]) != (10, 2)]
        unhexed = [{**w, "secret": bytes.fromhex(w["secret"]), "key": bytes.fromhex(w["key"])}
                   for w in two["wrappings"]]
        tags = [{**t, "tag": bytes.fromhex(t["tag"])} for t in two["row_tags"]]
        row = two["trust_tag"]["row"]
        two["trust_tag"]["tag"] = make_vectors.trust_tag_over(tags, unhexed, [], **row)["tag"].hex()
        os.remove(self.store)
        make_store(self.store, two)
        status, lines, messages = self.read()
        self.assertEqual((status, len(lines), messages), (0, 6, ""))
        self.change("UPDATE kek SET state = 'compromised' WHERE id = 10")
        self.assertEqual(self.read()[:2], (4, []))

    def test_KekThatWrapsIsNoIntegrityKey(self):
        # Every tag made again by somebody who holds the wrapping KEK 2.
        def forged(message):
            return make_vectors.tag_of(message, make_vectors.WRAP_KEK, 2)

        tags = make_vectors.row_tags()
        for tag in tags:
            tag["tag"] = forged(tag["message"])
            self.change("UPDATE %s SET row_tag = ? WHERE id = ?" % tag["table"], tag["tag"],
                        tag["row"]["id"])
        message = make_vectors.trust_tag_over(tags, make_vectors.wrappings(), make_vectors.FLOORS,
                                              integrity_kek_id=2)["message"]
        self.change("UPDATE installation SET integrity_kek_id = 2, trust_tag = ?", forged(message))
        status, lines, messages = self.read()
        self.assertEqual((status, lines), (4, []))
        self.assertIn("no KEK of purpose integrity", messages)

    def test_DekUnderTheIntegrityKeyIsRefused(self):
        dek = {**make_vectors.DEKS[0], "kek_id": 1}
        check = reference_reader.check_value(dek["key"], dek["id"])
        wrapped = make_vectors.wrap(make_vectors.INTEGRITY_KEK, bytes(range(24)), dek["key"],
                                    make_vectors.dek_context(dek, check))
        self.change("UPDATE dek SET kek_id = 1, wrapped_key = ? WHERE id = ?", wrapped, dek["id"])
        status, lines, messages = self.read()
        self.assertEqual((status, len(lines)), (4, 3))
        self.assertIn("it names no KEK that wraps", messages)

    def test_TextThatIsNotUtf8StopsItsRowOnly(self):
        bad = "CAST(x'66ff' AS TEXT)"
        for edit, opened in (("secret SET name = %s WHERE id = '%s'", 5),
                             ("secret SET kind = %s WHERE id = '%s'", 5),
                             ("secret SET attributes = %s WHERE id = '%s'", 6),
                             ("secret_version SET dek_id = %s WHERE secret_id = '%s'", 5),
                             ("secret_version SET secret_id = %s WHERE secret_id = '%s'", 5),
                             ("secret_mac SET secret_id = %s WHERE secret_id = '%s'", 6),
                             ("audit_log SET object = %s WHERE id = 'entry of %s'", 6)):
            with self.subTest(edit):
                make_store_again(self.store)
                self.change("UPDATE " + edit % (bad, make_vectors.SECRETS[0]))
                status, lines, _ = self.read()
                self.assertEqual((status, len(lines)), (4, opened))
        make_store_again(self.store)
        self.change("UPDATE audit_log SET actor = %s" % bad)
        self.assertEqual(self.read()[0], 0)
        make_store_again(self.store)
        self.change("UPDATE dek SET state = %s WHERE purpose = 'value'" % bad)
        self.assertEqual(len(self.read()[1]), 3)
        self.change("UPDATE sealed_column SET label = %s" % bad + " || id")
        self.assertEqual(len(self.read()[1]), 3)
        self.change("UPDATE kek SET scope = %s" % bad)
        self.assertEqual(self.read()[:2], (4, []))

    def test_NamesBeyondTheLimitsAreRefused(self):
        v = VECTORS["secret_versions"][0]
        for name in ("", "a\x1f", "a\x80", "\x7f", "é" * 128):
            with self.subTest(name):
                context = reference_reader.fields("rowseal/v1/secret", VECTORS["installation"], "42",
                                                  v["secret_id"], name, v["kind"], 1, None)
                data = make_vectors.seal(make_vectors.SECRET_DEK_KEY, bytes.fromhex(v["nonce"]),
                                         make_vectors.pad(b"v"), context)
                make_store_again(self.store)
                head, version = written({**v, "name": name, "context": context.hex(),
                                         "encrypted_data": data.hex()})
                db = connect(self.store)
                for table in ("version_mac", "secret_mac", "secret_version", "audit_log"):
                    db.execute("DELETE FROM %s WHERE %s LIKE '%%' || ?" % (
                        table, "id" if table == "audit_log" else "secret_id"), [v["secret_id"]])
                db.execute("DELETE FROM secret WHERE id = ?", [v["secret_id"]])
                insert_head(db, head)
                insert_version(db, version)
                db.commit()
                db.close()
                self.expect_findings(
                    "secret_version 42 %s 1: its name is empty, too long, or has a control character"
                    % v["secret_id"], lines=5)

    def test_ImmutableReadsACopyWithoutItsLogOnly(self):
        before = sorted(os.listdir(os.path.dirname(self.store)))
        self.assertEqual(self.read("--immutable")[0], 0)
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.store))), before)
        with open(self.store + "-wal", "w", encoding="utf-8"):
            pass
        self.assertEqual(self.read("--immutable")[:2], (2, []))

    def test_VanishedSecretIsNoticedUnlessItWasDeleted(self):
        secret = make_vectors.SECRETS[0]
        for table in ("version_mac", "secret_version", "secret_mac"):
            self.change("DELETE FROM %s WHERE secret_id = ?" % table, secret)
        self.change("DELETE FROM secret WHERE id = ?", secret)
        self.expect_findings("secret 42 %s: written, not there and not deleted" % secret, lines=5)
        self.change("INSERT INTO audit_log VALUES ('42', 'e', 0, '', '', 'delete', 'done', ?)",
                    secret)
        self.assertEqual(self.read()[0], 0)

    def test_SecretSealedUnderAKeyOfAnotherPurposeIsRefused(self):
        # Sealed as the specification says, but with the project's DEK for values.
        secret, project = make_vectors.SECRETS[0], "clé-日本"
        context = reference_reader.fields("rowseal/v1/secret", VECTORS["installation"], project,
                                          secret, "n", "workflow", 1, None)
        nonce = bytes(range(24))
        data = make_vectors.seal(make_vectors.VALUE_DEK_KEY, nonce, make_vectors.pad(b"v"), context)
        head, version = written({
            "project_id": project, "secret_id": secret, "name": "n", "kind": "workflow",
            "version": 1, "expires_at": None, "dek_id": make_vectors.VALUE_DEK,
            "context": context.hex(), "nonce": nonce.hex(), "encrypted_data": data.hex()})
        db = connect(self.store)
        insert_head(db, head)
        insert_version(db, version)
        db.commit()
        db.close()
        self.expect_findings("secret_version %s %s 1: its DEK is for another purpose"
                             % (project, secret))

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

    def test_OtherFilesAndOtherFormatsAreRefused(self):
        for pragma, why in (("user_version = 1", "rowseal upgrade"),
                            ("user_version = 2", "rowseal upgrade"),
                            ("user_version = 4", "of format 4, and this reader knows 3"),
                            ("application_id = 0", "not a Rowseal store")):
            make_store_again(self.store)
            db = connect(self.store)
            db.executescript("PRAGMA " + pragma)
            db.close()
            status, lines, messages = self.read()
            self.assertEqual((status, lines), (7, []))
            self.assertIn(why, messages)


def make_store_again(path):
    os.remove(path)
    make_store(path)


if __name__ == "__main__":
    unittest.main()
