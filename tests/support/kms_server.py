#!/usr/bin/python3
"""A small AWS KMS for tests: Encrypt and Decrypt under one key that it draws at its start, on a free
port of 127.0.0.1. It checks every signature as AWS does, version 4, by computing it again.

    kms_server.py FOLDER ARN REGION

It reads FOLDER/mode before each request: nothing or `ok`; `throttle N`, for the next N requests;
`error`; `slow MS`; `down` (it hangs up); `disabled`; `other-key` (it answers for another key). It
writes FOLDER/port when it is ready, and a line to FOLDER/requests for each request: the action, and
how it ended. Credentials: access key AKIDTEST, secret key `test secret key`; a session token, if one
is sent, must be `test token`. It ends with its parent.
"""
import base64
import ctypes
import datetime
import hashlib
import hmac
import http.server
import json
import os
import signal
import sys
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FOLDER, ARN, REGION = sys.argv[1:4]
ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDTEST", "test secret key", "test token"
KEY = AESGCM(os.urandom(32))
PR_SET_PDEATHSIG = 1


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def refusal_of(handler, body):
    """Says what is wrong with a request's signature; None when it is the one that AWS computes."""
    authorization = handler.headers.get("Authorization", "")
    algorithm, _, rest = authorization.partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if algorithm != "AWS4-HMAC-SHA256" or set(fields) != {"Credential", "SignedHeaders", "Signature"}:
        return "IncompleteSignatureException"
    access, date, region, service, end = fields["Credential"].split("/")
    if (access, region, service, end) != (ACCESS_KEY, REGION, "kms", "aws4_request"):
        return "UnrecognizedClientException"
    sent = handler.headers.get("X-Amz-Date", "")
    then = datetime.datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    age = abs((datetime.datetime.now(datetime.timezone.utc) - then).total_seconds())
    signed = fields["SignedHeaders"].split(";")
    amazon = {name.lower() for name in handler.headers if name.lower().startswith("x-amz-")}
    if age > 300 or not sent.startswith(date) or signed != sorted(signed):
        return "InvalidSignatureException"
    if not amazon <= set(signed) or "host" not in signed:
        return "InvalidSignatureException"
    canonical = "\n".join(
        [handler.command, handler.path, ""]
        + ["%s:%s" % (name, " ".join(handler.headers.get(name, "").split())) for name in signed]
        + ["", ";".join(signed), hashlib.sha256(body).hexdigest()])
    scope = "/".join((date, region, service, end))
    to_sign = "\n".join((algorithm, sent, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = ("AWS4" + SECRET_KEY).encode()
    for part in (date, region, service, end):
        key = sign(key, part)
    if not hmac.compare_digest(sign(key, to_sign).hex(), fields["Signature"]):
        return "InvalidSignatureException"
    if handler.headers.get("X-Amz-Security-Token", TOKEN) != TOKEN:
        return "UnrecognizedClientException"
    return None


def mode():
    """Returns the words of the mode, and counts down one that is for so many requests."""
    path = os.path.join(FOLDER, "mode")
    try:
        with open(path, encoding="utf-8") as file:
            words = file.read().split() or ["ok"]
    except FileNotFoundError:
        return ["ok"]
    if words[0] == "throttle":
        left = int(words[1]) - 1
        with open(path, "w", encoding="utf-8") as file:
            file.write("throttle %d" % left if left > 0 else "ok")
    return words


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, content):
        if status != 200:
            content = {"__type": "com.amazonaws.kms#" + content, "message": "refused"}
        # Before the answer: whoever has that counts the requests.
        with open(os.path.join(FOLDER, "requests"), "a", encoding="utf-8") as file:
            file.write("%s %s\n" % (self.headers.get("X-Amz-Target"), content.get("__type", "ok")))
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        words = mode()
        if words[0] == "down":
            self.close_connection = True
            self.connection.close()
            return
        if words[0] == "slow":
            time.sleep(int(words[1]) / 1000)
        refused = refusal_of(self, body)
        if refused:
            self.answer(403 if refused != "IncompleteSignatureException" else 400, refused)
        elif words[0] == "throttle":
            self.answer(400, "ThrottlingException")
        elif words[0] == "error":
            self.answer(500, "KMSInternalException")
        elif words[0] == "disabled":
            self.answer(400, "DisabledException")
        else:
            self.serve(json.loads(body), words[0] == "other-key")

    def serve(self, request, other_key):
        key_id = ARN + "0" if other_key else ARN
        context = json.dumps(request["EncryptionContext"], sort_keys=True).encode()
        action = self.headers.get("X-Amz-Target", "").removeprefix("TrentService.")
        if request["KeyId"] != ARN:
            self.answer(400, "NotFoundException")
        elif action == "Encrypt":
            nonce = os.urandom(12)
            blob = nonce + KEY.encrypt(nonce, base64.b64decode(request["Plaintext"]), context)
            self.answer(200, {"CiphertextBlob": base64.b64encode(blob).decode(), "KeyId": key_id,
                              "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
        elif action == "Decrypt":
            blob = base64.b64decode(request["CiphertextBlob"])
            try:
                plain = KEY.decrypt(blob[:12], blob[12:], context)
            except (InvalidTag, ValueError):
                self.answer(400, "InvalidCiphertextException")
                return
            self.answer(200, {"Plaintext": base64.b64encode(plain).decode(), "KeyId": key_id,
                              "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
        else:
            self.answer(400, "UnknownOperationException")


def main():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that did not wait for the answer
    path = os.path.join(FOLDER, "port")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.server_port))
    os.rename(path + ".new", path)
    server.serve_forever()


if __name__ == "__main__":
    main()
