"""Finds places in C++ where one small fault can be planted. There is no parser for C++ here: tokens,
brackets and the layout that clang-format gives (a binary operator has spaces, a template's bracket has
none) are enough, because what does not compile is left out later."""
import bisect
import re

from fault import Fault, insertion

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<directive>^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
  | (?P<raw>R"(?P<mark>[^()\s]*)\(.*?\)(?P=mark)")
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<char>'(?:[^'\\\n]|\\.)+')
  | (?P<number>\.?\d(?:'?[\w.]|[eEpP][+-])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign><=>|<<=|>>=|\.\.\.|->\*|::|->|\+\+|--|<<|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\s\w])
""", re.X | re.S | re.M)

OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {")", "]", "}"}
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>="}
# What ends an operand of && or || to either side, at its own depth of brackets.
OPERAND_ENDS = ASSIGNMENTS | {"||", "?", ":", ",", ";", "return", "throw", "case", "co_return"}
NO_STATEMENT = set("""return if for while switch case default break using static_assert const constexpr
    static auto throw delete goto else do try typedef struct class enum template namespace public
    private protected extern friend assert thread_local catch""".split())
COMPARISONS = {"<": ("Less", ">", "<="), "<=": ("LessEqual", ">", "<"), ">": ("Greater", ">", ">="),
               ">=": ("GreaterEqual", ">", ">"), "==": ("Equal", "==", "!="),
               "!=": ("Unequal", "==", "==")}
CALL = "::rowseal_mutate::"


class Token:
    __slots__ = ("kind", "text", "start", "end", "function")

    def __init__(self, kind, text, start, end):
        self.kind, self.text, self.start, self.end = kind, text, start, end
        self.function = None


class Function:
    def __init__(self, name, header, body):
        self.name, self.header, self.body = name, header, body


def tokens_of(text):
    found = []
    for match in TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup != "mark" else "raw"
        if kind != "comment":
            found.append(Token(kind, match.group(), match.start(), match.end()))
    return found


def match_brackets(tokens):
    """Returns, for the index of each bracket, that of its partner."""
    partner, stack = {}, []
    for index, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.text in OPENING:
            stack.append(index)
        elif token.text in CLOSING and stack:
            opened = stack.pop()
            partner[opened], partner[index] = index, opened
    return partner


def enums_of(text):
    """Returns the values of each `enum class` in a header or source."""
    enums = {}
    for match in re.finditer(r"enum class (\w+)[^{;]*\{(.*?)\}", text, re.S):
        body = re.sub(r"//[^\n]*", "", match.group(2))
        enums[match.group(1)] = re.findall(r"\b(k[A-Z]\w*)", body)
    return enums


def all_enums(headers):
    """Returns the values of every enum whose name is used once."""
    found = [enums_of(text) for text in headers.values()]
    names = [name for enums in found for name in enums]
    return {name: values for enums in found for name, values in enums.items()
            if names.count(name) == 1}


class Source:
    """One C++ file and the faults that fit into it."""

    def __init__(self, path, text, enums):
        self.path, self.text = path, text
        self.enums = dict(enums)
        self.tokens = [token for token in tokens_of(text) if token.kind != "directive"]
        self.partner = match_brackets(self.tokens)
        self.lines = [0] + [match.end() for match in re.finditer("\n", text)]
        self.faults = []
        self.find_functions()

    def line_of(self, position):
        return bisect.bisect_right(self.lines, position)

    def text_at(self, index):
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def spaced(self, index):
        """A binary operator stands between spaces, a template's bracket does not."""
        token = self.tokens[index]
        return self.text[token.start - 1].isspace() and self.text[token.end].isspace()

    # --- functions -----------------------------------------------------------------------------

    def find_functions(self):
        index, header = 0, 0
        while index < len(self.tokens):
            text = self.tokens[index].text
            if text in (";", "}") or (text == ":" and self.text_at(index - 1) in
                                      ("public", "private", "protected")):
                header = index + 1
            elif text in ("(", "["):
                index = self.partner.get(index, index)
            elif text == "{" and self.tokens[index].kind == "sign":
                index = self.enter_brace(header, index)
                header = index + 1
            index += 1

    def enter_brace(self, header, brace):
        """Returns the index to go on after: past a function or an initializer, inside a class."""
        words = [token.text for token in self.tokens[header:brace]]
        if any(word in ("namespace", "class", "struct", "union", "extern") for word in words) and \
                "(" not in words:
            return brace
        end = self.partner.get(brace, brace)
        if "(" not in words or "enum" in words or \
                "=" in words[:words.index("(")] and "operator" not in words:
            return end
        before = self.text_at(brace - 1)
        if ":" in words and self.tokens[brace - 1].kind == "name" and \
                before not in ("const", "noexcept", "override", "final"):
            # A member's initializer in braces: the body comes later.
            while self.text_at(brace) != "{" or self.text_at(brace - 1) not in (")", "}", "noexcept"):
                brace = self.partner[brace] + 1 if self.text_at(brace) in OPENING else brace + 1
                if brace >= len(self.tokens):
                    return end
            end = self.partner.get(brace, brace)
        opening = header + words.index("(")
        function = Function(self.text_at(opening - 1), words[:words.index("(")], (brace, end))
        if "constexpr" not in words and "consteval" not in words:
            for token in self.tokens[brace:end + 1]:
                token.function = function
        return end

    # --- planting ------------------------------------------------------------------------------

    def add(self, operator, index, edits, change):
        token = self.tokens[index]
        line = self.line_of(token.start)
        start = self.lines[line - 1]
        end = self.text.find("\n", start)
        code = self.text[start:end].strip()
        function = token.function.name if token.function else ""
        self.faults.append(Fault(self.path, line, token.start - start, function, operator, code,
                                 change, edits))

    def wrap(self, operator, first, last, before, after, change):
        """Puts the tokens first to last between two texts."""
        start, end = self.tokens[first].start, self.tokens[last].end
        self.add(operator, first, insertion(start, end, before, after), change)

    def wrap_condition(self, operator, first, last, call, change):
        code = " ".join(self.text[self.tokens[first].start:self.tokens[last].end].split())
        self.wrap(operator, first, last, f"{CALL}{call}(@, static_cast<bool>(", "))",
                  f"`{code}` is taken as {change}")

    def find(self):
        handlers = {"if": self.on_if, "while": self.on_while, "for": self.on_for,
                    "?": self.on_question, "return": self.on_return, "true": self.on_bool,
                    "false": self.on_bool, "&&": self.on_logic, "||": self.on_logic}
        fixed_until = -1  # inside what is computed by the compiler
        functions = set()
        for index, token in enumerate(self.tokens):
            if token.function is None:
                continue
            if id(token.function) not in functions:
                functions.add(id(token.function))
                self.on_function(token.function)
            if token.text in ("constexpr", "static_assert") and self.text_at(index - 1) != "if":
                fixed_until = self.end_of_statement(index)
            if index <= fixed_until:
                continue
            if self.starts_statement(index):
                self.on_statement(index)
            if token.kind in ("name", "sign") and token.text in handlers:
                handlers[token.text](index)
            elif token.kind == "sign" and token.text in COMPARISONS:
                self.on_comparison(index)
            elif token.kind == "number":
                self.on_number(index)
            elif token.kind == "name" and token.text in self.enums:
                self.on_enum(index)
        return self.faults

    def end_of_statement(self, index):
        """Returns the index of the next semicolon of this depth, or of the bracket that closes it."""
        while index < len(self.tokens):
            text = self.text_at(index)
            if text in OPENING and self.tokens[index].kind == "sign":
                index = self.partner.get(index, index)
            elif text == ";" or (text in CLOSING and self.tokens[index].kind == "sign"):
                return index
            index += 1
        return index - 1

    def starts_statement(self, index):
        before = self.text_at(index - 1)
        if before == ")":
            opening = self.partner.get(index - 1, 0)
            return self.text_at(opening - 1) in ("if", "for", "while")
        return before in (";", "{", "}", "else", "do")

    # --- operators -----------------------------------------------------------------------------

    def on_function(self, function):
        if "".join(function.header).find("Result<void>") >= 0 and function.name:
            brace = function.body[0]
            end = self.tokens[brace].end
            self.add("return success early", brace,
                     insertion(end, end, f" if ({CALL}On(@)) {{ return {{}}; }}", ""),
                     f"{function.name} does nothing")

    def on_statement(self, index):
        first = self.tokens[index]
        end = self.end_of_statement(index)
        if self.text_at(end) != ";" or first.kind == "string":
            return
        code = " ".join(self.text[first.start:self.tokens[end].end].split())
        drop = (f"if ({CALL}On(@)) {{}} else {{ ", " }")
        if first.text == "ROWSEAL_TRY":
            self.wrap("drop a call", index, end, *drop, f"`{code}` is left out")
            opening = index + 1
            self.wrap("ignore an error", opening + 1, self.partner[opening] - 1,
                      f"{CALL}Ignored(@, (", "))", f"an error of `{code}` is ignored")
            return
        if first.text == "ROWSEAL_ASSIGN":
            if self.tokens[index + 2].kind == "name" and self.text_at(index + 3) in (",", ".", "->"):
                self.wrap("drop an assignment", index, end, *drop, f"`{code}` is left out")
            return
        if first.text == "continue":
            self.wrap("drop continue", index, end, *drop, "`continue` is left out")
            return
        if first.text in NO_STATEMENT or first.text.startswith("ROWSEAL_") or \
                first.text == "static_cast":
            return
        kind = self.kind_of_statement(index, end)
        if kind:
            self.wrap(kind, index, end, *drop, f"`{code}` is left out")

    def kind_of_statement(self, index, end):
        """Tells an assignment and a call from a declaration, which something later needs."""
        if self.text_at(index) in ("++", "--"):
            return "drop an assignment"
        if self.text_at(index) == "*":
            index += 1
        if self.tokens[index].kind != "name" and self.text_at(index) != "(":
            return None
        was_name = False
        while index < end:
            token = self.tokens[index]
            if token.text in ASSIGNMENTS:
                return "drop an assignment"
            if token.kind == "name":
                if was_name:
                    return None  # two names: a declaration
                was_name = True
            elif token.text in ("(", "["):
                index = self.partner.get(index, end)
                was_name = True
            elif token.text in ("::", ".", "->"):
                was_name = False
            elif token.text in ("++", "--"):
                return "drop an assignment"
            else:
                return None
            index += 1
        return "drop a call" if self.text_at(end - 1) == ")" else None

    def condition_of(self, index):
        """Returns the first and last token of the condition in the parentheses after `index`."""
        opening = index + 1
        if self.text_at(opening) != "(":
            return None
        first, last = opening + 1, self.partner[opening] - 1
        position = first
        while position <= last:
            text = self.text_at(position)
            if text in OPENING:
                position = self.partner[position]
            elif text == ";":
                first = position + 1
            position += 1
        position = first
        while position <= last:
            text = self.text_at(position)
            if text in OPENING:
                position = self.partner[position]
            elif text == "=":
                return None  # it declares what it tests
            position += 1
        return (first, last) if first <= last else None

    def on_if(self, index):
        condition = self.condition_of(index)
        if condition is None:
            return
        body = self.partner[index + 1] + 1
        self.wrap_condition("drop a condition", *condition, "Never", "false")
        if self.text_at(body + 1) != "return":  # a guard that always refuses is noticed by anything
            self.wrap_condition("force a condition", *condition, "Always", "true")

    def on_while(self, index):
        condition = self.condition_of(index)
        if condition:
            self.wrap_condition("drop a condition", *condition, "Never", "false")

    def on_for(self, index):
        opening = index + 1
        body = self.partner.get(opening, opening) + 1
        inside = [self.text_at(at) for at in range(opening + 1, self.partner.get(opening, opening))]
        if ":" not in inside or self.text_at(body) != "{" or ";" in inside:
            return
        start, brace = self.tokens[index].start, self.tokens[body].end
        edits = insertion(start, self.tokens[self.partner[body]].end,
                          f"if (bool rowseal_first_@ = {CALL}On(@); true) ", "")
        edits += insertion(brace, brace, f" if (rowseal_first_@) {{ rowseal_first_@ = false; continue; }}",
                           "")
        code = " ".join(self.text[start:self.tokens[body - 1].end].split())
        self.add("skip the first item", index, edits, f"`{code}` begins with the second")

    def on_question(self, index):
        first = self.operand_start(index, OPERAND_ENDS - {"||"})
        if first < index:
            self.wrap_condition("negate a condition", first, index - 1, "Negated", "its opposite")

    def on_return(self, index):
        function = self.tokens[index].function
        end = self.end_of_statement(index)
        if "bool" not in function.header or end == index + 1 or self.text_at(index + 1) in ("{", "Fail"):
            return
        if any(self.text_at(at) in ("&&", "||", "true", "false", "unexpected")
               for at in range(index + 1, end)):
            return
        if self.text_at(end - 1) != ")" and self.tokens[end - 1].kind != "name":
            return
        if any(self.text_at(at) in COMPARISONS and self.spaced(at) for at in range(index + 1, end)):
            return
        self.wrap_condition("negate a result", index + 1, end - 1, "Negated", "its opposite")

    def on_bool(self, index):
        text = self.text_at(index)
        self.wrap("flip a boolean", index, index, f"({CALL}On(@) != ", ")",
                  f"`{text}` becomes `{'false' if text == 'true' else 'true'}`")

    def operand_start(self, index, ends):
        position = index - 1
        while position >= 0:
            token = self.tokens[position]
            if token.kind == "sign" and token.text in CLOSING:
                position = self.partner.get(position, position)
            elif token.text in ends or (token.kind == "sign" and token.text in OPENING):
                break
            position -= 1
        return position + 1

    def operand_end(self, index, ends):
        position = index + 1
        while position < len(self.tokens):
            token = self.tokens[position]
            if token.kind == "sign" and token.text in OPENING:
                position = self.partner.get(position, position)
            elif token.text in ends or (token.kind == "sign" and token.text in CLOSING):
                break
            position += 1
        return position - 1

    def on_logic(self, index):
        if not self.spaced(index):
            return  # an rvalue reference
        sign = self.text_at(index)
        ends = OPERAND_ENDS | {"&&"} if sign == "&&" else OPERAND_ENDS
        call, value = ("Always", "true") if sign == "&&" else ("Never", "false")
        first = self.operand_start(index, ends)
        if self.text_at(first - 1) != sign and first < index:
            self.wrap_condition("drop an operand", first, index - 1, call, value)
        last = self.operand_end(index, ends)
        if last > index:
            self.wrap_condition("drop an operand", index + 1, last, call, value)

    def on_comparison(self, index):
        token = self.tokens[index]
        if not self.spaced(index) or self.text_at(index - 1) == "operator":
            return
        name, second, other = COMPARISONS[token.text]
        self.add("change a comparison", index,
                 [(token.start, token.end, f"{token.text} {CALL}{name}{{@}} {second}")],
                 f"`{token.text}` becomes `{other}`")

    def on_number(self, index):
        token = self.tokens[index]
        around = (self.text_at(index - 1), self.text_at(index + 1))
        if not re.fullmatch(r"(0x[\da-fA-F']+|[\d']+)[uUlL]*", token.text) or around[0] in ("<", "case") \
                and not self.spaced(index - 1):
            return
        if around[1] == ">" and not self.spaced(index + 1) or around[0] == "case":
            return
        self.wrap("off by one", index, index, "(", f" + {CALL}One(@))",
                  f"`{token.text}` becomes one more")

    def on_enum(self, index):
        values = self.enums[self.text_at(index)]
        value = self.text_at(index + 2)
        if self.text_at(index + 1) != "::" or value not in values or len(values) < 2:
            return
        first = index
        while self.text_at(first - 1) == "::":
            first -= 2
        if self.text_at(first - 1) == "case":
            return
        other = values[(values.index(value) + 1) % len(values)]
        scope = self.text[self.tokens[first].start:self.tokens[index + 1].end]
        self.wrap("swap a value", first, index + 2, f"{CALL}Swapped(@, ", f", {scope}{other})",
                  f"`{self.text_at(index)}::{value}` becomes `{other}`")
