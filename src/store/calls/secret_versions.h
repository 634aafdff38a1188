#pragma once

#include <vector>

#include <rowseal/listing.h>

#include "store/calls/call.h"

namespace rowseal {

/// SecretVersions reads the kept versions of a secret, newest first.
struct SecretVersions {
  static constexpr Procedure kProcedure = Procedure::kSecretVersions;
  static constexpr std::string_view kName = "secret_versions";
  static constexpr Effect kEffect = Effect::kNone;

  struct Request {
    using Call = SecretVersions;
    ProjectId project;
    SecretName name;
  };
  struct Row {
    SecretVersion version;
    std::optional<Timestamp> expires_at;
    Timestamp created_at;
    std::string created_by;
  };
  using Answer = Listing<Row>;
};

constexpr auto FieldsOf(const SecretVersions::Request*) {
  using Request = SecretVersions::Request;
  return std::tuple{Field("project", &Request::project), Field("name", &Request::name)};
}
constexpr auto FieldsOf(const SecretVersions::Row*) {
  using Of = SecretVersions::Row;
  return std::tuple{Field("version", &Of::version), Field("expires_at", &Of::expires_at),
                    Field("created_at", &Of::created_at), Field("created_by", &Of::created_by)};
}

/// Decode errors: kIntegrity (a version that comes twice or out of order).
Result<SecretVersions::Answer> Decode(const SecretVersions::Request& request, Rows rows);

}  // namespace rowseal
