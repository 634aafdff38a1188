#!/bin/bash
# Fuzzes every decoder with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer.
#
# Usage: scripts/fuzz.sh [SECONDS]
#   SECONDS   for each target (default 60; scripts/test.sh gives each one)
#
# What a target finds is kept in build/fuzz/artifacts; a finding becomes a test beside the decoder.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

seconds=${1:-60}
if [[ ! $seconds =~ ^[1-9][0-9]*$ || $# -gt 1 ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi

install_packages fuzz
cmake --preset fuzz -DROWSEAL_BUILD_CLI=OFF -DROWSEAL_BUILD_TESTS=OFF >/dev/null
cmake --build build/fuzz --target rowseal_fuzz
mkdir -p build/fuzz/artifacts

for source in fuzz/*.cpp; do
  target=$(basename "$source" .cpp)
  mkdir -p "build/fuzz/corpus/$target"
  log=build/fuzz/$target.log
  if ! "build/fuzz/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -max_len=4096 \
    -artifact_prefix=build/fuzz/artifacts/ -print_final_stats=1 "build/fuzz/corpus/$target" \
    >"$log" 2>&1; then
    grep -E 'ERROR|SUMMARY|Test unit' "$log" >&2 || tail -n 5 "$log" >&2
    echo "$target found something: see build/fuzz/artifacts" >&2
    exit 1
  fi
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, nothing found"
done
