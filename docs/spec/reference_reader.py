#!/usr/bin/python3
"""Opens every row of a Rowseal store, using nothing that the pages beside it do not say.

    reference_reader.py --store secrets.db --root-key-file root.key [--values FILE] [--reveal]
                        [--immutable]
    reference_reader.py --store secrets.db --passphrase-file FILE …

It prints one JSON line for each secret version and each sealed value: what it is, its size and the
SHA-256 of its plaintext. Each line of FILE is a JSON object with project, label, sealed and, for a
column of context `cell`, row_key (a list of texts). With --reveal the plaintext stands there too.
With --immutable it reads a copy in a folder where SQLite can make no file (sqlite.md).

It is a recovery tool and an independent check: it opens rows whatever the state of their keys and
whether they have expired, and it reads only. A version that opens is printed, also where stderr says
that it is not what was written last or that Rowseal no longer uses its DEK. Exit status: 0 every row
stands; 2 usage, or a file cannot be read; 4 a row does not stand or is missing, each named on stderr;
6 the root key is malformed or another than the store's; 7 not a store of format 3. Needs Debian's
python3-cryptography, and for a passphrase python3-argon2.
"""
import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import urllib.parse

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class IntegrityError(Exception):
    """A stored byte is wrong."""


class FormError(Exception):
    """Not a store, or a store of another format."""


class RootKeyError(Exception):
    """The root key is malformed or not this store's."""


def require(condition, why):
    if not condition:
        raise IntegrityError(why)


class Text(bytes):
    """What a TEXT column holds: somebody may have written bytes there that are no UTF-8."""


def decoded(row):
    """The row with its texts; a text that is not well-formed is an error of this row only."""
    return {name: value.decode() if isinstance(value, Text) else value
            for name, value in zip(row.keys(), row)}


def named(table, *key):
    """A row's name for messages, whatever stands in its key."""
    return " ".join([table] + [part.decode(errors="backslashreplace") if isinstance(part, bytes)
                               else str(part) for part in key])


def check_name(what, text):
    """README.md, Limits: project ids, names of secrets, labels of columns."""
    require(1 <= len(text.encode()) <= 255
            and not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in text),
            "its %s is empty, too long, or has a control character" % what)


# contexts.md: fields

def fields(label, *values):
    """Length-prefixed fields: text, bytes, integers (8 bytes) and None (absent)."""
    encoded = b""
    for value in (label,) + values:
        if value is None:
            encoded += b"\xff\xff\xff\xff"
            continue
        if isinstance(value, int):
            value = value.to_bytes(8, "big", signed=True)
        elif isinstance(value, str):
            value = value.encode()
        encoded += len(value).to_bytes(4, "big") + value
    return encoded


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


# README.md: XAES-256-GCM

def xaes_parts(key, nonce):
    """Every intermediate value of the derivation, by its name in the specification."""
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update
    l = int.from_bytes(aes(bytes(16)), "big")
    k1 = (l << 1) & ((1 << 128) - 1) ^ (0x87 if l >> 127 else 0)
    m1 = b"\x00\x01X\x00" + nonce[:12]
    m2 = b"\x00\x02X\x00" + nonce[:12]
    x1, x2 = ((int.from_bytes(m, "big") ^ k1).to_bytes(16, "big") for m in (m1, m2))
    return {"L": l.to_bytes(16, "big"), "K1": k1.to_bytes(16, "big"), "M1": m1, "M2": m2,
            "message_key": aes(x1) + aes(x2), "iv": nonce[12:]}


def xaes_open(key, nonce, sealed, context):
    require(len(nonce) == 24 and len(sealed) >= 16, "the nonce or the ciphertext is cut off")
    parts = xaes_parts(key, nonce)
    try:
        return AESGCM(parts["message_key"]).decrypt(parts["iv"], sealed, context)
    except InvalidTag:
        raise IntegrityError("it does not open: wrong key, wrong place or damaged bytes") from None


# keys.md

def decode_root_key(text):
    text = text[:-1] if text.endswith(b"\n") else text
    if len(text) != 65 or not text.startswith(b"rsroot1"):
        raise RootKeyError("a root key is rsroot1 and 58 characters")
    try:
        payload = base64.b32decode(text[7:].upper() + b"======")
    except ValueError:
        raise RootKeyError("a character is outside a-z and 2-7") from None
    key, checksum = payload[:32], payload[32:]
    if b"rsroot1" + base64.b32encode(payload).rstrip(b"=").lower() != text:
        raise RootKeyError("the text is not canonical")
    if hashlib.sha256(b"rsroot1" + key).digest()[:4] != checksum or key == bytes(32):
        raise RootKeyError("the checksum does not match, or the key is all zeros")
    return key


def root_fingerprint(root_key):
    return mac(root_key, fields("rowseal/v1/fingerprint"))


MAX_PASSPHRASES = 4  # rows that a passphrase is tried for: each costs memory and time


def decode_passphrase(text):
    text = text[:-1] if text.endswith(b"\n") else text
    if not 1 <= len(text) <= 1024:
        raise RootKeyError("a passphrase has 1 to 1,024 bytes")
    return text


def decode_passphrase_part(part):
    """Gives passes, memory in KiB and salt; None for the public part of another kind of root."""
    if len(part) != 26 or part[:2] != b"\x01\x01":
        return None
    passes, memory = (int.from_bytes(part[at:at + 4], "big") for at in (2, 6))
    require(3 <= passes <= 16 and 12288 <= memory <= 1048576 and passes * memory <= 2097152,
            "the cost of a passphrase is out of bounds")
    return passes, memory, part[10:]


def passphrase_root_key(passphrase, passes, memory, salt):
    from argon2.low_level import Type, hash_secret_raw
    return hash_secret_raw(passphrase, salt, time_cost=passes, memory_cost=memory, parallelism=1,
                           hash_len=32, type=Type.ID, version=0x13)


def check_value(key, key_id):
    return mac(key, fields("rowseal/v1/check", key_id))


def unwrap(key, wrapped, context):
    require(len(wrapped) == 74 and wrapped[:2] == b"\x01\x01", "a wrapped key of unknown form")
    return xaes_open(key, wrapped[2:26], wrapped[26:], context)


def unwrap_checked(key, wrapped, context, key_id, expected):
    unwrapped = unwrap(key, wrapped, context)
    require(hmac.compare_digest(check_value(unwrapped, key_id), expected),
            "the key does not match its check value")
    return unwrapped


# secrets.md, sealed-values.md

def unpad(padded):
    value = padded.rstrip(b"\x00")
    require(len(padded) > 0 and len(padded) % 32 == 0 and value.endswith(b"\x80")
            and len(padded) - len(value) < 32, "the padding is not canonical")
    return value[:-1]


def decode_sealed_value(text):
    """Gives context kind, DEK id, nonce and ciphertext with tag."""
    require(text.startswith("rs1."), "not a sealed value")
    try:
        envelope = base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4))
    except ValueError:
        raise IntegrityError("not base64url") from None
    require("rs1." + base64.urlsafe_b64encode(envelope).rstrip(b"=").decode() == text,
            "not canonical base64url")
    require(len(envelope) >= 91 and (len(envelope) - 59) % 32 == 0
            and envelope[:2] == b"\x01\x01" and envelope[2] in (1, 2),
            "a sealed value of unknown form")
    digits = envelope[3:19].hex()
    dek_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return {1: "field", 2: "cell"}[envelope[2]], dek_id, envelope[19:43], envelope[43:]


class RootKey:
    """A root key, the same for every row."""

    def __init__(self, key):
        self.key = key

    def for_row(self, _):
        return self.key


class Passphrase:
    """A passphrase, which each row's salt and cost make another root key of."""

    def __init__(self, passphrase):
        self.passphrase = passphrase
        self.tried = 0

    def for_row(self, public_part):
        part = decode_passphrase_part(public_part)
        if part is None:
            return None
        self.tried += 1
        require(self.tried <= MAX_PASSPHRASES, "root_key holds too many passphrases")
        return passphrase_root_key(self.passphrase, *part)


def check_format(application_id, user_version):
    if application_id != 0x52534C31:
        raise FormError("not a Rowseal store")
    if user_version in (1, 2):
        raise FormError("a store of format %d: `rowseal upgrade` makes format 3 of it, or take the "
                        "reader of a release that has format %d" % (user_version, user_version))
    if user_version != 3:
        raise FormError("a Rowseal store of format %d, and this reader knows 3" % user_version)


def gaps(first, end, numbers):
    """The numbers from `first` to before `end` that are not there, as pairs of first and last."""
    for number in numbers:
        if number > first:
            yield first, min(number, end) - 1
        first = max(first, number + 1)
        if first >= end:
            return
    if first < end:
        yield first, end - 1


class Store:
    """A store whose trusted rows have verified. One read transaction."""

    def __init__(self, db, root):
        self.failures = 0
        self.db = db
        self.db.row_factory = sqlite3.Row
        self.db.text_factory = Text
        self.db.execute("BEGIN")
        check_format(*(self.rows("pragma_" + mark)[0][0]
                       for mark in ("application_id", "user_version")))
        installations = self.decoded_rows("installation")
        require(len(installations) == 1, "installation: there must be one row")
        self.installation = installations[0]
        self.id = self.installation["id"]
        self.roots = self.decoded_rows("root_key ORDER BY id")
        self.keks = self.decoded_rows("kek ORDER BY id")
        self.wrappings = self.rows("kek_wrapping ORDER BY kek_id, root_id")
        self.floors = {floor["scope"]: floor for floor in self.decoded_rows("scope_floor")}
        root_keys = {}
        for row in self.roots:
            key = root.for_row(row["public_part"])
            if key and hmac.compare_digest(row["fingerprint"], root_fingerprint(key)):
                root_keys[row["id"]] = key
        if not root_keys:
            raise RootKeyError("the root key or passphrase is not this store's")
        self.kek_keys = {}
        for kek in self.keks:
            for wrapping in self.wrappings:
                if wrapping["kek_id"] == kek["id"] and wrapping["root_id"] in root_keys:
                    self.kek_keys[kek["id"]] = self.open_kek(kek, wrapping,
                                                             root_keys[wrapping["root_id"]])
        self.tag_id = self.installation["integrity_kek_id"]
        self.kek_purposes = {kek["id"]: kek["purpose"] for kek in self.keks}
        self.kek_scopes = {kek["id"]: kek["scope"] for kek in self.keks}
        self.own_scopes = {kek["scope"] for kek in self.keks if kek["purpose"] == "wrap"}
        require(self.kek_purposes.get(self.tag_id) == "integrity",
                "installation: integrity_kek_id names no KEK of purpose integrity")
        require(self.tag_id in self.kek_keys, "installation: the integrity key does not open")
        self.tag_key = self.kek_keys[self.tag_id]
        self.verify_trust()
        self.dek_keys = {}
        self.below_floor = {}
        for dek in self.rows("dek"):
            self.attempt(named("dek", dek["project_id"], dek["id"]), self.open_dek, dek)

    def rows(self, table):
        return self.db.execute("SELECT * FROM " + table).fetchall()

    def decoded_rows(self, table):
        return [decoded(row) for row in self.rows(table)]

    def report(self, row, why):
        self.failures += 1
        print("reference_reader: error: %s: %s" % (row, why), file=sys.stderr)

    def attempt(self, row, operation, *arguments):
        """Runs the operation; a row that does not stand is named, and the others go on."""
        try:
            return operation(*arguments)
        except (IntegrityError, TypeError, ValueError) as error:
            self.report(row, error)
            return None

    def open_kek(self, kek, wrapping, root_key):
        context = fields("rowseal/v1/kek", self.id, str(kek["id"]), kek["scope"], kek["purpose"],
                         kek["check_value"], str(wrapping["root_id"]))
        try:
            secret = unwrap(root_key, wrapping["secret"], context)
            return unwrap_checked(secret, wrapping["key"], context, str(kek["id"]),
                                  kek["check_value"])
        except IntegrityError as error:
            raise IntegrityError("kek %d: %s" % (kek["id"], error)) from None

    def is_tag(self, tag, message):
        """keys.md, Row tags: also the form of the MACs of what was written last."""
        expected = self.tag_id.to_bytes(8, "big") + mac(self.tag_key, message)
        return hmac.compare_digest(expected, tag)

    def check_tag(self, row, tag, table, *values, label="rowseal/v1/row-tag"):
        require(self.is_tag(tag, fields(label, self.id, table, *values)),
                row + ": its tag does not match")

    def verify_trust(self):
        for r in self.roots:
            self.check_tag("root_key %d" % r["id"], r["row_tag"], "root_key", str(r["id"]),
                           r["uri"], r["scope"], r["fingerprint"], r["public_part"], r["state"],
                           r["revision"])
        for k in self.keks:
            self.check_tag("kek %d" % k["id"], k["row_tag"], "kek", str(k["id"]), k["scope"],
                           k["purpose"], bytes([k["suite"]]), k["state"], k["resumes_to"],
                           k["revision"], k["check_value"])
        i = self.installation
        values = [i["id"], i["epoch"], i["next_kek_id"], i["next_root_id"],
                  str(i["integrity_kek_id"]), i["projects_table"], i["project_key_type"]]
        for rows in (self.roots, self.keks):
            values.append(len(rows))
            for row in rows:
                values += [str(row["id"]), row["row_tag"]]
        values.append(len(self.wrappings))
        for w in self.wrappings:
            values += [str(w["kek_id"]), str(w["root_id"]), w["secret"], w["key"]]
        values.append(len(self.floors))
        for scope in sorted(self.floors, key=str.encode):
            floor = self.floors[scope]
            values += [scope, floor["seal_floor"], floor["secrets_floor"], floor["values_floor"]]
        self.check_tag("installation", i["trust_tag"], "installation", *values,
                       label="rowseal/v2/trust-tag")

    def open_dek(self, dek):
        dek = decoded(dek)
        check_name("project", dek["project_id"])
        self.check_tag("dek", dek["row_tag"], "dek", dek["project_id"], dek["id"], dek["purpose"],
                       bytes([dek["suite"]]), dek["state"], dek["revision"], dek["check_value"],
                       dek["born_epoch"], label="rowseal/v2/row-tag")
        require(dek["suite"] == 1, "an unknown suite")
        require(self.kek_purposes.get(dek["kek_id"]) == "wrap", "it names no KEK that wraps")
        scope = dek["project_id"] if dek["project_id"] in self.own_scopes else "default"
        require(self.kek_scopes[dek["kek_id"]] == scope, "its KEK is of another scope")
        require(dek["kek_id"] in self.kek_keys, "no KEK that this root key opens wraps it")
        context = fields("rowseal/v1/dek", self.id, dek["project_id"], dek["id"], dek["purpose"],
                         bytes([dek["suite"]]), dek["check_value"], str(dek["kek_id"]))
        key = unwrap_checked(self.kek_keys[dek["kek_id"]], dek["wrapped_key"], context, dek["id"],
                             dek["check_value"])
        self.dek_keys[dek["project_id"], dek["id"]] = dek["purpose"], key
        column = "values_floor" if dek["purpose"] == "value" else "secrets_floor"
        floor = self.floors[scope][column] if scope in self.floors else 0
        if dek["born_epoch"] < floor:
            self.below_floor[dek["project_id"], dek["id"]] = (
                "it opens, but its DEK is from epoch %d and the %s of scope %s is %d: Rowseal does "
                "not open it" % (dek["born_epoch"], column, scope, floor))

    def check_floor(self, project, dek_id):
        """keys.md, Floors."""
        why = self.below_floor.get((project, dek_id))
        require(why is None, why)

    def dek_key(self, project, dek_id, purpose):
        require((project, dek_id) in self.dek_keys, "its DEK is not there or does not open")
        own_purpose, key = self.dek_keys[project, dek_id]
        require(own_purpose == purpose, "its DEK is for another purpose")
        return key

    def open_version(self, v):
        """Gives the row as text and numbers, its plaintext, and its context."""
        v = decoded(v)
        require(v["name"] is not None, "its row of secret is not there")
        check_name("project", v["project_id"])
        check_name("name", v["name"])
        require(v["kind"] in ("webhook", "access_token", "workflow"), "an unknown kind")
        context = fields("rowseal/v1/secret", self.id, v["project_id"], v["secret_id"], v["name"],
                         v["kind"], v["version"], v["expires_at"])
        key = self.dek_key(v["project_id"], v["dek_id"], "secret")
        return v, unpad(xaes_open(key, v["nonce"], v["encrypted_data"], context)), context

    def check_version_mac(self, v, context):
        """secrets.md, What was written last."""
        require(v["mac"] is not None, "it opens, but version_mac has no row of it")
        message = fields("rowseal/v2/version-mac", v["write_count"], context, v["created_at"],
                         v["dek_id"], v["nonce"], v["encrypted_data"])
        require(self.is_tag(v["mac"], message), "it opens, but it is not what was written last")

    def secret_versions(self):
        return self.db.execute("""
            SELECT v.project_id, v.secret_id, s.name, s.kind, v.version, v.expires_at, v.dek_id,
              v.nonce, v.encrypted_data, v.created_at, w.write_count, w.mac
            FROM secret_version v
            LEFT JOIN secret s ON s.project_id = v.project_id AND s.id = v.secret_id
            LEFT JOIN version_mac w ON w.project_id = v.project_id AND w.secret_id = v.secret_id
              AND w.version = v.version
            ORDER BY v.project_id, s.name, v.secret_id, v.version""")

    def secrets(self):
        return self.db.execute("""
            SELECT s.*, h.write_count, h.mac
            FROM secret s LEFT JOIN secret_mac h ON h.project_id = s.project_id
              AND h.secret_id = s.id
            ORDER BY s.project_id, s.name, s.id""")

    def check_head_mac(self, s):
        s = decoded(s)
        require(s["mac"] is not None, "secret_mac has no row of it")
        message = fields("rowseal/v2/head-mac", s["write_count"], self.id, s["project_id"], s["id"],
                         s["name"], s["kind"], s["next_version"], s["lowest_version"],
                         s["created_at"], s["attributes"])
        require(self.is_tag(s["mac"], message), "it is not what was written last")

    def check_versions(self, row, s):
        """Each version from lowest_version to before next_version is there, and no other is."""
        lowest, end = s["lowest_version"], s["next_version"]
        require(1 <= lowest < end, "it counts no version")
        numbers = [number for number, in self.db.execute(
            "SELECT version FROM secret_version WHERE project_id = CAST(? AS TEXT)"
            " AND secret_id = CAST(? AS TEXT) ORDER BY version", (s["project_id"], s["id"]))]
        for first, last in gaps(lowest, end, numbers):
            self.report(row, "version %s is missing" % (
                first if first == last else "%d to %d" % (first, last)))
        for number in numbers:
            if not lowest <= number < end:
                self.report(row, "version %d is there, and it counts %d to %d" % (
                    number, lowest, end - 1))

    def check_log(self):
        """secrets.md, Deleted secrets: what the log says of secrets that are there or are not."""
        there = set(map(tuple, self.db.execute("SELECT project_id, id FROM secret")))
        written, deleted = set(), set()
        for project, action, objects in self.db.execute(
                "SELECT project_id, action, object FROM audit_log WHERE outcome = 'done'"
                " AND action IN ('put', 'rollback', 'delete')"):
            ids = {(project, one.partition(b"@")[0]) for one in objects.split(b" ") if one}
            (deleted if action == b"delete" else written).update(ids)
        for key in sorted(written - there - deleted):
            self.report(named("secret", *key), "written, not there and not deleted")
        for key in sorted(there & deleted):
            self.report(named("secret", *key), "deleted, and there")

    def open_column(self, column):
        column = decoded(column)
        check_name("label", column["label"])
        place = []
        if column.get("source_database") is not None:
            keys = column["source_keys"].split("\n")
            place = [column["source_database"], column["source_table"], column["source_column"],
                     len(keys), *keys, column["source_project"]]
        self.check_tag("sealed_column", column["row_tag"], "sealed_column", column["id"],
                       column["label"], column["context"], column["state"], column["revision"],
                       *place)
        return column

    def open_value(self, columns, project, label, sealed, row_key=()):
        column = columns.get(label)
        require(column is not None, "its column is not registered, or the registration is damaged")
        kind, dek_id, nonce, data = decode_sealed_value(sealed)
        require(kind == column["context"], "it is sealed for another kind of context")
        require(bool(row_key) == (kind == "cell"), "a cell has a row key, a field has none")
        context = fields("rowseal/v1/value", self.id, project, column["id"], kind, *row_key)
        return dek_id, unpad(xaes_open(self.dek_key(project, dek_id, "value"), nonce, data, context))


def describe(value, reveal):
    line = {"sha256": hashlib.sha256(value).hexdigest(), "size": len(value)}
    if reveal:
        line["value_base64"] = base64.b64encode(value).decode()
    return line


def read_all(store, values, reveal):
    columns = {}
    for column in store.rows("sealed_column"):
        column = store.attempt(named("sealed_column", column["id"]), store.open_column, column)
        if column is not None:
            columns[column["label"]] = column
    for v in store.secret_versions():
        row = named("secret_version", v["project_id"], v["secret_id"], v["version"])
        opened = store.attempt(row, store.open_version, v)
        if opened is not None:
            v, value, context = opened
            store.attempt(row, store.check_version_mac, v, context)
            store.attempt(row, store.check_floor, v["project_id"], v["dek_id"])
            line = {name: v[name] for name in ("project_id", "secret_id", "name", "kind", "version",
                                               "expires_at")}
            print(json.dumps({"project": line.pop("project_id"), **line, **describe(value, reveal)}))
    for s in store.secrets():
        row = named("secret", s["project_id"], s["id"])
        store.attempt(row, store.check_head_mac, s)
        store.attempt(row, store.check_versions, row, s)
    store.check_log()
    for number, wanted in enumerate(values, 1):
        opened = store.attempt("value %d" % number, store.open_value, columns, wanted["project"],
                               wanted["label"], wanted["sealed"], wanted.get("row_key", ()))
        if opened is not None:
            dek_id, value = opened
            store.attempt("value %d" % number, store.check_floor, wanted["project"], dek_id)
            print(json.dumps({"project": wanted["project"], "label": wanted["label"],
                              "row_key": wanted.get("row_key", []), **describe(value, reveal)}))


def fail(status, error):
    print("reference_reader: error: %s" % error, file=sys.stderr)
    return status


def main():
    parser = argparse.ArgumentParser(description="Opens every row of a Rowseal store.")
    parser.add_argument("--store", required=True)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--root-key-file")
    given.add_argument("--passphrase-file")
    parser.add_argument("--values", help="JSON lines of sealed values to open")
    parser.add_argument("--reveal", action="store_true", help="print plaintext, as base64")
    parser.add_argument("--immutable", action="store_true",
                        help="nobody writes the store, it has no -wal, and no file can be made")
    options = parser.parse_args()
    try:
        with open(options.root_key_file or options.passphrase_file, "rb") as file:
            text = file.read()
        root = (RootKey(decode_root_key(text)) if options.root_key_file
                else Passphrase(decode_passphrase(text)))
        values = []
        if options.values:
            with open(options.values, encoding="utf-8") as file:
                values = [json.loads(line) for line in file]
    except RootKeyError as error:
        return fail(6, error)
    except (OSError, ValueError) as error:
        return fail(2, error)
    try:
        uri = "file:" + urllib.parse.quote(options.store) + "?mode=ro"
        if options.immutable:
            if os.path.exists(options.store + "-wal"):
                return fail(2, "its newest rows stand in the -wal file: copy both to a folder that "
                            "can be written")
            uri += "&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            store = Store(db, root)
            read_all(store, values, options.reveal)
    except ImportError as error:
        return fail(2, "a passphrase needs python3-argon2: %s" % error)
    except RootKeyError as error:
        return fail(6, error)
    except FormError as error:
        return fail(7, error)
    except sqlite3.OperationalError as error:
        return fail(2, error)
    except (IntegrityError, TypeError, ValueError, sqlite3.DatabaseError) as error:
        return fail(4, error)
    return 4 if store.failures else 0


if __name__ == "__main__":
    sys.exit(main())
