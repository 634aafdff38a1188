"""A made-up app of the kind that Rowseal is for: projects, and their secrets in plaintext."""

import math
import random
import sqlite3
import string
import subprocess

PROJECTS = 40
SECRETS = 5_000
LARGEST = 64 * 1024  # bytes
PEM_KEYS = 25
KINDS = ("webhook", "access_token", "workflow")
CANARY_SIZE = 24  # characters; stands in every value that has room for it
ALPHABET = string.ascii_letters + string.digits
UNICODE_WORDS = ("Schlüssel", "naïve", "秘密の鍵", "ключ", "🔑 emoji", "e\u0301 combining")


def canary(rng):
    return "".join(rng.choices(ALPHABET, k=CANARY_SIZE))


def pem_key():
    """A private key as apps store them, with its line breaks."""
    command = ["openssl", "genpkey", "-algorithm", "ed25519"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def value(rng, number):
    """Returns the value of secret `number` and the part of it to look for later, or None."""
    if number < PEM_KEYS:
        text = pem_key()
        return text, text.splitlines()[1][:CANARY_SIZE]
    # As many values of one byte as of 64 KB: sizes are spread evenly over their logarithms.
    size = round(math.exp(rng.uniform(0, math.log(LARGEST))))
    if size < CANARY_SIZE:
        return "".join(rng.choices(ALPHABET, k=size)), None
    mark = canary(rng)
    filler = "".join(rng.choices(ALPHABET + " \n\t'\"\\", k=size - CANARY_SIZE))
    at = rng.randrange(len(filler) + 1)
    if number % 10 == 0:
        filler = rng.choice(UNICODE_WORDS) + filler
    return filler[:at] + mark + filler[at:], mark


def make(path):
    """Writes the database and returns {(project, name): value} and the parts to look for."""
    rng = random.Random(20240131)
    values, canaries = {}, []
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
            "CREATE TABLE secrets (id INTEGER PRIMARY KEY,"
            " project_id INTEGER NOT NULL REFERENCES projects (id), name TEXT NOT NULL,"
            " kind TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (project_id, name));"
        )
        for project in range(1, PROJECTS + 1):
            database.execute("INSERT INTO projects VALUES (?, ?)", (project, f"Tenant {project}"))
        for number in range(SECRETS):
            project = number % PROJECTS + 1
            name = f"{rng.choice(('STRIPE', 'GITHUB', 'Größe', 'slack/ops'))}_{number}"
            text, mark = value(rng, number)
            values[str(project), name] = text
            if mark:
                canaries.append(mark)
            database.execute(
                "INSERT INTO secrets (project_id, name, kind, value) VALUES (?, ?, ?, ?)",
                (project, name, rng.choice(KINDS), text),
            )
    return values, canaries


def make_env_file(path):
    """Writes an .env file and returns {name: value} and the parts to look for."""
    rng = random.Random(7)
    values = {
        "DATABASE_URL": f"postgres://app:{canary(rng)}@localhost/app",
        "SENTRY_DSN": f"https://{canary(rng)}@sentry.example/1",
        "MULTI_LINE": f"first line\nsecond line {canary(rng)}",
        "QUOTED": f"it's \"{canary(rng)}\"",
    }
    with open(path, "w", encoding="utf-8") as file:
        for name, text in values.items():
            quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            file.write(f'{name}="{quoted}"\n')
    find = [word for text in values.values() for word in text.replace('"', " ").split()]
    return values, [word[:CANARY_SIZE] for word in find if len(word) >= CANARY_SIZE]
