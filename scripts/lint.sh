#!/bin/bash
# Runs clang-tidy over the library and the programs, with the checks of .clang-tidy. Slower than the
# tests, so CI does not wait for it.
#
# Usage: scripts/lint.sh [FILE…]     default: every source of src/ and apps/ that is no test
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

install_packages test
cmake --preset dev -B build/lint -DROWSEAL_UNITY=OFF >/dev/null

if [[ $# -gt 0 ]]; then
  files=("$@")
else
  mapfile -t files < <(find src apps -name '*.cpp' ! -name '*_test.cpp' ! -name '*_known_answer.cpp' | sort)
fi
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p build/lint
