#!/usr/bin/python3
"""Runs a command with a terminal of its own, and writes what that terminal showed.

Usage: on_terminal.py [--type TEXT]... COMMAND…
    TEXT is typed, with a newline, once something was asked; the next one after the next question

Exits with the command's status.
"""

import os
import pty
import select
import sys
import time

SECONDS = 20


def main():
    arguments = sys.argv[1:]
    typed = []
    while arguments and arguments[0] == "--type":
        typed.append(arguments[1].encode() + b"\n")
        arguments = arguments[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(arguments[0], arguments)

    shown = b""
    asked = False
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # the command has ended
                break
            if not data:
                break
            shown += data
            asked = asked or not data.isspace()  # a line end answers what was typed
        elif typed and asked:
            # Quiet after a question: by now the program has switched the echo off and waits.
            os.write(terminal, typed.pop(0))
            asked = False
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


if __name__ == "__main__":
    main()
