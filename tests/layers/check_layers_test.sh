#!/bin/bash
# The layer check passes on this tree, and names file and line of each kind of forbidden include
# that is planted into a copy of it.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
check=$root/scripts/check-layers.py
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

if ! "$check" "$root"; then
  echo "the tree itself breaks the layers"
  exit 1
fi

failures=0
said=""
# plant FILE TEXT: the check's exit status on a fresh copy of the tree in which FILE holds TEXT.
plant() {
  rm -rf "$copy/tree"
  mkdir -p "$copy/tree"
  cp -r "$root/include" "$root/src" "$root/apps" "$copy/tree/"
  mkdir -p "$(dirname "$copy/tree/$1")"
  printf '%s' "$2" >"$copy/tree/$1"
  local status=0
  said=$("$check" "$copy/tree") || status=$?
  return $status
}
wrong() {
  echo "$1: $said"
  failures=$((failures + 1))
}
# refuses FILE HEADER: exit 1, and line 2 of FILE named, where the include was planted.
refuses() {
  local status=0
  plant "$1" $'// planted\n'"#include $2" || status=$?
  [[ $status -eq 1 && $said == "$1:2: "* ]] || wrong "not refused (exit $status): $2 in $1"
}
# accepts FILE HEADER: the other side, so that the check cannot pass by refusing everything.
accepts() {
  plant "$1" $'// planted\n'"#include $2" || wrong "refused: $2 in $1"
}

refuses src/base/planted.cpp '"keys/wrapping.h"'
refuses src/base/planted.h '<rowseal/secret_bytes.h>'
refuses src/envelope/planted.h '"crypto/random.h"'
refuses src/crypto/planted.cpp '"envelope/contexts.h"'
refuses src/keys/planted.cpp '"roots/local_root.h"'
refuses src/store/planted.cpp '"db/sqlite/sqlite_connection.h"'
refuses src/client/planted.cpp '"db/sqlite/sqlite_connection.h"'
refuses src/client/planted_test.cpp '"lifecycle/rotate.h"'
refuses src/client/planted.cpp '<rowseal/rowseal.h>'
refuses src/client/planted.cpp '<rowseal/no_such_header.h>'
refuses src/client/planted.cpp '"sibling.h"'
refuses src/keys/planted.cpp '<openssl/evp.h>'
refuses src/keys/planted.cpp '<sodium.h>'
refuses src/store/planted.cpp '<sqlite3.h>'
refuses src/db/sqlite/planted.cpp '<libpq-fe.h>'
refuses src/store/planted.cpp '<nlohmann/json.hpp>'
refuses apps/cli/planted.cpp '<openssl/evp.h>'
refuses include/rowseal/ids.h '<sodium.h>'
refuses include/rowseal/ids.h '<unistd.h>'
refuses include/rowseal/ids.h '"base/encoding.h"'
refuses include/rowseal/ids.h '<rowseal/client.h>'

accepts src/lifecycle/planted.cpp '"crypto/random.h"'
accepts src/memory/planted.cpp '<rowseal/observe.h>'
accepts src/migration/planted.cpp '"db/sqlite/sqlite_connection.h"'
accepts src/client/planted_test.cpp '"support/temporary_folder.h"'
accepts apps/cli/planted.cpp '"lifecycle/rotate.h"'
accepts apps/cli/planted.cpp '<CLI/CLI.hpp>'

# Only the unit that changes a store begins a transaction, and only few reach into a client.
for planted in 'Transaction::Begin(connection, TransactionKind::kWrite);' \
  'const auto kind = TransactionKind::kExclusive;' \
  'connection.Begin(TransactionKind::kWrite);' \
  'constexpr auto kLock = "SELECT pg_advisory_xact_lock(1)";' \
  'constexpr auto kBegin = "BEGIN IMMEDIATE";' \
  'Session& session = ClientInside::SessionOf(client);'; do
  for file in src/lifecycle/planted.cpp src/jobs/planted.cpp src/migration/planted.cpp \
    apps/cli/planted.cpp; do
    status=0
    plant "$file" $'// planted\n'"$planted" || status=$?
    [[ $status -eq 1 && $said == "$file:2: "* ]] || wrong "not refused (exit $status): $planted"
  done
done
plant src/db/sqlite/planted.cpp 'constexpr auto kBegin = "BEGIN IMMEDIATE";' ||
  wrong "refused: a driver's BEGIN"

# A new installed header or folder must be given a layer before it is used.
for planted in include/rowseal/planted.h src/planted/planted.cpp; do
  if plant "$planted" "" || [[ $said != "$planted:1: "* ]]; then
    wrong "not refused: $planted, which has no layer"
  fi
done

exit $((failures > 0))
