#pragma once

// Parts of statements over pg_catalog.pg_type, for every place that reads columns of an app's
// table.

/// The id of what the domain `t` is over, which may be another domain; of another type its own.
#define ROWSEAL_BASE_TYPE(t)                                                                  \
  "(WITH RECURSIVE domain_chain AS (SELECT " t ".oid AS oid, " t ".typtype AS kind, " t       \
  ".typbasetype AS base UNION ALL SELECT u.oid, u.typtype, u.typbasetype FROM domain_chain d" \
  "  JOIN pg_catalog.pg_type u ON u.oid = d.base WHERE d.kind = 'd')"                         \
  " SELECT d.oid FROM domain_chain d WHERE d.kind <> 'd')"

/// Whether casts of `b` are PostgreSQL's or a superuser's. A type's owner may make casts of it,
/// and whoever reads a column of the type, by ::text or a comparison, would run them.
#define ROWSEAL_TYPE_IS_PLAIN(b)                                                     \
  "(" b ".oid < 16384 OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = " b \
  ".typowner AND r.rolsuper))"
