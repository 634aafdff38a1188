#!/bin/bash
# The demonstration itself: runs scripts/demo/demo.py in a folder that is removed afterwards.
#
# Usage: scripts/demo/run.sh PROGRAM [--keep]
#   PROGRAM   the path of the built `rowseal`
#   --keep    leaves the folder and says where it is
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 || ${2:---keep} != --keep ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
if [[ ${2:-} == --keep ]]; then
  trap 'echo "the folder is $folder"' EXIT
else
  trap 'rm -rf "$folder"' EXIT
fi
/usr/bin/python3 "$here/demo.py" "$1" "$folder"
