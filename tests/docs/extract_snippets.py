#!/usr/bin/python3
"""Makes two C++ sources of a page, so that what it shows is compiled and run.

    extract_snippets.py PAGE PROGRAM.cpp SNIPPETS.cpp

The ```cpp block that has a `main` is PROGRAM.cpp. Every other ```cpp block is a piece of a function
that returns Result<void> and knows `client`, `acme` (a ProjectId) and namespace rowseal, as the page
says; SNIPPETS.cpp makes a store and runs the pieces in order. A block that begins with a declaration
at namespace scope says so: ```cpp namespace.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from doc_files import blocks, shown  # noqa: E402

HEAD = """#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <rowseal/rowseal.h>

using namespace rowseal;

"""

MAIN = """
Result<Client> MakeStore() {
  const StoreOptions options{"sqlite:secrets.db", {"file:root.key"}, {"documentation", {}, {}}};
  ROWSEAL_TRY(InitStore(options));
  return OpenStore(options);
}

int main() {
  Result<Client> client = MakeStore();
  const Result<ProjectId> acme = ProjectId::Parse("acme");
  if (!client || !acme) {
    std::cerr << "no store: " << client.error().message << '\\n';
    return 1;
  }
  using Piece = Result<void> (*)(Client&, const ProjectId&);
  const std::vector<std::pair<const char*, Piece>> pieces = {
%s  };
  int status = 0;
  for (const auto& [where, piece] : pieces) {
    if (const Result<void> done = piece(*client, *acme); !done) {
      std::cerr << where << ": " << done.error().message << '\\n';
      status = 1;
    }
  }
  return status;
}
"""


def main():
    page, program_path, snippets_path = sys.argv[1:]
    found = [block for block in blocks(page) if block.language == "cpp"]
    programs = [block for block in found if any("int main(" in line for line in block.lines)]
    if len(programs) != 1:
        sys.exit("%s must show exactly one program with a main" % shown(page))
    with open(program_path, "w", encoding="utf-8") as file:
        file.write("\n".join(programs[0].lines) + "\n")

    with open(snippets_path, "w", encoding="utf-8") as file:
        file.write(HEAD)
        table = ""
        for block in found:
            where = '"%s:%d"' % (shown(page), block.line)
            line_mark = '#line %d "%s"\n' % (block.line, page)
            text = line_mark + "\n".join(block.lines) + "\n"
            if block in programs:
                continue
            if block.rest == "namespace":
                file.write(text + "\n")
                continue
            name = "PieceAtLine%d" % block.line
            file.write("static Result<void> %s([[maybe_unused]] Client& client,\n"
                       "    [[maybe_unused]] const ProjectId& acme) {\n%s  return {};\n}\n\n"
                       % (name, text))
            table += "      {%s, %s},\n" % (where, name)
        file.write(MAIN % table)


if __name__ == "__main__":
    main()
