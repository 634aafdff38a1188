#!/bin/bash
# Runs shellcheck over every shell script of the project.
#
# Usage: scripts/check-shell.sh
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t scripts < <(
  { find scripts tests bench examples -name '*.sh' 2>/dev/null; echo .ci/run; } | sort)
shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
