#!/bin/bash
# An outside project builds against the installed package, by find_package and by pkg-config, after
# the installation was moved to another place.
#
# Usage: install_test.sh BUILD_FOLDER      with CXX, CXXFLAGS and CMAKE in the environment
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$1
cxx=${CXX:-c++}
cmake=${CMAKE:-cmake}
read -ra flags <<<"${CXXFLAGS:-}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --component dev --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/prefix"

expect_to_work() {
  local said folder
  folder=$(mktemp -d -p "$work")
  said=$("$1" "$folder" 2>&1) || true
  if [[ $said != "integrity 12 whsec_outside" ]]; then
    echo "$1 said: $said"
    exit 1
  fi
}

"$cmake" -S "$here" -B "$work/by-cmake" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_CXX_FLAGS="${CXXFLAGS:-}" >>"$work/log" ||
  { cat "$work/log"; exit 1; }
"$cmake" --build "$work/by-cmake" >>"$work/log" || { cat "$work/log"; exit 1; }
expect_to_work "$work/by-cmake/outside"

pc=$(find "$work/prefix" -name rowseal.pc -printf '%h\n')
export PKG_CONFIG_PATH=$pc
read -ra pkg <<<"$(pkg-config --static --cflags --libs rowseal)"
"$cxx" -std=c++20 "${flags[@]}" "$here/main.cpp" -o "$work/by-pkg-config" "${pkg[@]}"
expect_to_work "$work/by-pkg-config"
