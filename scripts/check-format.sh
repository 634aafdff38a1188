#!/bin/bash
# Checks that the C++ is laid out as .clang-format says; --fix lays it out.
#
# Usage: scripts/check-format.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run)
if [[ ${1:-} == --fix ]]; then
  mode=(-i)
elif [[ $# -gt 0 ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

folders=()
for folder in include src apps bench fuzz tests bindings/node/native; do
  [[ -d $folder ]] && folders+=("$folder")
done

said=$(find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 |
  xargs -0 -n 16 -P "$(nproc)" clang-format --style=file "${mode[@]}" 2>&1)
wrong=$(sed -n 's/^\([^ :]*\):.*\[-Wclang-format-violations\]$/\1/p' <<<"$said" | sort -u)
if [[ $wrong ]]; then
  echo "not laid out as .clang-format says; run scripts/check-format.sh --fix:"
  echo "$wrong"
  exit 1
fi
