#!/usr/bin/python3
"""Holds a PostgreSQL server for a test: prints its port, and ends it when standard input closes."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from postgres_server import PostgresServer, bin_folder  # noqa: E402

if bin_folder() is None:
    print("none", flush=True)
    sys.exit()
with PostgresServer() as server:
    print(server.port, flush=True)
    sys.stdin.read()
