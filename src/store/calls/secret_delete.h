#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// SecretDelete removes a secret and its versions, in a transaction that holds its lock.
struct SecretDelete {
  static constexpr Procedure kProcedure = Procedure::kSecretDelete;
  static constexpr std::string_view kName = "secret_delete";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Request {
    using Call = SecretDelete;
    ProjectId project;
    SecretId secret;
  };
  using Row = void;
  using Answer = void;
};

constexpr auto FieldsOf(const SecretDelete::Request*) {
  using Request = SecretDelete::Request;
  return std::tuple{Field("project", &Request::project), Field("secret_id", &Request::secret)};
}

inline Result<void> Decode(const SecretDelete::Request& /*request*/, const Rows& rows) {
  return DecodeNothing(SecretDelete::kName, rows);
}

}  // namespace rowseal
