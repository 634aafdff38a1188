#!/bin/bash
# Measures how fast Rowseal is beside bare OpenSSL, node:crypto and others, prints the table and
# writes it to build/bench.json. docs/benchmarks.md says what each row is. Whether limits are met does
# not change the exit status: 0 when everything could be measured.
#
# Usage: scripts/bench.sh [--quick]
#   --quick   fewer repetitions, and 100,000 secrets where the whole run has 1,000,000
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

if [[ $# -gt 1 || ($# -eq 1 && $1 != --quick) ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

install_packages bench
mkdir -p build
if ! { npm --prefix bindings/node ci --ignore-scripts --prefer-offline --no-audit --no-fund &&
  cmake --preset release -B build/bench -DROWSEAL_BUILD_BENCH=ON -DROWSEAL_BUILD_NODE=ON &&
  cmake --build build/bench; } >build/bench-build.log 2>&1; then
  cat build/bench-build.log >&2
  exit 1
fi

/usr/bin/python3 bench/report.py "$@" build/bench build/bench.json
echo "written: build/bench.json"
