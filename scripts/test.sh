#!/bin/bash
# Builds Rowseal from a fresh clone and runs every test; the last lines are ctest's summary. The
# checks of layers, layout, shell scripts and installation, and a second of each fuzz target, are
# tests too (named Project.*).
#
# Usage: scripts/test.sh [--quick|--full]
#   --quick  after a small change: builds, then runs the unit tests, the program's transcripts and the
#            project's checks; no servers, no Node.js, nothing that kills processes
#   --full   also runs the unit tests on the library compiled with the address and undefined-behaviour
#            sanitizers, and clang-tidy over what was changed last
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

how=${1:-}
if [[ $# -gt 1 || ! $how =~ ^(|--quick|--full)$ ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

sanitized=OFF
[[ $how != --full ]] || sanitized=ON
# Nothing of a test stays in the user's own folder.
export ROWSEAL_STATE=none

run_ctest() {
  ctest --output-on-failure --no-tests=error --progress --parallel "$(nproc)" "$@"
}

build() {
  cmake --preset dev -DROWSEAL_SANITIZED_UNIT_TESTS="$sanitized"
  cmake --build --preset dev "$@"
}

install_packages test fuzz node
if [[ $how == --quick ]]; then
  build --target rowseal_tests rowseal_cli
  run_ctest --test-dir build/dev --label-exclude slow --exclude-regex '_NOT_BUILT$'
  exit
fi

npm --prefix bindings/node ci --ignore-scripts --no-audit --no-fund
build
if [[ $how == --full ]]; then
  scripts/lint.sh --changed
fi
run_ctest --test-dir build/dev
