#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// SecretRename gives a secret another name, in a transaction that holds its lock.
struct SecretRename {
  static constexpr Procedure kProcedure = Procedure::kSecretRename;
  static constexpr std::string_view kName = "secret_rename";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Request {
    using Call = SecretRename;
    ProjectId project;
    SecretId secret;
    SecretName name;
  };
  using Row = void;
  using Answer = void;
};

constexpr auto FieldsOf(const SecretRename::Request*) {
  using Request = SecretRename::Request;
  return std::tuple{Field("project", &Request::project), Field("secret_id", &Request::secret),
                    Field("name", &Request::name)};
}

inline Result<void> Decode(const SecretRename::Request& /*request*/, const Rows& rows) {
  return DecodeNothing(SecretRename::kName, rows);
}

}  // namespace rowseal
