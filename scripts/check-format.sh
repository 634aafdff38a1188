#!/bin/bash
# Checks that the C++ is laid out as .clang-format says; --fix lays it out.
#
# Usage: scripts/check-format.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/.."

fix=""
if [[ ${1:-} == --fix ]]; then
  fix=yes
elif [[ $# -gt 0 ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

folders=()
for folder in include src apps bench fuzz tests; do
  [[ -d $folder ]] && folders+=("$folder")
done

status=0
while IFS= read -r -d '' file; do
  if clang-format --style=file "$file" | cmp -s - "$file"; then
    continue
  elif [[ $fix ]]; then
    clang-format --style=file -i "$file"
    echo "$file: laid out"
  else
    echo "$file: not laid out as .clang-format says; run scripts/check-format.sh --fix"
    status=1
  fi
done < <(find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | sort -z)
exit $status
