#!/bin/bash
# Each installed header compiles alone, twice in one file, without a warning.
#
# Usage: headers_test.sh      with CXX in the environment
set -euo pipefail

include=$(cd "$(dirname "$0")/../../include" && pwd)
status=0
for header in "$include"/rowseal/*.h; do
  name=rowseal/$(basename "$header")
  printf '#include <%s>\n#include <%s>\n' "$name" "$name" |
    "${CXX:-c++}" -std=c++20 -fsyntax-only -Wall -Wextra -Wconversion -Wshadow -Werror \
      -I "$include" -x c++ - || { echo "$name does not compile alone"; status=1; }
done
exit $status
