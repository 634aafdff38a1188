#!/bin/bash
# Builds the Node.js addon with the address and undefined-behaviour sanitizers and runs the package's
# tests with it, under --expose-gc. What Node.js itself leaks at its end is not looked at.
#
# Usage: scripts/node-asan.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

if [[ $# -gt 0 ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi
install_packages test node
npm --prefix bindings/node ci --ignore-scripts --no-audit --no-fund
cmake --preset asan -DROWSEAL_BUILD_NODE=ON
cmake --build --preset asan --target rowseal_node rowseal_cli

# Node.js is not built with the sanitizer, so the sanitizer's library comes first, for it alone.
node=$(scripts/node.sh any -p process.execPath)
libraries="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so)"
export ROWSEAL_NODE_ADDON=$PWD/build/asan/node/rowseal.node
export ROWSEAL_CLI=$PWD/build/asan/rowseal
export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0:abort_on_error=1
for test in app stores webhook; do
  echo "== $test"
  LD_PRELOAD="$libraries" "$node" --expose-gc "bindings/node/test/${test}_test.js"
done
