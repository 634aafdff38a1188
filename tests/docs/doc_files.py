"""Finds the documents and takes their fenced blocks out. Shared by the tests in this folder."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FENCE = re.compile(r"^```([a-z+]*)(.*)$")


def documents():
    """Returns the paths of README.md, the other pages beside it, and every page under docs/."""
    found = [os.path.join(ROOT, name) for name in os.listdir(ROOT) if name.endswith(".md")]
    for folder, _, names in os.walk(os.path.join(ROOT, "docs")):
        found += [os.path.join(folder, name) for name in names if name.endswith(".md")]
    return sorted(found)


def shown(path):
    return os.path.relpath(path, ROOT)


class Block:
    """A fenced block: its language, what stands behind the language, its first line's number."""

    def __init__(self, language, rest, line):
        self.language = language
        self.rest = rest
        self.line = line
        self.lines = []


def blocks(path):
    """Returns the fenced blocks of a page, in order."""
    found, block = [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            fence = FENCE.match(line)
            if block is None and fence:
                block = Block(fence.group(1), fence.group(2).strip(), number + 1)
            elif block is not None and line == "```":
                found.append(block)
                block = None
            elif block is not None:
                block.lines.append(line)
    if block is not None:
        raise ValueError("%s:%d: the block is not closed" % (shown(path), block.line))
    return found
