#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// SecretLock finds a secret. Until the transaction ends, no one else changes it.
struct SecretLock {
  static constexpr Procedure kProcedure = Procedure::kSecretLock;
  static constexpr std::string_view kName = "secret_lock";
  static constexpr Effect kEffect = Effect::kChanges;  // PostgreSQL writes a lock into the row

  struct Request {
    using Call = SecretLock;
    ProjectId project;
    SecretName name;
  };
  using Row = SecretHead;
  using Answer = std::optional<SecretHead>;
};

constexpr auto FieldsOf(const SecretLock::Request*) {
  using Request = SecretLock::Request;
  return std::tuple{Field("project", &Request::project), Field("name", &Request::name)};
}

inline Result<SecretLock::Answer> Decode(const SecretLock::Request& request, Rows rows) {
  if (rows.rows.empty()) {
    return std::nullopt;
  }
  return DecodeOnlyRow<SecretLock>(rows, "secret '" + request.name.text() + "'");
}

}  // namespace rowseal
