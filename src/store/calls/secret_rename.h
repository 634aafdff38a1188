#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// SecretRename gives a secret another name and the MAC of that, in a transaction that holds its
/// lock; false where the MAC that stands there is not the one before.
struct SecretRename {
  static constexpr Procedure kProcedure = Procedure::kSecretRename;
  static constexpr std::string_view kName = "secret_rename";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Request {
    using Call = SecretRename;
    ProjectId project;
    SecretId secret;
    SecretName name;
    LastWrite written;
  };
  struct Row {
    bool renamed = false;
  };
  using Answer = bool;
};

constexpr auto FieldsOf(const SecretRename::Request*) {
  using Request = SecretRename::Request;
  return std::tuple{Field("project", &Request::project), Field("secret_id", &Request::secret),
                    Field("name", &Request::name), Part(&Request::written)};
}
constexpr auto FieldsOf(const SecretRename::Row*) {
  return std::tuple{Field("renamed", &SecretRename::Row::renamed)};
}

inline Result<bool> Decode(const SecretRename::Request& request, Rows rows) {
  ROWSEAL_ASSIGN(const SecretRename::Row row,
                 DecodeOnlyRow<SecretRename>(rows, "secret " + ToText(request.secret)));
  return row.renamed;
}

}  // namespace rowseal
