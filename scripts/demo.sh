#!/bin/bash
# Shows Rowseal's main job on one machine, in under two minutes where the packages are installed:
# builds the program as build/release/rowseal, then runs scripts/demo/run.sh with it.
#
# Usage: scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

install_packages demo
mkdir -p build
if ! { cmake --preset release && cmake --build --preset release; } >build/demo-build.log 2>&1; then
  cat build/demo-build.log >&2
  exit 1
fi

exec scripts/demo/run.sh "$PWD/build/release/rowseal"
