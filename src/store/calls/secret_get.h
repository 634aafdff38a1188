#pragma once

#include <vector>

#include "store/calls/call.h"

namespace rowseal {

/// SecretGet reads secrets of one project and writes the entry of the log. A retired project is
/// refused with kRefusedByState.
struct SecretGet {
  static constexpr Procedure kProcedure = Procedure::kSecretGet;
  static constexpr std::string_view kName = "secret_get";
  static constexpr Effect kEffect = Effect::kLogsRead;

  struct Item {
    SecretName name;
    std::int64_t version = 0;  ///< 0: the newest
  };
  struct Request {
    using Call = SecretGet;
    ProjectId project;
    std::vector<Item> items;
    LogEntry entry;
  };

  struct Sealed {
    SecretVersion version;
    std::optional<Timestamp> expires_at;
    Timestamp created_at;
    Bytes nonce;
    Bytes encrypted_data;
    std::optional<LastWrite> written;  ///< none: its MAC is gone
  };
  /// All NULL: an unknown secret; only its head: an unknown version.
  struct Row {
    std::optional<SecretHead> head;
    std::optional<Sealed> sealed;
    std::optional<DekAndKek> dek;
  };
  struct Found {
    SecretHead head;
    Sealed sealed;
    DekAndKek dek;
  };
  using Answer = std::vector<Result<Found>>;
};

constexpr auto FieldsOf(const SecretGet::Item*) {
  return std::tuple{Field("names", &SecretGet::Item::name),
                    Field("versions", &SecretGet::Item::version)};
}
constexpr auto FieldsOf(const SecretGet::Request*) {
  using Request = SecretGet::Request;
  return std::tuple{Field("project", &Request::project), Part(&Request::items),
                    Part(&Request::entry)};
}
constexpr auto FieldsOf(const SecretGet::Sealed*) {
  using Sealed = SecretGet::Sealed;
  return std::tuple{Field("version", &Sealed::version),
                    Field("expires_at", &Sealed::expires_at),
                    Field("created_at", &Sealed::created_at),
                    Field("nonce", &Sealed::nonce, kNonceBytes),
                    Field("encrypted_data", &Sealed::encrypted_data, kSealedBytes),
                    Part(&Sealed::written)};
}
constexpr auto FieldsOf(const SecretGet::Row*) {
  using Of = SecretGet::Row;
  return std::tuple{Part(&Of::head), Part(&Of::sealed), Part(&Of::dek)};
}

/// Decode errors: kIntegrity (another number of rows). An item's error is kNotFound, or kIntegrity
/// for a row that is not what was asked for: another version, the newest missing, a DEK that is not
/// for secrets.
Result<SecretGet::Answer> Decode(const SecretGet::Request& request, Rows rows);

}  // namespace rowseal
