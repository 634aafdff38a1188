"""A fault: one small change of the program, with a name that survives edits elsewhere in its file."""


class Fault:
    """edits: (start, end, text) in the file's characters; `@` in a text is replaced by the number.
    A fault in SQL has no edits: `find` is replaced by `replace` in what is sent to the database.
    calls: for one inside a SQL function, how statements look that run it; None means that any may."""

    def __init__(self, path, line, column, function, operator, code, change, edits,
                 find=None, replace=None, calls=None, dialect=None):
        self.path, self.line, self.column, self.function = path, line, column, function
        self.operator, self.code, self.change, self.edits = operator, code, change, edits
        self.find, self.replace, self.calls, self.dialect = find, replace, calls, dialect
        self.id, self.key = None, None

    @property
    def is_sql(self):
        return self.find is not None

    @property
    def folder(self):
        parts = self.path.split("/")
        return "/".join(parts[:-1]) if parts[0] != "src" or "schema" in parts else "/".join(parts[:2])

    def place(self):
        return f"{self.path}:{self.line}"


class insertion(list):
    """Two texts put around the characters from start to end."""

    def __init__(self, start, end, before, after):
        super().__init__()
        if before:
            self.append((start, start, before, end))
        if after:
            self.append((end, end, after, start))

    def __add__(self, other):
        return list(self) + list(other)


def name_faults(faults):
    """Gives each fault a key made of texts: file, function, operator, change and line of code."""
    seen = {}
    for fault in faults:
        key = " | ".join((fault.path, fault.function, fault.change, fault.code))
        seen[key] = seen.get(key, 0) + 1
        fault.key = key if seen[key] == 1 else f"{key} | {seen[key]}"


def rendered(text, faults):
    """Returns `text` with all edits of `faults`, and where the new texts are: (start, end, fault).
    Texts that begin at one place are nested: what ends later is outside."""
    events = []
    for order, fault in enumerate(faults):
        for edit in fault.edits:
            new = edit[2].replace("@", str(fault.id))
            if len(edit) == 3:  # replaces characters
                events.append((edit[0], 2, 0, order, edit[1], new, fault))
            elif edit[3] >= edit[0]:  # before: the longest first
                events.append((edit[0], 1, -edit[3], order, edit[0], new, fault))
            else:  # after: the shortest first, and of equals the one that began last
                events.append((edit[0], 0, -edit[3], -order, edit[0], new, fault))
    events.sort(key=lambda event: event[:4])
    parts, spans, position, size = [], [], 0, 0
    for start, _, _, _, end, new, fault in events:
        parts += [text[position:start], new]
        size += start - position
        spans.append((size, size + len(new), fault))
        size += len(new)
        position = end
    parts.append(text[position:])
    return "".join(parts), spans
