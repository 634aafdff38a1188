#pragma once

#include <vector>

#include "store/calls/call.h"

namespace rowseal {

/// SecretReseal writes versions sealed again, each where the row still holds the old nonce and the
/// DEK is active, with its item in the log.
struct SecretReseal {
  static constexpr Procedure kProcedure = Procedure::kSecretReseal;
  static constexpr std::string_view kName = "secret_reseal";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Item {
    SecretId secret;
    SecretVersion version;
    DekId dek;
    std::array<std::uint8_t, 24> nonce{};
    Bytes encrypted_data;
    std::optional<Timestamp> expires_at;
    Bytes old_nonce;
    std::int64_t write_count = 2;  ///< this time included
    Bytes mac;
  };
  struct Request {
    using Call = SecretReseal;
    ProjectId project;
    std::vector<Item> items;
    EntryId entry;
  };
  struct Row {
    bool stored = false;
  };
  using Answer = std::vector<bool>;  ///< whether each item was written
};

constexpr auto FieldsOf(const SecretReseal::Item*) {
  using Item = SecretReseal::Item;
  return std::tuple{Field("secret_ids", &Item::secret),
                    Field("versions", &Item::version),
                    Field("dek_ids", &Item::dek),
                    Field("nonces", &Item::nonce),
                    Field("encrypted_data", &Item::encrypted_data, kSealedBytes),
                    Field("expires_at", &Item::expires_at),
                    Field("old_nonces", &Item::old_nonce, kNonceBytes),
                    Field("write_counts", &Item::write_count, {2, kMostNumber}),
                    Field("macs", &Item::mac, kTagBytes)};
}
constexpr auto FieldsOf(const SecretReseal::Request*) {
  using Request = SecretReseal::Request;
  return std::tuple{Field("project", &Request::project), Part(&Request::items),
                    Field("entry", &Request::entry)};
}
constexpr auto FieldsOf(const SecretReseal::Row*) {
  return std::tuple{Field("stored", &SecretReseal::Row::stored)};
}

inline Result<SecretReseal::Answer> Decode(const SecretReseal::Request& request, Rows rows) {
  ROWSEAL_TRY(CheckCount(SecretReseal::kName, rows, request.items.size()));
  SecretReseal::Answer answer;
  for (Row& cells : rows.rows) {
    ROWSEAL_ASSIGN(const SecretReseal::Row row, DecodeRow<SecretReseal>(cells, {}));
    answer.push_back(row.stored);
  }
  return answer;
}

}  // namespace rowseal
