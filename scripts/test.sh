#!/bin/bash
# Builds Rowseal from a fresh clone and runs every test; the last lines are ctest's summary. The
# checks of layers, layout, shell scripts and installation, and a second of each fuzz target, are
# tests too (named Project.*).
#
# Usage: scripts/test.sh [--quick|--full]
#   --quick  after a small change: builds, then runs the unit tests, the program's transcripts and the
#            project's checks; no servers, no Node.js, nothing that kills processes
#   --full   also runs the unit tests with the address and undefined-behaviour sanitizers, and
#            clang-tidy over what was changed last, before the others
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

how=${1:-}
if [[ $# -gt 1 || ! $how =~ ^(|--quick|--full)$ ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

# Nothing of a test stays in the user's own folder.
export ROWSEAL_STATE=none

run_ctest() {
  ctest --output-on-failure --no-tests=error --progress --parallel "$(nproc)" "$@"
}

build() {
  cmake --preset "$1"
  cmake --build --preset "$@"
}

# A sanitized process takes long to begin: one for each core runs its share of the tests.
run_sanitized_unit_tests() {
  local shard jobs=()
  for ((shard = 0; shard < $(nproc); ++shard)); do
    GTEST_TOTAL_SHARDS=$(nproc) GTEST_SHARD_INDEX=$shard build/asan/tests/rowseal_tests --gtest_brief=1 &
    jobs+=($!)
  done
  for shard in "${jobs[@]}"; do
    wait "$shard"
  done
}

install_packages test fuzz node
if [[ $how == --quick ]]; then
  build dev --target rowseal_tests rowseal_cli
  run_ctest --test-dir build/dev --label-exclude slow --exclude-regex '_NOT_BUILT$'
  exit
fi

npm --prefix bindings/node ci --ignore-scripts --no-audit --no-fund
build dev
if [[ $how == --full ]]; then
  scripts/lint.sh --changed
  build asan --target rowseal_tests
  run_sanitized_unit_tests
fi
run_ctest --test-dir build/dev
