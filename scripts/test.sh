#!/bin/bash
# Builds Rowseal from a fresh clone and runs every test; the last lines are ctest's summary. The
# checks of layers, layout, shell scripts and installation, and a second of each fuzz target, are
# tests too (named Project.*).
#
# Usage: scripts/test.sh [--asan]
#   --asan   then also builds with the address and undefined-behaviour sanitizers and runs the unit
#            tests again
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

asan=""
if [[ ${1:-} == --asan ]]; then
  asan=yes
elif [[ $# -gt 0 ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

# Nothing of a test stays in the user's own folder.
export ROWSEAL_STATE=none

run_ctest() {
  ctest --output-on-failure --no-tests=error --progress --parallel "$(nproc)" "$@"
}

install_packages test fuzz node
npm --prefix bindings/node ci --ignore-scripts --no-audit --no-fund
cmake --preset dev
cmake --build --preset dev

if [[ $asan ]]; then
  cmake --preset asan
  cmake --build --preset asan --target rowseal_tests
  run_ctest --test-dir build/asan --exclude-regex '^Project\.|_NOT_BUILT$'
fi

run_ctest --test-dir build/dev
