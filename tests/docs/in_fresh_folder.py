#!/usr/bin/python3
"""Runs a program in a fresh folder and exits as it does: in_fresh_folder.py PROGRAM [ARGUMENT…]"""
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    sys.exit(subprocess.run(sys.argv[1:], cwd=folder, check=False).returncode)
