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
    {"project": "42", "id": SECRET_DEK, "kek_id": 2, "purpose": "secret", "suite": 1,
     "state": "active", "revision": 1, "key": SECRET_DEK_KEY},
    {"project": "clé-日本", "id": VALUE_DEK, "kek_id": 2, "purpose": "value", "suite": 1,
     "state": "deactivated", "revision": 2, "key": VALUE_DEK_KEY},
]
COLUMNS = [
    {"id": FIELD_COLUMN, "label": "workflows.definition", "context": "field", "state": "active",
     "revision": 1},
    {"id": CELL_COLUMN, "label": "webhooks.signing secret", "context": "cell", "state": "removed",
     "revision": 2},
]
KEYS_BY_KEK = {kek["id"]: kek["key"] for kek in KEKS}


def check_values():
    cases = [(kek["key"], str(kek["id"])) for kek in KEKS] + [(d["key"], d["id"]) for d in DEKS]
    return [{"key": key, "id": key_id, "message": fields("rowseal/v1/check", key_id),
             "check_value": check_value(key, key_id)} for key, key_id in cases]


def wrappings():
    cases = []
    for number, kek in enumerate(KEKS):
        check = check_value(kek["key"], str(kek["id"]))
        context = fields("rowseal/v1/kek", INSTALLATION, str(kek["id"]), kek["scope"],
                         kek["purpose"], check, "1")
        wrapping_secret = key_of(0xC0 + number)
        secret = wrap(ROOT_KEY, nonce_of(0x10 + number), wrapping_secret, context)
        cases.append({"kek_id": kek["id"], "root_id": 1, "scope": kek["scope"],
                      "purpose": kek["purpose"], "check_value": check, "context": context,
                      "root_key": ROOT_KEY, "wrapping_secret": wrapping_secret,
                      "secret_nonce": nonce_of(0x10 + number), "secret": secret,
                      "kek": kek["key"], "key_nonce": nonce_of(0x30 + number),
                      "key": wrap(wrapping_secret, nonce_of(0x30 + number), kek["key"], context)})
    return cases


def deks():
    cases = []
    for number, dek in enumerate(DEKS):
        check = check_value(dek["key"], dek["id"])
        context = fields("rowseal/v1/dek", INSTALLATION, dek["project"], dek["id"], dek["purpose"],
                         b"\x01", check, str(dek["kek_id"]))
        nonce = nonce_of(0x50 + number)
        kek = KEYS_BY_KEK[dek["kek_id"]]
        cases.append({**dek, "check_value": check, "context": context, "kek": kek, "nonce": nonce,
                      "wrapped_key": wrap(kek, nonce, dek["key"], context)})
    return cases


def tagged(table, row, *values):
    message = fields("rowseal/v1/row-tag", INSTALLATION, table, *values)
    code = mac(INTEGRITY_KEK, message)
    tag = (1).to_bytes(8, "big") + code
    return {"table": table, "row": row, "message": message, "mac": code, "tag": tag}


def row_tags():
    root = {"id": 1, "uri": "file:/srv/app/root.key", "scope": "default",
            "fingerprint": reader.root_fingerprint(ROOT_KEY), "public_part": b"",
            "state": "active", "revision": 1}
    tags = [tagged("root_key", root, "1", root["uri"], root["scope"], root["fingerprint"], b"",
                   root["state"], 1)]
    for kek in KEKS:
        row = {**kek, "check_value": check_value(kek["key"], str(kek["id"]))}
        del row["key"]
        tags.append(tagged("kek", row, str(row["id"]), row["scope"], row["purpose"], b"\x01",
                           row["state"], row["resumes_to"], row["revision"], row["check_value"]))
    for dek in DEKS:
        row = {**dek, "check_value": check_value(dek["key"], dek["id"])}
        del row["key"], row["kek_id"]
        tags.append(tagged("dek", row, row["project"], row["id"], row["purpose"], b"\x01",
                           row["state"], row["revision"], row["check_value"]))
    for row in COLUMNS:
        tags.append(tagged("sealed_column", row, row["id"], row["label"], row["context"],
                           row["state"], row["revision"]))
    return tags


def trust_tag():
    tags = row_tags()
    row = {"id": INSTALLATION, "epoch": 3, "next_kek_id": 11, "next_root_id": 2,
           "integrity_kek_id": 1, "projects_table": "", "project_key_type": "text"}
    values = [row["id"], row["epoch"], row["next_kek_id"], row["next_root_id"], "1",
              row["projects_table"], row["project_key_type"]]
    for table in ("root_key", "kek"):
        members = [tag for tag in tags if tag["table"] == table]
        values.append(len(members))
        for member in members:
            values += [str(member["row"]["id"]), member["tag"]]
    values.append(len(KEKS))
    for wrapping in wrappings():
        values += [str(wrapping["kek_id"]), "1", wrapping["secret"], wrapping["key"]]
    return tagged("installation", row, *values)


def paddings():
    return [{"value": value, "padded": pad(value)}
            for value in (b"", b"a", b"\x80", bytes(31), bytes([0xAA]) * 32)]


def paddings_refused():
    cases = [("empty", b""), ("not whole blocks", b"\x80" + bytes(30)), ("no mark", bytes(32)),
             ("a mark in an earlier block", b"\x80" + bytes(63)),
             ("another mark", b"\x01" + bytes(31))]
    return [{"name": name, "padded": padded} for name, padded in cases]


def secret_versions():
    pem = b"-----BEGIN KEY-----\n" + b"0123456789abcdef" * 3 + b"\n"
    cases = [("payment token", "access_token", 1, None, b"tok_live_0123456789"),
             ("clé de signature 🔑", "webhook", 2, 1893456000000000, pem),
             ("before 1970", "workflow", 2**40, -1, b"")]
    described = []
    for number, (name, kind, version, expires_at, value) in enumerate(cases):
        context = fields("rowseal/v1/secret", INSTALLATION, "42", SECRETS[number], name, kind, version,
                         expires_at)
        nonce = nonce_of(0x70 + number)
        data = seal(SECRET_DEK_KEY, nonce, pad(value), context)
        message = fields("rowseal/v1/write-mac", context, nonce, data)
        described.append({"project": "42", "secret_id": SECRETS[number], "name": name, "kind": kind,
                          "version": version, "expires_at": expires_at, "dek_id": SECRET_DEK,
                          "dek": SECRET_DEK_KEY, "value": value, "padded": pad(value),
                          "context": context, "nonce": nonce,
                          "message_key": reader.xaes_parts(SECRET_DEK_KEY, nonce)["message_key"],
                          "encrypted_data": data, "write_mac_message": message,
                          "write_mac": mac(INTEGRITY_KEK, message)})
    return described


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
        described.append({"project": "clé-日本", "column_id": column, "context_kind": kind,
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
        "root_keys": root_keys(), "root_keys_refused": root_keys_refused(),
        "passphrases": passphrases(), "passphrase_parts_refused": passphrase_parts_refused(),
        "check_values": check_values(), "wrappings": wrappings(), "deks": deks(),
        "wrapped_keys_refused": wrapped_keys_refused(),
        "row_tags": row_tags(), "trust_tag": trust_tag(),
        "paddings": paddings(), "paddings_refused": paddings_refused(),
        "secret_versions": secret_versions(),
        "sealed_values": sealed_values(), "sealed_values_refused": sealed_values_refused(),
    }


if __name__ == "__main__":
    # Not sorted: the order is the order of the derivation.
    text = json.dumps(hexadecimal(vectors()), indent=1, ensure_ascii=False)
    sys.stdout.buffer.write(text.encode() + b"\n")
