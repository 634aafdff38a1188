#!/bin/bash
# Runs clang-tidy over the library and the programs, with the checks of .clang-tidy.
#
# Usage: scripts/lint.sh [--changed | FILE…]     default: every source of src/ and apps/ that is no test
#   --changed   what is not committed yet, and the newest commits' files, twelve at most
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

kMost=12  # a file takes about ten seconds

sources() {
  grep -E '^(src|apps)/.*\.cpp$' | grep -vE '_(test|known_answer)\.cpp$' || true
}

changed_sources() {
  {
    git diff --name-only HEAD
    git log -n 10 --name-only --format= --diff-filter=AM
  } | sources | awk '!seen[$0]++' | while read -r file; do
    [[ ! -f $file ]] || echo "$file"
  done
}

if [[ ${1:-} == --changed ]]; then
  mapfile -t files < <(changed_sources)
  if [[ ${#files[@]} -gt $kMost ]]; then
    echo "clang-tidy: the $kMost newest of ${#files[@]} changed files" >&2
    files=("${files[@]:0:kMost}")
  fi
  if [[ ${#files[@]} -eq 0 ]]; then
    exit 0
  fi
elif [[ $# -gt 0 ]]; then
  files=("$@")
else
  mapfile -t files < <(find src apps -name '*.cpp' | sources | sort)
fi

install_packages test
cmake --preset dev -B build/lint -DROWSEAL_UNITY=OFF -DROWSEAL_BUILD_TESTS=OFF -DROWSEAL_BUILD_BENCH=OFF >/dev/null
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet --warnings-as-errors='*' -p build/lint
