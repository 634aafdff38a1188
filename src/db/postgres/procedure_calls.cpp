#include "db/postgres/procedure_calls.h"

#include <array>
#include <string>

#include <rowseal/postgres_text.h>

namespace rowseal {
namespace {

// Columns of rowseal.trust_load, by what they hold.
constexpr std::size_t kSource = 0;
constexpr std::size_t kI1 = 1;
constexpr std::size_t kT1 = 6;
constexpr std::size_t kB1 = 10;
constexpr std::size_t kTrustColumns = 13;

struct TrustShape {
  std::string_view source;
  std::vector<std::size_t> columns;
};

const std::vector<TrustShape>& TrustShapes() {
  static const std::vector<TrustShape> shapes = {
      {"installation",
       {kSource, kT1, kI1, kI1 + 1, kI1 + 2, kI1 + 3, kT1 + 1, kT1 + 2, kB1, kI1 + 4}},
      {"root_key", {kSource, kI1, kT1, kT1 + 1, kB1, kB1 + 1, kT1 + 2, kI1 + 1, kB1 + 2, kI1 + 2}},
      {"kek",
       {kSource, kI1, kT1, kT1 + 1, kI1 + 1, kT1 + 2, kT1 + 3, kI1 + 2, kB1, kB1 + 1, kI1 + 3}},
      {"kek_wrapping", {kSource, kI1, kI1 + 1, kB1, kB1 + 1}},
  };
  return shapes;
}

Result<Rows> ShapeTrust(Rows rows) {
  for (Row& row : rows.rows) {
    const std::string source = TextAt(row, kSource);
    const TrustShape* found = nullptr;
    for (const TrustShape& shape : TrustShapes()) {
      found = shape.source == source ? &shape : found;
    }
    if (found == nullptr || row.size() != kTrustColumns) {
      return Fail(ErrorCode::kInternal,
                  "the store answered with other columns than were asked for");
    }
    Row shaped;
    for (const std::size_t column : found->columns) {
      shaped.push_back(std::move(row[column]));
    }
    row = std::move(shaped);
  }
  return rows;
}

// The first row holds a registration in its first columns, the others a DEK in the rest.
Result<Rows> ShapePrepared(Rows rows) {
  constexpr std::ptrdiff_t kRegistrationColumns = 12;
  constexpr std::size_t kColumns = 24;
  bool first = true;
  for (Row& row : rows.rows) {
    if (row.size() != kColumns) {
      return Fail(ErrorCode::kInternal,
                  "the store answered with other columns than were asked for");
    }
    if (std::exchange(first, false)) {
      row.resize(kRegistrationColumns);
    } else {
      row.erase(row.begin(), row.begin() + kRegistrationColumns);
    }
  }
  return rows;
}

}  // namespace

// The casts say what an array of texts holds; other parameters take the function's types.
std::string_view ProcedureCallText(Procedure procedure) noexcept {
  switch (procedure) {
    case Procedure::kSql:
      return {};
    case Procedure::kTrustLoad:
      return "SELECT * FROM rowseal.trust_load()";
    case Procedure::kSecretGet:
      return "SELECT * FROM rowseal.secret_get($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    case Procedure::kSecretPut:
      return "SELECT * FROM rowseal.secret_put($1, $2, $3, "
             "$4::pg_catalog.text[]::pg_catalog.uuid[], $5,"
             " $6::pg_catalog.text[]::pg_catalog.uuid[], $7, $8, $9, $10, $11, $12, $13, $14, $15,"
             " $16::pg_catalog.int8 OPERATOR(pg_catalog.=) 1)";
    case Procedure::kDekActive:
      return "SELECT * FROM rowseal.dek_active($1, $2)";
    case Procedure::kDekInsert:
      return "SELECT * FROM rowseal.dek_insert($1, $2, $3, $4, $5, $6, $7, $8)";
    case Procedure::kValuePrepare:
      return "SELECT * FROM rowseal.value_prepare($1, $2, $3::pg_catalog.text[]::pg_catalog.uuid[],"
             " CASE WHEN $4::pg_catalog.text OPERATOR(pg_catalog.<>) '' THEN $4::pg_catalog.uuid "
             "END,"
             " $5, $6, $7, $8, $9)";
    case Procedure::kAuditAppend:
      return "SELECT rowseal.audit_append($1, $2, $3, $4, $5, $6, $7, $8)";
    case Procedure::kClock:
      return "SELECT rowseal.now_micros()";
    case Procedure::kStoreFormat:
      return "SELECT * FROM rowseal.store_format()";
    case Procedure::kSecretList:
      return "SELECT * FROM rowseal.secret_list($1, $2, $3)";
    case Procedure::kSecretVersions:
      return "SELECT * FROM rowseal.secret_versions($1, $2)";
    case Procedure::kSecretLock:
      return "SELECT * FROM rowseal.secret_lock($1, $2)";
    case Procedure::kSecretVersionRead:
      return "SELECT * FROM rowseal.secret_version_read($1, $2, $3)";
    case Procedure::kSecretReseal:
      return "SELECT * FROM rowseal.secret_reseal($1, $2::pg_catalog.text[]::pg_catalog.uuid[], $3,"
             " $4::pg_catalog.text[]::pg_catalog.uuid[], $5, $6, $7, $8, $9, $10)";
    case Procedure::kSecretRename:
      return "SELECT rowseal.secret_rename($1, $2, $3)";
    case Procedure::kSecretDelete:
      return "SELECT rowseal.secret_delete($1, $2)";
    case Procedure::kDekRewrap:
      return "UPDATE rowseal.dek d SET kek_id = $3, wrapped_key = n.wrapped_key"
             " FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]::pg_catalog.uuid[],"
             "  $4::pg_catalog.bytea[], $5::pg_catalog.int8[])"
             "  AS n (project_id, id, wrapped_key, old_kek_id)"
             " WHERE d.project_id OPERATOR(pg_catalog.=) n.project_id"
             "  AND d.id OPERATOR(pg_catalog.=) n.id"
             "  AND d.kek_id OPERATOR(pg_catalog.=) n.old_kek_id";
  }
  return {};
}

bool TakesAlone(Procedure procedure) noexcept {
  return procedure == Procedure::kSecretGet || procedure == Procedure::kValuePrepare;
}

Result<Rows> ShapeProcedureRows(Procedure procedure, Rows rows) {
  switch (procedure) {
    case Procedure::kTrustLoad:
      return ShapeTrust(std::move(rows));
    case Procedure::kValuePrepare:
      return ShapePrepared(std::move(rows));
    case Procedure::kAuditAppend:
    case Procedure::kSecretRename:
    case Procedure::kSecretDelete:
      return Rows{};  // void
    default:
      return rows;
  }
}

bool MayChangeRows(const Statement& statement) noexcept {
  switch (statement.procedure) {
    case Procedure::kTrustLoad:
    case Procedure::kDekActive:
    case Procedure::kClock:
    case Procedure::kStoreFormat:
    case Procedure::kSecretList:
    case Procedure::kSecretVersions:
    case Procedure::kSecretVersionRead:
    case Procedure::kSecretGet:     // its entry says no more than that it was asked for
    case Procedure::kValuePrepare:  // likewise
      return false;
    case Procedure::kSql:
      return !statement.sql.starts_with("SELECT");
    default:
      return true;
  }
}

}  // namespace rowseal
