"""Finds places in SQL text where one small fault can be planted: in the files of the schema and in the
string literals of C++. Nothing is compiled for them: the text is changed on its way to the database,
which is known by a part of it that occurs once."""
import re

from cpp_faults import tokens_of
from fault import Fault

# (operator, pattern, replacement): group 1, where there is one, is what goes or changes.
RULES = [(name, re.compile(pattern, re.S), new) for name, pattern, new in [
    ("drop a row lock", r"\s+FOR (?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)(?: OF \w+)?(?: SKIP LOCKED)?",
     ""),
    ("wait for locked rows", r" SKIP LOCKED", ""),
    ("drop ON CONFLICT", r"\s+ON CONFLICT(?: \([^()]*\))?(?:\s+WHERE [^()]*?)? DO NOTHING", ""),
    ("drop a constraint", r"\bCHECK \(", "CHECK (true OR "),
    ("drop a constraint", r"\bUNIQUE\b(?= INDEX)", ""),
    ("drop a constraint", r"(?<=[a-z]) UNIQUE(?=,|\s*\n)", ""),
    ("drop a constraint", r"(?<=[a-z]) NOT NULL(?=,|\s*\n| CHECK)", ""),
    ("cascade", r"ON DELETE RESTRICT", "ON DELETE CASCADE"),
    ("drop a call", r"\bPERFORM [^;]*;", "NULL;"),
    ("drop a refusal", r"\bRAISE EXCEPTION [^;]*;", "NULL;"),
    ("see all rows", r"USING \((?!true)", "USING (true OR "),
    ("drop a condition", r"\bNOT EXISTS \(", "(true OR NOT EXISTS ("),
    ("drop a setting", r" SECURITY DEFINER", ""),
    ("drop a setting", r"\s+SET search_path = [^\n]*?(?=\s+(?:SET|AS|RETURN|BEGIN)\b|\n)", ""),
    ("keep a right", r"\bREVOKE [^;]*;", ""),
    ("off by one", r"(?<=[-+] )1\b", "2"),
    ("swap a value", r"'active'", "'suspended'"),
    ("swap a value", r"'deactivated'", "'compromised'"),
    ("swap a value", r"'granted'", "'partial'"),
    ("swap a value", r"'secret'", "'value'"),
    ("change a comparison", r"(?<= )<(?= [$\w])", "<="),
    ("change a comparison", r"(?<= )<=(?= [$\w])", "<"),
    ("change a comparison", r"(?<= )>(?= [$\w(])", ">="),
    ("change a comparison", r"(?<= )<>(?= )", "="),
    ("change the order", r" DESC\b", ""),
    ("change an aggregate", r"\bmax\(", "min("),
    ("change an aggregate", r"\bmin\(", "max("),
]]
CONDITION = re.compile(r"\b(AND|OR|WHERE)\s+")
CONDITION_ENDS = re.compile(
    r"\b(AND|OR|WHERE|ORDER BY|GROUP BY|LIMIT|RETURNING|FOR (?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)|"
    r"ON CONFLICT|UNION|THEN|LOOP|LEFT JOIN|JOIN|HAVING|WHEN|ELSE|END)\b")
LOOKS_LIKE_SQL = re.compile(
    r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|FROM|WHERE|AND|LEFT JOIN|JOIN|ON CONFLICT|"
    r"ORDER BY|RETURNING|PRAGMA|ALTER|LOCK|SET)\b")


def without_comments(sql):
    """Blanks out comments, keeping every position."""
    return re.sub(r"--[^\n]*", lambda match: " " * len(match.group()), sql)


def condition_end(sql, start):
    """Returns where the condition that begins at `start` ends, or None where brackets do not close."""
    depth, between, position = 0, 0, start
    while position < len(sql):
        character = sql[position]
        if character == "'":
            position = sql.find("'", position + 1)
            if position < 0:
                return None
        elif character == "(":
            depth += 1
        elif character == ")":
            if depth == 0:
                return position
            depth -= 1
        elif character in ";," and depth == 0:
            return position
        elif depth == 0 and (position == 0 or not sql[position - 1].isalnum()):
            word = CONDITION_ENDS.match(sql, position)
            if sql.startswith("BETWEEN ", position):
                between += 1
            elif word and word.group() == "AND" and between:
                between -= 1
            elif word and position > start:
                return position
            elif sql.startswith("CASE ", position):
                closing = re.compile(r"\bEND\b").search(sql, position)
                if closing is None:
                    return None
                position = closing.end() - 1
        position += 1
    return len(sql) if depth == 0 else None


def changes_of(sql):
    """Yields (operator, start, end, new, change) for each fault that fits into `sql`."""
    bare = without_comments(sql)
    for operator, pattern, new in RULES:
        for match in pattern.finditer(bare):
            start, end, text = match.start(), match.end(), new
            if new.count("(") > match.group().count("("):
                # Something was put before an opening bracket: close what was opened.
                closing = condition_end(bare, match.end())
                if closing is None or closing >= len(bare):
                    continue
                if operator == "drop a condition":
                    text, end = new + sql[match.end():closing + 1] + ")", closing + 1
            shown = " ".join(match.group().split())
            yield operator, start, end, text, f"`{shown}` becomes `{new.strip()}`" if new else \
                f"`{shown}` is left out"
    for match in CONDITION.finditer(bare):
        end = condition_end(bare, match.end())
        if end is None or end <= match.end():
            continue
        value = "false" if match.group(1) == "OR" else "true"
        condition = sql[match.end():end].rstrip()
        if not condition or condition in ("true", "false") or condition.startswith("DO "):
            continue
        yield ("drop a condition", match.end(), match.end() + len(condition), value,
               f"`{' '.join(match.group(1).split())} {' '.join(condition.split())}` is taken as {value}")


def unique_part(text, start, end, least=40):
    """Returns the borders of a part around start to end that occurs in `text` once."""
    first, last = start, end
    while True:
        if last - first >= least and text.count(text[first:last]) == 1:
            return first, last
        if first == 0 and last == len(text):
            return first, last
        first, last = max(0, first - 20), min(len(text), last + 20)


# --- schema files ----------------------------------------------------------------------------------

FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION rowseal\.(\w+)\s*\(", re.I)


def functions_of(sql):
    """Yields (name, start, end) of each function in a schema file."""
    for match in FUNCTION.finditer(sql):
        body = re.compile(r"\bAS (\$\w*\$)|\bBEGIN ATOMIC\b|\bRETURN\b(?!S)").search(sql, match.end())
        if body is None:
            continue
        if body.group(1):
            end = sql.find(body.group(1), body.end()) + len(body.group(1))
        elif body.group().startswith("BEGIN"):
            end = sql.find("\nEND;", body.end()) + 5
        else:
            end = sql.find(";", body.end()) + 1
        yield match.group(1), match.start(), end


def callers_of(functions):
    """functions: name to body. Returns name to the names that run it, itself included."""
    callers = {name: {name} for name in functions}
    changed = True
    while changed:
        changed = False
        for name in functions:
            for other, body in functions.items():
                if re.search(rf"\browseal\.{name}\b", body) and not callers[other] <= callers[name]:
                    callers[name] |= callers[other]
                    changed = True
    return callers


def schema_faults(files):
    """files: (path, text) in the order of the upgrades of one store. A later one may replace a
    function, and then the earlier text no longer counts."""
    newest = {}
    for path, text in files:
        for name, start, end in functions_of(text):
            newest[name] = (path, text[start:end])
    callers = callers_of({name: body for name, (_, body) in newest.items()})
    faults = []
    for path, text in files:
        functions = [(name, start, end) for name, start, end in functions_of(text)]
        lines = text.splitlines(keepends=True)
        for operator, start, end, new, change in changes_of(text):
            inside = [name for name, first, last in functions if first <= start < last]
            name = inside[0] if inside else ""
            if name and newest[name][0] != path:
                continue
            line = text.count("\n", 0, start) + 1
            first, last = unique_part(text, start, end)
            faults.append(Fault(
                path, line, 0, name, operator, lines[line - 1].strip(), change, [],
                find=text[first:last], replace=text[first:start] + new + text[end:last],
                calls=sorted(f"rowseal.{caller}(" for caller in callers[name]) if name else None,
                dialect="postgres" if "postgres" in path else "sqlite"))
    return faults


# --- literals in C++ -------------------------------------------------------------------------------

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "'": "'", "0": "\0", "r": "\r"}


def literal_value(token):
    if token.kind == "raw":
        return re.match(r'R"([^()\s]*)\((.*)\)\1"$', token.text, re.S).group(2)
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match.group(1), match.group(1)), token.text[1:-1])


def macros_of(text):
    """Returns the values of `#define NAME "literal" "literal"`."""
    macros = {}
    for match in re.finditer(r"^#define (\w+)[ \t\\\n]+((?:[^\n\\]|\\.|\\\n)*)", text, re.M):
        tokens = tokens_of(match.group(2).replace("\\\n", "  "))
        if tokens and all(token.kind in ("string", "raw") or token.text in macros for token in tokens):
            macros[match.group(1)] = "".join(
                macros.get(token.text) if token.kind == "name" else literal_value(token)
                for token in tokens)
    return macros


def literals_of(text):
    """Yields (position, function token, value) of each run of literals that stand side by side."""
    macros = macros_of(text)
    run, start = [], 0
    for token in tokens_of(text) + [None]:
        is_part = token is not None and (token.kind in ("string", "raw") or token.text in macros)
        if is_part:
            if not run:
                start = token.start
            run.append(macros[token.text] if token.kind == "name" else literal_value(token))
        elif run:
            yield start, "".join(run)
            run = []


def literal_faults(source):
    """source: a cpp_faults.Source."""
    faults = []
    for start, sql in literals_of(source.text):
        if not LOOKS_LIKE_SQL.search(sql) or len(sql) < 20:
            continue
        line = source.line_of(start)
        function = next((token.function.name for token in source.tokens
                         if token.start == start and token.function), "")
        for operator, first, last, new, change in changes_of(sql):
            faults.append(Fault(source.path, line, 0, function, operator, " ".join(sql.split())[:80],
                                change, [], find=sql, replace=sql[:first] + new + sql[last:]))
    return faults
