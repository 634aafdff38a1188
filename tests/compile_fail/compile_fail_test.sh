#!/bin/bash
# Proves that misuses of secrets do not compile, each for the expected reason.
#
# Usage: tests/compile_fail/compile_fail_test.sh     (CXX: the compiler, default c++)
set -euo pipefail
cd "$(dirname "$0")"

cxx="${CXX:-c++}"
source=secret_misuse.cpp

compile() {
  "$cxx" -std=c++20 -fsyntax-only -I ../../include "-DCASE_$1" "$source" 2>&1
}

if ! message="$(LC_ALL=C compile none)"; then
  echo "the allowed uses do not compile:"
  echo "$message"
  exit 1
fi

status=0
count=0
while read -r name; do
  pattern="$(sed -n "/defined(CASE_$name)/,/#el/s|.*// error: ||p" "$source")"
  if [[ -z $pattern ]]; then
    echo "$name: has no // error: line"
    status=1
  elif message="$(LC_ALL=C compile "$name")"; then
    echo "$name: compiles"
    status=1
  elif ! grep -qE "error:.*($pattern)" <<<"$message"; then
    echo "$name: refused, but not with '$pattern':"
    echo "$message"
    status=1
  fi
  count=$((count + 1))
done < <(sed -n 's/^#elif defined(CASE_\(.*\))$/\1/p' "$source")

if [[ $count -lt 20 ]]; then
  echo "only $count cases found"
  status=1
fi
[[ $status -eq 0 ]] && echo "$count misuses do not compile"
exit $status
