#!/bin/bash
# The Debian packages that Rowseal needs, by purpose, and their installation. What is there already
# is left alone, so a second run needs neither network nor root.
#
# Usage: scripts/packages.sh [--list] PURPOSE…     PURPOSE: build, test, node, demo, bench, fuzz
#
# Other scripts source this file and call `install_packages PURPOSE…`.

# packages_for PURPOSE prints names, one a line. Every purpose holds what building needs.
packages_for() {
  local build="g++ cmake ninja-build pkg-config ccache libssl-dev libsodium-dev libsqlite3-dev
    libpq-dev libcurl4-openssl-dev libexpected-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libfmt-dev libspdlog-dev"
  local more
  case $1 in
    build) more="" ;;
    test) more="libgtest-dev libgmock-dev librapidcheck-dev libargon2-dev libbenchmark-dev
      python3 python3-cryptography python3-argon2 sqlite3 postgresql-15 pgbouncer nodejs npm openssl softhsm2 opensc
      clang-format clang-tidy mandoc shellcheck" ;;
    node) more="nodejs npm" ;;
    demo) more="python3 sqlite3 openssl" ;;
    bench) more="libbenchmark-dev nodejs npm python3 postgresql-15" ;;
    fuzz) more="clang libclang-rt-dev" ;;
    *)
      echo "packages.sh: no such purpose: $1" >&2
      return 2
      ;;
  esac
  # Words, not lines: the lists are split on purpose.
  # shellcheck disable=SC2086
  printf '%s\n' $build $more
}

# package_is_there NAME: installed, or its program is (Node.js and npm often come from elsewhere).
package_is_there() {
  case $1 in
    nodejs) command -v node >/dev/null && return 0 ;;
    npm) command -v npm >/dev/null && return 0 ;;
  esac
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

# install_packages PURPOSE… installs what is missing. The lists of packages are fetched only when
# apt-get cannot do with those it has.
install_packages() {
  local names purpose name missing=()
  names=$(for purpose in "$@"; do packages_for "$purpose" || exit; done) || return
  while read -r name; do
    package_is_there "$name" || missing+=("$name")
  done < <(sort -u <<<"$names")
  if [[ ${#missing[@]} -eq 0 ]]; then
    return 0
  fi
  echo "installing: ${missing[*]}" >&2
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends)
  as_root "${install[@]}" "${missing[@]}" >&2 && return 0
  as_root apt-get update >&2 && as_root "${install[@]}" "${missing[@]}" >&2
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  action=install_packages
  if [[ ${1:-} == --list ]]; then
    action=list
    shift
  fi
  if [[ $# -eq 0 || $1 == -* ]]; then
    sed -n 's/^# Usage: /usage: /p' "$0" >&2
    exit 2
  fi
  list() { for purpose in "$@"; do packages_for "$purpose"; done | sort -u; }
  "$action" "$@"
fi
