#!/bin/bash
# Runs the tests for longer: the same code as scripts/test.sh, from a release build, with counts
# that the tests multiply. Run it before a release, or over night.
#
# Usage: scripts/soak.sh [ROUNDS] [GTEST_FILTER]
#   ROUNDS         how often every test is repeated, each time with other random seeds (default 1)
#   GTEST_FILTER   which tests, in GoogleTest's notation (default: all)
#
# Tests see ROWSEAL_SOAK=1 in the environment and then use their long counts; another value given
# from outside is passed on. What RapidCheck found is repeated by the seed that it printed:
# RC_PARAMS="reproduce=…" scripts/soak.sh.
#
# Exits 0 only if every round of every test passed.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

rounds=${1:-1}
filter=${2:-*}
if [[ ! $rounds =~ ^[1-9][0-9]*$ || $# -gt 2 ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

install_packages test
cmake --preset release -B build/soak -DROWSEAL_BUILD_TESTS=ON
cmake --build build/soak

export ROWSEAL_SOAK=${ROWSEAL_SOAK:-1}
status=0
for program in build/soak/tests/rowseal_tests build/soak/tests/rowseal_system_tests; do
  if [[ -x $program ]]; then
    "$program" --gtest_repeat="$rounds" --gtest_shuffle --gtest_brief=1 \
      --gtest_filter="$filter" || status=1
  fi
done
exit $status
