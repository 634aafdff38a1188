#pragma once

#include <vector>

#include "store/calls/call.h"

namespace rowseal {

/// SecretPut stores an item when the secret stands as the item was sealed for (version 1: it does
/// not exist; otherwise id, kind, next_version and the count of its writes are equal) and the DEK
/// may seal. Writes the versions, their MACs and the secrets', and the entry of the log. A retired
/// project is refused with kRefusedByState.
struct SecretPut {
  static constexpr Procedure kProcedure = Procedure::kSecretPut;
  static constexpr std::string_view kName = "secret_put";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Item {
    SecretName name;
    SecretKind kind = SecretKind::kWorkflow;
    SecretId secret;
    SecretVersion version;
    DekId dek;
    std::array<std::uint8_t, 24> nonce{};
    Bytes encrypted_data;
    std::optional<Timestamp> expires_at;
    Bytes mac;                            ///< of the version
    std::int64_t secret_write_count = 1;  ///< of the secret as it stands when this is stored
    Bytes secret_mac;
  };
  struct Request {
    using Call = SecretPut;
    ProjectId project;
    std::vector<Item> items;
    LogEntry entry;
    bool all_or_none = false;  ///< nothing is stored unless every item is
  };

  enum class Outcome : std::uint8_t { kStored, kConflict, kNoDek };
  struct Row {
    Outcome outcome = Outcome::kStored;
    std::optional<SecretHead> head;  ///< as it was found; none: the secret did not exist
  };
  using Answer = std::vector<Row>;
};

std::string_view ToText(SecretPut::Outcome outcome) noexcept;
Result<SecretPut::Outcome> ParseOutcome(std::string_view text);
template <>
struct Codec<SecretPut::Outcome> : TextCodec<SecretPut::Outcome, ParseOutcome> {};

constexpr auto FieldsOf(const SecretPut::Item*) {
  using Item = SecretPut::Item;
  return std::tuple{Field("names", &Item::name),
                    Field("kinds", &Item::kind),
                    Field("secret_ids", &Item::secret),
                    Field("versions", &Item::version),
                    Field("dek_ids", &Item::dek),
                    Field("nonces", &Item::nonce),
                    Field("encrypted_data", &Item::encrypted_data, kSealedBytes),
                    Field("expires_at", &Item::expires_at),
                    Field("macs", &Item::mac, kTagBytes),
                    Field("secret_write_counts", &Item::secret_write_count, {1, kMostNumber}),
                    Field("secret_macs", &Item::secret_mac, kTagBytes)};
}
constexpr auto FieldsOf(const SecretPut::Request*) {
  using Request = SecretPut::Request;
  return std::tuple{Field("project", &Request::project), Part(&Request::items),
                    Part(&Request::entry), Field("all_or_none", &Request::all_or_none)};
}
constexpr auto FieldsOf(const SecretPut::Row*) {
  using Of = SecretPut::Row;
  return std::tuple{Field("outcome", &Of::outcome), Part(&Of::head)};
}

/// Decode errors: kIntegrity (another number of rows, or an outcome that contradicts the head that
/// was found).
Result<SecretPut::Answer> Decode(const SecretPut::Request& request, Rows rows);

}  // namespace rowseal
