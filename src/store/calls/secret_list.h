#pragma once

#include <optional>
#include <string>

#include <rowseal/listing.h>

#include "store/calls/call.h"

namespace rowseal {

/// SecretList reads a page of a project's secrets, by name, after the name `after`.
struct SecretList {
  static constexpr Procedure kProcedure = Procedure::kSecretList;
  static constexpr std::string_view kName = "secret_list";
  static constexpr Effect kEffect = Effect::kNone;

  struct Request {
    using Call = SecretList;
    ProjectId project;
    std::optional<std::string> after;  ///< nothing: from the first
    std::int64_t limit = 0;
  };
  struct Row {
    SecretName name;
    SecretKind kind = SecretKind::kWorkflow;
    SecretId id{};
    SecretVersion newest{};
    std::int64_t versions = 0;
    std::optional<Timestamp> expires_at{};  ///< of the newest version
    Timestamp created_at{};                 ///< of the secret
    Timestamp updated_at{};                 ///< when the newest version was written
  };
  struct Answer {
    Listing<Row> secrets;
    std::optional<std::string> last;  ///< the name in the last row, whatever it holds
    bool is_full = false;             ///< as many rows as were asked for: more may follow
  };
};

template <>
inline SecretList::Row Blank<SecretList::Row>() {
  return {.name = Blank<SecretName>()};
}

constexpr auto FieldsOf(const SecretList::Request*) {
  using Request = SecretList::Request;
  return std::tuple{Field("project", &Request::project), Field("after", &Request::after),
                    Field("limit", &Request::limit)};
}
constexpr auto FieldsOf(const SecretList::Row*) {
  using Of = SecretList::Row;
  return std::tuple{Field("name", &Of::name),
                    Field("kind", &Of::kind),
                    Field("id", &Of::id),
                    Field("newest", &Of::newest),
                    Field("versions", &Of::versions, {1, kMostNumber}),
                    Field("expires_at", &Of::expires_at),
                    Field("created_at", &Of::created_at),
                    Field("updated_at", &Of::updated_at)};
}

/// Decode errors: kIntegrity (more rows than asked for, or names out of order).
Result<SecretList::Answer> Decode(const SecretList::Request& request, Rows rows);

}  // namespace rowseal
