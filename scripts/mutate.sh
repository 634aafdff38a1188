#!/bin/bash
# Plants small faults in a copy of the sources, switches them on one at a time, and tells which ones no
# test notices. The work tree is only read; everything is written to build/mutate.
#
# Usage: scripts/mutate.sh [--seed N] [--count N] [--only FOLDER|FILE]… [--since REVISION]
#
# tests/README.md says how to read the result.
set -euo pipefail
cd "$(dirname "$0")/.."
export ROWSEAL_STATE=none
exec /usr/bin/python3 scripts/mutate/main.py "$@"
