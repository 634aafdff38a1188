#!/usr/bin/python3
"""Writes vectors.json: fixed inputs, every intermediate value, and what must be refused.

    make_vectors.py > vectors.json

The nonces, keys and ids are fixed so that the output is; a writer draws them at random. The forms
come from reference_reader.py, whose functions these vectors test too; sealing stands here only.
"""
import base64
import hashlib
import json
import sys

sys.dont_write_bytecode = True

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import reference_reader as reader
from reference_reader import check_value, fields, mac


def key_of(byte):
    """32 bytes counting up from `byte`."""
    return bytes((byte + i) & 0xFF for i in range(32))


def nonce_of(byte):
    return bytes((byte + i) & 0xFF for i in range(24))


def seal(key, nonce, plaintext, context):
    parts = reader.xaes_parts(key, nonce)
    return AESGCM(parts["message_key"]).encrypt(parts["iv"], plaintext, context)


def wrap(key, nonce, inner, context):
    return b"\x01\x01" + nonce + seal(key, nonce, inner, context)


def pad(value):
    return value + b"\x80" + bytes(31 - len(value) % 32)


def root_key_text(key, checksum=None):
    payload = key + (checksum or hashlib.sha256(b"rsroot1" + key).digest()[:4])
    return "rsroot1" + base64.b32encode(payload).decode().rstrip("=").lower()


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


INSTALLATION = "8f14e45f-ceea-467f-9575-1c1b5a7d3c01"
OTHER_INSTALLATION = "c9f0f895-fb98-4b91-8d5a-2e7f6a1b4c02"
SECRET_DEK = "45c48cce-2e2d-4fbd-8a1a-fc51c7c6ad26"
VALUE_DEK = "d3d94468-02a4-4259-b55d-38e6d163e820"
SECRETS = ["6512bd43-d9ca-46e0-8c99-0b0a82652dca", "1f0e3dad-9990-4345-b743-9f8ffabdffc4",
           "98f13708-2101-44c4-b567-9c3b0d8b0a1e"]
FIELD_COLUMN = "c20ad4d7-6fe9-4759-aa27-a0c99bff6710"
CELL_COLUMN = "c51ce410-c124-410e-8db5-e4b97fc2af39"
ROOT_KEY, WRAP_KEK, INTEGRITY_KEK = key_of(0x00), key_of(0x20), key_of(0x40)
SECRET_DEK_KEY, VALUE_DEK_KEY = key_of(0x60), key_of(0x80)


def field_encodings():
    cases = [
        ("an empty label", [""]),
        ("a label alone", ["rowseal/v1/fingerprint"]),
        ("text, bytes, integers", ["label", "a", b"\x00\xff", 1, -1, 2**63 - 1, -2**63]),
        ("absent is not empty", ["label", None, ""]),
        ("one field of two letters", ["label", "ab"]),
        ("two fields of one letter", ["label", "a", "b"]),
        ("utf-8", ["label", "clé-日本-🔑"]),
    ]
    described = []
    for name, values in cases:
        forms = []
        for value in values[1:]:
            if value is None:
                forms.append({"absent": True})
            elif isinstance(value, int):
                forms.append({"integer": str(value)})
            elif isinstance(value, str):
                forms.append({"text": value})
            else:
                forms.append({"bytes": value})
        described.append({"name": name, "label": values[0], "fields": forms,
                          "encoded": fields(*values)})
    return described


def xaes():
    cases = [(bytes([1]) * 32, b"ABCDEFGHIJKLMNOPQRSTUVWX", b"XAES-256-GCM", b""),
             (bytes([3]) * 32, b"ABCDEFGHIJKLMNOPQRSTUVWX", b"XAES-256-GCM",
              b"c2sp.org/XAES-256-GCM")]
    return [{"key": key, "nonce": nonce, **reader.xaes_parts(key, nonce), "plaintext": plaintext,
             "context": context, "sealed": seal(key, nonce, plaintext, context)}
            for key, nonce, plaintext, context in cases]


def root_keys():
    cases = []
    for key in (ROOT_KEY, bytes([0xFF]) * 32):
        checksum = hashlib.sha256(b"rsroot1" + key).digest()[:4]
        message = fields("rowseal/v1/fingerprint")
        cases.append({"key": key, "checksum": checksum, "payload": key + checksum,
                      "text": root_key_text(key), "fingerprint_message": message,
                      "fingerprint": mac(key, message)})
    return cases


def root_keys_accepted():
    return [{"name": "one final newline", "text": root_key_text(ROOT_KEY) + "\n", "key": ROOT_KEY}]


def root_keys_refused():
    text = root_key_text(ROOT_KEY)
    cases = [("empty", ""), ("upper case", text.upper()), ("cut off", text[:-1]),
             ("one character more", text + "a"), ("two final newlines", text + "\n\n"),
             ("a carriage return", text + "\r\n"), ("a leading space", " " + text),
             ("non-zero trailing bits", text[:-1] + chr(ord(text[-1]) + 1)),
             ("a digit outside the alphabet", text[:20] + "1" + text[21:]),
             ("another checksum", root_key_text(ROOT_KEY, b"\x00\x00\x00\x00")),
             ("all zeros", root_key_text(bytes(32))), ("hexadecimal", ROOT_KEY.hex())]
    return [{"name": name, "text": text} for name, text in cases]


def passphrase_part(passes, memory, salt):
    return b"\x01\x01" + passes.to_bytes(4, "big") + memory.to_bytes(4, "big") + salt


def passphrases():
    cases = []
    for passphrase, passes, memory in ((b"correct horse battery staple", 3, 65536),
                                       ("clé 日本 🔑".encode(), 3, 12288),
                                       (b"\x00\xff not text\n", 4, 16384)):
        salt = nonce_of(0xB0 + len(cases))[:16]
        key = reader.passphrase_root_key(passphrase, passes, memory, salt)
        cases.append({"passphrase": passphrase, "passes": passes, "memory_kib": memory,
                      "salt": salt, "public_part": passphrase_part(passes, memory, salt),
                      "root_key": key, "fingerprint": reader.root_fingerprint(key)})
    return cases


def passphrase_parts_refused():
    salt = nonce_of(0xB0)[:16]
    part = passphrase_part(3, 65536, salt)
    cases = [("empty", b""), ("cut by a byte", part[:-1]), ("a byte more", part + b"\x00"),
             ("version 0", b"\x00" + part[1:]), ("version 2", b"\x02" + part[1:]),
             ("another KDF", part[:1] + b"\x02" + part[2:])]
    cases += [("%d passes over %d KiB" % cost, passphrase_part(*cost, salt))
              for cost in ((0, 65536), (2, 65536), (17, 65536), (3, 12287), (3, 1048577),
                           (3, 699051), (16, 131073), (2**32 - 1, 2**32 - 1))]
    return [{"name": name, "public_part": part} for name, part in cases]


KEKS = [
    {"id": 1, "scope": "default", "purpose": "integrity", "suite": 1, "state": "active",
     "resumes_to": None, "revision": 1, "key": INTEGRITY_KEK},
    {"id": 2, "scope": "default", "purpose": "wrap", "suite": 1, "state": "active",
     "resumes_to": None, "revision": 1, "key": WRAP_KEK},
    {"id": 10, "scope": "default", "purpose": "wrap", "suite": 1, "state": "suspended",
     "resumes_to": "deactivated", "revision": 3, "key": key_of(0xA0)},
]
DEKS = [
    {"project_id": "42", "id": SECRET_DEK, "kek_id": 2, "purpose": "secret", "suite": 1,
     "state": "active", "revision": 1, "key": SECRET_DEK_KEY},
    {"project_id": "clé-日本", "id": VALUE_DEK, "kek_id": 2, "purpose": "value", "suite": 1,
     "state": "deactivated", "revision": 2, "key": VALUE_DEK_KEY},
]
COLUMNS = [
    {"id": FIELD_COLUMN, "label": "workflows.definition", "context": "field", "state": "active",
     "revision": 1},
    {"id": CELL_COLUMN, "label": "webhooks.signing secret", "context": "cell", "state": "removed",
     "revision": 2},
    {"id": "5d2f8a70-4b1c-4e6d-9f3a-0c7b6e5d4a23", "label": "users.totp", "context": "cell",
     "state": "active", "revision": 1, "source_database": "sqlite:/srv/app/app.db",
     "source_table": "user", "source_column": "totp", "source_keys": "region\nid",
     "source_project": "project_id"},
]
KEYS_BY_KEK = {kek["id"]: kek["key"] for kek in KEKS}
BORN_EPOCHS = {SECRET_DEK: 2, VALUE_DEK: 1}
# Not in the order of the tag. Only the scope `default` has KEKs here.
FLOORS = [
    {"scope": "default", "seal_floor": 2, "secrets_floor": 2, "values_floor": 1},
    {"scope": "clé-日本", "seal_floor": 3, "secrets_floor": 0, "values_floor": 0},
    {"scope": "Zeta", "seal_floor": 1, "secrets_floor": 1, "values_floor": 1},
]


def check_values():
    cases = [(kek["key"], str(kek["id"])) for kek in KEKS] + [(d["key"], d["id"]) for d in DEKS]
    return [{"key": key, "id": key_id, "message": fields("rowseal/v1/check", key_id),
             "check_value": check_value(key, key_id)} for key, key_id in cases]


def kek_context(kek, check, root_id):
    return fields("rowseal/v1/kek", INSTALLATION, str(kek["id"]), kek["scope"], kek["purpose"],
                  check, str(root_id))


def wrapping(kek, root_id, root_key, number, check=None):
    """A KEK under a root. `number` tells the nonces and the wrapping secret of wrappings apart."""
    check = check or check_value(kek["key"], str(kek["id"]))
    context = kek_context(kek, check, root_id)
    wrapping_secret = key_of(0xC0 + number)
    secret = wrap(root_key, nonce_of(0x10 + number), wrapping_secret, context)
    return {"kek_id": kek["id"], "root_id": root_id, "scope": kek["scope"],
            "purpose": kek["purpose"], "check_value": check, "context": context,
            "root_key": root_key, "wrapping_secret": wrapping_secret,
            "secret_nonce": nonce_of(0x10 + number), "secret": secret,
            "kek": kek["key"], "key_nonce": nonce_of(0x30 + number),
            "key": wrap(wrapping_secret, nonce_of(0x30 + number), kek["key"], context)}


def wrappings():
    return [wrapping(kek, 1, ROOT_KEY, number) for number, kek in enumerate(KEKS)]


def wrappings_refused():
    """Rows of a KEK and its wrapping, with the context that the row gives."""
    def row(name, kek, **changed):
        vector = {**wrapping(kek, 1, ROOT_KEY, 0), **changed}
        place = {"id": vector["kek_id"], "scope": vector["scope"], "purpose": vector["purpose"]}
        vector["context"] = kek_context(place, vector["check_value"], vector["root_id"])
        return {"name": name, **{member: vector[member] for member in (
            "kek_id", "root_id", "scope", "purpose", "check_value", "context", "root_key", "secret",
            "key")}}

    kek, other = KEKS[1], check_value(KEKS[2]["key"], "2")
    bound = wrapping(kek, 1, ROOT_KEY, 0, other)
    return [row("another KEK's id", kek, kek_id=3), row("another root's id", kek, root_id=2),
            row("another scope", kek, scope="42"),
            row("another purpose", kek, purpose="integrity"),
            row("another check value", kek, check_value=other),
            # Both layers open: only the comparison refuses.
            row("bound to a check value that is not the key's", kek, check_value=other,
                secret=bound["secret"], key=bound["key"])]


def dek_context(dek, check, installation=INSTALLATION):
    return fields("rowseal/v1/dek", installation, dek["project_id"], dek["id"], dek["purpose"],
                  b"\x01", check, str(dek["kek_id"]))


def deks():
    cases = []
    for number, dek in enumerate(DEKS):
        check = check_value(dek["key"], dek["id"])
        context = dek_context(dek, check)
        nonce = nonce_of(0x50 + number)
        kek = KEYS_BY_KEK[dek["kek_id"]]
        cases.append({**dek, "check_value": check, "context": context, "kek": kek, "nonce": nonce,
                      "wrapped_key": wrap(kek, nonce, dek["key"], context)})
    return cases


def deks_refused():
    """Rows whose key does not come out, with the context that the row gives."""
    dek = deks()[0]
    other = check_value(VALUE_DEK_KEY, dek["id"])

    def row(name, installation=INSTALLATION, **changed):
        vector = {**dek, **changed}
        vector["context"] = dek_context(vector, vector["check_value"], installation)
        members = ("project_id", "id", "kek_id", "purpose", "suite", "state", "revision",
                   "check_value", "context", "kek", "wrapped_key")
        return {"name": name, "installation": installation,
                **{member: vector[member] for member in members}}

    bound = wrap(dek["kek"], dek["nonce"], dek["key"], dek_context(dek, other))
    return [row("another project", project_id="43"), row("another id", id=VALUE_DEK),
            row("another purpose", purpose="value"), row("another KEK's id", kek_id=10),
            row("another KEK", kek_id=10, kek=KEYS_BY_KEK[10]),
            row("another installation", OTHER_INSTALLATION),
            row("another check value", check_value=other),
            # It opens: only the comparison refuses.
            row("bound to a check value that is not the key's", check_value=other,
                wrapped_key=bound)]


def tag_of(message, key=INTEGRITY_KEK, key_id=1):
    """The id of the integrity key, and the HMAC that it makes."""
    return key_id.to_bytes(8, "big") + mac(key, message)


def tagged(table, row, *values, label="rowseal/v1/row-tag"):
    message = fields(label, INSTALLATION, table, *values)
    tag = tag_of(message)
    return {"table": table, "row": row, "message": message, "mac": tag[8:], "tag": tag}


def root_tag(root_id, uri, root_key):
    root = {"id": root_id, "uri": uri, "scope": "default",
            "fingerprint": reader.root_fingerprint(root_key), "public_part": b"",
            "state": "active", "revision": 1}
    return tagged("root_key", root, str(root_id), uri, root["scope"], root["fingerprint"], b"",
                  root["state"], 1)


def kek_tags():
    tags = []
    for kek in KEKS:
        row = {**kek, "check_value": check_value(kek["key"], str(kek["id"]))}
        del row["key"]
        tags.append(tagged("kek", row, str(row["id"]), row["scope"], row["purpose"], b"\x01",
                           row["state"], row["resumes_to"], row["revision"], row["check_value"]))
    return tags


def dek_fields(row):
    return [row["project_id"], row["id"], row["purpose"], b"\x01", row["state"], row["revision"],
            row["check_value"]]


def dek_tag(row):
    return tagged("dek", row, *dek_fields(row), row["born_epoch"], label="rowseal/v2/row-tag")


def dek_tags():
    tags = []
    for dek in DEKS:
        row = {**dek, "check_value": check_value(dek["key"], dek["id"]),
               "born_epoch": BORN_EPOCHS[dek["id"]]}
        del row["key"], row["kek_id"]
        tags.append(dek_tag(row))
    return tags


def row_tags():
    tags = [root_tag(1, "file:/srv/app/root.key", ROOT_KEY)] + kek_tags() + dek_tags()
    for row in COLUMNS:
        tags.append(tagged("sealed_column", row, row["id"], row["label"], row["context"],
                           row["state"], row["revision"], *source_fields(row)))
    return tags


def source_fields(row):
    """Where a column stands in an application's database; nothing when that is not known."""
    if "source_database" not in row:
        return []
    keys = row["source_keys"].split("\n")
    return [row["source_database"], row["source_table"], row["source_column"], len(keys), *keys,
            row["source_project"]]


def row_tags_refused():
    """Tags that do not stand for their row."""
    kek, dek = kek_tags()[1], dek_tags()[0]
    forged = mac(WRAP_KEK, kek["message"])
    later = {**dek["row"], "born_epoch": dek["row"]["born_epoch"] + 1}
    cases = [("another key's id", kek, (10).to_bytes(8, "big") + kek["mac"]),
             ("made with a KEK that wraps, and its id", kek, (2).to_bytes(8, "big") + forged),
             ("made with a KEK that wraps", kek, kek["tag"][:8] + forged),
             ("another row's tag", kek, kek_tags()[2]["tag"]),
             ("without the key's id", kek, kek["mac"]),
             ("cut by a byte", dek, dek["tag"][:-1]),
             ("another row's tag", dek, kek["tag"]),
             ("of a DEK that was made in another epoch", dek, dek_tag(later)["tag"]),
             ("as formats 1 and 2 made it", dek,
              tagged("dek", dek["row"], *dek_fields(dek["row"]))["tag"])]
    return [{"name": name, "table": vector["table"], "row": vector["row"], "tag": tag}
            for name, vector, tag in cases]


def trust_fields(row, tags, wrapped):
    """What the tag covers of the installation, of the roots and KEKs among `tags` and of the
    wrappings, which come in any order."""
    values = [row["id"], row["epoch"], row["next_kek_id"], row["next_root_id"],
              str(row["integrity_kek_id"]), row["projects_table"], row["project_key_type"]]
    for table in ("root_key", "kek"):
        members = sorted((tag["row"]["id"], tag["tag"]) for tag in tags if tag["table"] == table)
        values.append(len(members))
        for member_id, tag in members:
            values += [str(member_id), tag]
    values.append(len(wrapped))
    for one in sorted(wrapped, key=lambda one: (one["kek_id"], one["root_id"])):
        values += [str(one["kek_id"]), str(one["root_id"]), one["secret"], one["key"]]
    return values


def by_scope(floors):
    return sorted(floors, key=lambda floor: floor["scope"].encode())


def floor_fields(floors):
    values = [len(floors)]
    for floor in floors:
        values += [floor["scope"], floor["seal_floor"], floor["secrets_floor"],
                   floor["values_floor"]]
    return values


def trust_tag_over(tags, wrapped, floors, **changed):
    """The tag over the roots and KEKs among `tags`, the wrappings and the floors, in any order."""
    row = {"id": INSTALLATION, "epoch": 3, "next_kek_id": 11, "next_root_id": 2,
           "integrity_kek_id": 1, "projects_table": "", "project_key_type": "text", **changed}
    return tagged("installation", row, *trust_fields(row, tags, wrapped),
                  *floor_fields(by_scope(floors)), label="rowseal/v2/trust-tag")


def trust_tag():
    return trust_tag_over(row_tags(), wrappings(), FLOORS)


def trust_tags_refused():
    """Tags that do not stand for the set that `trust_tag` covers."""
    row, tags, wrapped = trust_tag()["row"], row_tags(), wrappings()
    stored = trust_fields(row, tags, wrapped)

    def over(floors):
        return trust_tag_over(tags, wrapped, floors)["tag"]

    def lowered(name):
        return over([{**FLOORS[0], name: FLOORS[0][name] - 1}] + FLOORS[1:])

    moved = [{**FLOORS[0], "scope": "42"}] + FLOORS[1:]
    cases = [("without floors", over([])), ("without one of the floors", over(FLOORS[1:])),
             ("a lower seal floor", lowered("seal_floor")),
             ("a lower floor of secrets", lowered("secrets_floor")),
             ("a lower floor of values", lowered("values_floor")),
             ("a floor of another scope", over(moved)),
             ("floors in another order", tagged(
                 "installation", row, *stored, *floor_fields(FLOORS),
                 label="rowseal/v2/trust-tag")["tag"]),
             ("as formats 1 and 2 made it", tagged("installation", row, *stored)["tag"]),
             ("another epoch", trust_tag_over(tags, wrapped, FLOORS, epoch=2)["tag"])]
    return [{"name": name, "tag": tag} for name, tag in cases]


def two_roots():
    """Another set of the same KEKs, under the roots 2 and 10, without floors. Its rows stand in no
    order."""
    other_root_key = bytes([0xFF]) * 32
    tags = ([root_tag(10, "file:/srv/app/second.key", other_root_key),
             root_tag(2, "file:/srv/app/root.key", ROOT_KEY)] + kek_tags())
    wrapped = []
    for root_id, root_key in ((10, other_root_key), (2, ROOT_KEY)):
        for kek in (KEKS[2], KEKS[0], KEKS[1]):
            wrapped.append(wrapping(kek, root_id, root_key, 3 + len(wrapped)))
    return {"row_tags": tags, "wrappings": wrapped, "floors": [],
            "trust_tag": trust_tag_over(tags, wrapped, [], epoch=4, next_root_id=11)}


def paddings():
    return [{"value": value, "padded": pad(value)}
            for value in (b"", b"a", b"\x80", bytes(31), bytes([0xAA]) * 32)]


def paddings_refused():
    cases = [("empty", b""), ("not whole blocks", b"\x80" + bytes(30)), ("no mark", bytes(32)),
             ("a mark in an earlier block", b"\x80" + bytes(63)),
             ("another mark", b"\x01" + bytes(31))]
    return [{"name": name, "padded": padded} for name, padded in cases]


def version_mac_message(v):
    return fields("rowseal/v2/version-mac", v["write_count"], v["context"], v["created_at"],
                  v["dek_id"], v["nonce"], v["encrypted_data"])


def secret_versions():
    pem = b"-----BEGIN KEY-----\n" + b"0123456789abcdef" * 3 + b"\n"
    cases = [("payment token", "access_token", 1, None, b"tok_live_0123456789"),
             ("clé de signature 🔑", "webhook", 2, 1893456000000000, pem),
             ("before 1970", "workflow", 2**40, -1, b"")]
    writes = [(1764547200000001, 1), (1764633600000000, 3), (-7200000000, 2**40 + 1)]
    described = []
    for number, (name, kind, version, expires_at, value) in enumerate(cases):
        context = fields("rowseal/v1/secret", INSTALLATION, "42", SECRETS[number], name, kind, version,
                         expires_at)
        nonce = nonce_of(0x70 + number)
        data = seal(SECRET_DEK_KEY, nonce, pad(value), context)
        created_at, write_count = writes[number]
        row = {"project_id": "42", "secret_id": SECRETS[number], "name": name, "kind": kind,
               "version": version, "expires_at": expires_at, "dek_id": SECRET_DEK,
               "dek": SECRET_DEK_KEY, "value": value, "padded": pad(value),
               "context": context, "nonce": nonce,
               "message_key": reader.xaes_parts(SECRET_DEK_KEY, nonce)["message_key"],
               "encrypted_data": data, "created_at": created_at, "write_count": write_count}
        message = version_mac_message(row)
        described.append({**row, "version_mac_message": message, "version_mac": tag_of(message)})
    return described


def secret_versions_refused():
    """Rows that do not open in their place, with the context that the place gives."""
    stored = secret_versions()[1]

    def row(case, **changed):
        vector = {"installation": INSTALLATION, "dek_purpose": "secret", **stored, **changed}
        vector["context"] = fields(
            "rowseal/v1/secret", vector["installation"], vector["project_id"],
            vector["secret_id"], vector["name"], vector["kind"], vector["version"],
            vector["expires_at"])
        if changed.get("dek") and "encrypted_data" not in changed:  # made so by a writer
            vector["encrypted_data"] = seal(vector["dek"], vector["nonce"], vector["padded"],
                                            vector["context"])
        members = ("installation", "project_id", "secret_id", "name", "kind", "version",
                   "expires_at", "dek_id", "dek", "dek_purpose", "nonce", "encrypted_data",
                   "context")
        return {"case": case, **{member: vector[member] for member in members}}

    data = stored["encrypted_data"]
    return [row("another project", project_id="43"),
            row("another secret", secret_id=SECRETS[0]),
            row("another name", name="clé de signature"),
            row("another kind", kind="workflow"), row("another version", version=1),
            row("another expiry", expires_at=stored["expires_at"] + 1),
            row("no expiry", expires_at=None),
            row("another installation", installation=OTHER_INSTALLATION),
            row("another nonce", nonce=nonce_of(0x73)),
            row("cut by a byte", encrypted_data=data[:-1]),
            row("cut by a block", encrypted_data=data[:-48] + data[-16:]),
            # Sealed as the pages say, but with a DEK that is for values: it opens, and is refused.
            row("a DEK of purpose value", project_id="clé-日本", dek_id=VALUE_DEK,
                dek=VALUE_DEK_KEY, dek_purpose="value")]


def version_macs_refused():
    """MACs that are not that of the row: it was not what was written last."""
    rows = secret_versions()
    row, message = rows[0], rows[0]["version_mac_message"]

    def of(**changed):
        return tag_of(version_mac_message({**row, **changed}))

    expires = fields("rowseal/v1/secret", INSTALLATION, "42", SECRETS[0], row["name"], row["kind"],
                     1, 0)
    cases = [("another version's", rows[1]["version_mac"]),
             ("of an older nonce", of(nonce=nonce_of(0x00))),
             ("of other encrypted data", of(encrypted_data=rows[1]["encrypted_data"])),
             ("of the version with an expiry", of(context=expires)),
             ("of the write after this one", of(write_count=2)),
             ("of a version that was made at another time", of(created_at=row["created_at"] + 1)),
             ("under another DEK", of(dek_id=VALUE_DEK)),
             ("made with a KEK that wraps", tag_of(message, WRAP_KEK)),
             ("made with a KEK that wraps, and its id", tag_of(message, WRAP_KEK, 2)),
             ("without the key's id", mac(INTEGRITY_KEK, message)),
             ("cut by a byte", row["version_mac"][:-1]),
             ("empty", b""),
             ("as formats 1 and 2 made it", mac(INTEGRITY_KEK, fields(
                 "rowseal/v1/write-mac", row["context"], row["nonce"], row["encrypted_data"])))]
    members = ("secret_id", "write_count", "context", "created_at", "dek_id", "nonce",
               "encrypted_data")
    return [{"name": name, **{member: row[member] for member in members}, "version_mac": code}
            for name, code in cases]


def head_mac_message(h, installation=INSTALLATION):
    return fields("rowseal/v2/head-mac", h["write_count"], installation, h["project_id"],
                  h["secret_id"], h["name"], h["kind"], h["next_version"], h["lowest_version"],
                  h["created_at"], h["attributes"])


def secret_heads():
    """The rows of secret whose versions `secret_versions` are."""
    heads = []
    for version, (lowest, created_at, attributes, write_count) in zip(secret_versions(), (
            (1, 1764547200000001, "", 1),
            (2, 1764540000000000, '{"équipe": "日本"}', 3),
            (2**40, -7200000001, "", 2**40 + 2))):
        head = {"project_id": "42", "secret_id": version["secret_id"], "name": version["name"],
                "kind": version["kind"], "next_version": version["version"] + 1,
                "lowest_version": lowest, "created_at": created_at, "attributes": attributes,
                "write_count": write_count}
        message = head_mac_message(head)
        heads.append({**head, "head_mac_message": message, "head_mac": tag_of(message)})
    return heads


def head_macs_refused():
    """MACs that are not that of the row of secret."""
    heads = secret_heads()
    head, message = heads[1], heads[1]["head_mac_message"]

    def of(**changed):
        return tag_of(head_mac_message({**head, **changed}))

    cases = [("another secret's", heads[0]["head_mac"]),
             ("of the write after this one", of(write_count=4)),
             ("of the same write of another project", of(project_id="43")),
             ("of another secret's id", of(secret_id=SECRETS[0])),
             ("of another name", of(name="clé de signature")),
             ("of another kind", of(kind="workflow")),
             ("of a higher next version", of(next_version=4)),
             ("of a lower lowest version", of(lowest_version=1)),
             ("of a secret that was made at another time", of(created_at=0)),
             ("of other attributes", of(attributes="")),
             ("of another installation", tag_of(head_mac_message(head, OTHER_INSTALLATION))),
             ("made with a KEK that wraps", tag_of(message, WRAP_KEK)),
             ("made with a KEK that wraps, and its id", tag_of(message, WRAP_KEK, 2)),
             ("without the key's id", mac(INTEGRITY_KEK, message)),
             ("empty", b"")]
    members = ("project_id", "secret_id", "name", "kind", "next_version", "lowest_version",
               "created_at", "attributes", "write_count")
    return [{"case": name, **{member: head[member] for member in members}, "head_mac": code}
            for name, code in cases]


def sealed_values():
    cases = [("field", FIELD_COLUMN, [], b'{"token": "abc"}'),
             ("cell", CELL_COLUMN, ["17"], b""),
             ("cell", CELL_COLUMN, ["acme", "日本"], bytes(range(64)))]
    described = []
    for number, (kind, column, row_key, value) in enumerate(cases):
        context = fields("rowseal/v1/value", INSTALLATION, "clé-日本", column, kind, *row_key)
        nonce = nonce_of(0x90 + number)
        header = (b"\x01\x01" + {"field": b"\x01", "cell": b"\x02"}[kind]
                  + bytes.fromhex(VALUE_DEK.replace("-", "")) + nonce)
        sealed = seal(VALUE_DEK_KEY, nonce, pad(value), context)
        described.append({"project_id": "clé-日本", "column_id": column, "context_kind": kind,
                          "row_key": row_key, "dek_id": VALUE_DEK, "dek": VALUE_DEK_KEY,
                          "value": value, "padded": pad(value), "context": context, "nonce": nonce,
                          "header": header, "sealed": sealed,
                          "text": "rs1." + base64url(header + sealed)})
    return described


def sealed_values_refused():
    text = sealed_values()[0]["text"]
    envelope = base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4))

    def edited(at, byte):
        return "rs1." + base64url(envelope[:at] + bytes([byte]) + envelope[at + 1:])

    cases = [("no prefix", text[4:]), ("upper-case prefix", "RS1." + text[4:]),
             ("prefix alone", "rs1."), ("padding characters", text + "="),
             ("a newline", text + "\n"), ("the other alphabet", text[:-2] + "+/"),
             ("non-zero trailing bits", text[:-1] + chr(ord(text[-1]) + 1)),
             ("version 2", edited(0, 2)), ("suite 0", edited(1, 0)), ("suite 2", edited(1, 2)),
             ("context kind 0", edited(2, 0)), ("context kind 3", edited(2, 3)),
             ("cut by a byte", "rs1." + base64url(envelope[:-1])),
             ("a byte more", "rs1." + base64url(envelope + b"\x00")),
             ("no block", "rs1." + base64url(envelope[:43] + envelope[-16:]))]
    return [{"name": name, "text": text} for name, text in cases]


def sealed_values_elsewhere():
    """Sealed values that are well-formed, and refused where somebody reads them."""
    field, cell = sealed_values()[0], sealed_values()[1]

    def place(name, vector, **changed):
        registered = "field" if vector is field else "cell"
        merged = {"installation": INSTALLATION, "registered": registered, "dek_purpose": "value",
                  **vector, **changed}
        members = ("installation", "project_id", "column_id", "registered", "row_key", "dek_id",
                   "dek", "dek_purpose", "text")
        return {"name": name, **{member: merged[member] for member in members}}

    # Both are true envelopes for column and project, which only the last steps refuse.
    def sealed(dek_id, dek, project, column):
        nonce = nonce_of(0xB0)
        header = b"\x01\x01\x01" + bytes.fromhex(dek_id.replace("-", "")) + nonce
        context = fields("rowseal/v1/value", INSTALLATION, project, column, "field")
        return "rs1." + base64url(header + seal(dek, nonce, pad(b"v"), context))

    return [place("another project", field, project_id="42"),
            place("another column", field, column_id=SECRETS[0]),
            place("another installation", field, installation=OTHER_INSTALLATION),
            place("another row", cell, row_key=["18"]),
            place("a part more of the row key", cell, row_key=["17", ""]),
            place("a field for a column that is registered as cell", field, registered="cell",
                  column_id=CELL_COLUMN, row_key=["17"],
                  text=sealed(VALUE_DEK, VALUE_DEK_KEY, "clé-日本", CELL_COLUMN)),
            place("a DEK of purpose secret", field, project_id="42", dek_id=SECRET_DEK,
                  dek=SECRET_DEK_KEY, dek_purpose="secret",
                  text=sealed(SECRET_DEK, SECRET_DEK_KEY, "42", FIELD_COLUMN))]


def wrapped_keys_refused():
    wrapped = deks()[0]["wrapped_key"]
    cases = [("empty", b""), ("cut by a byte", wrapped[:-1]), ("a byte more", wrapped + b"\x00"),
             ("version 0", b"\x00" + wrapped[1:]), ("version 2", b"\x02" + wrapped[1:]),
             ("suite 0", wrapped[:1] + b"\x00" + wrapped[2:]),
             ("suite 2", wrapped[:1] + b"\x02" + wrapped[2:])]
    return [{"name": name, "wrapped_key": wrapped} for name, wrapped in cases]


def hexadecimal(value):
    """Bytes stand as lower-case hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: hexadecimal(member) for name, member in value.items()}
    return [hexadecimal(member) for member in value] if isinstance(value, list) else value


def vectors():
    return {
        "about": "docs/spec of Rowseal; bytes are lower-case hexadecimal; written by "
                 "make_vectors.py, whose nonces and keys are fixed for this purpose only",
        "installation": INSTALLATION, "other_installation": OTHER_INSTALLATION,
        "integrity_kek_id": 1, "integrity_key": INTEGRITY_KEK,
        "field_encodings": field_encodings(), "xaes": xaes(),
        "root_keys": root_keys(), "root_keys_accepted": root_keys_accepted(),
        "root_keys_refused": root_keys_refused(),
        "passphrases": passphrases(), "passphrase_parts_refused": passphrase_parts_refused(),
        "check_values": check_values(),
        "wrappings": wrappings(), "wrappings_refused": wrappings_refused(),
        "deks": deks(), "deks_refused": deks_refused(),
        "wrapped_keys_refused": wrapped_keys_refused(),
        "row_tags": row_tags(), "row_tags_refused": row_tags_refused(),
        "floors": FLOORS, "trust_tag": trust_tag(), "trust_tags_refused": trust_tags_refused(),
        "two_roots": two_roots(),
        "paddings": paddings(), "paddings_refused": paddings_refused(),
        "secret_versions": secret_versions(),
        "secret_versions_refused": secret_versions_refused(),
        "version_macs_refused": version_macs_refused(),
        "secret_heads": secret_heads(), "head_macs_refused": head_macs_refused(),
        "sealed_values": sealed_values(), "sealed_values_refused": sealed_values_refused(),
        "sealed_values_elsewhere": sealed_values_elsewhere(),
    }


if __name__ == "__main__":
    # Not sorted: the order is the order of the derivation.
    text = json.dumps(hexadecimal(vectors()), indent=1, ensure_ascii=False)
    sys.stdout.buffer.write(text.encode() + b"\n")
