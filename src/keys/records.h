#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/bytes.h>
#include <rowseal/column_source.h>
#include <rowseal/ids.h>
#include <rowseal/states.h>

#include "envelope/suite.h"
#include "keys/key_state.h"

namespace rowseal {

/// Records are the rows that decide trust, as they stand in the store. What is read from there is a
/// claim until its tag has verified (IntegrityKey). Layouts: docs/spec/keys.md.

/// kDefaultScope is the scope of the KEKs that serve every project without a root of its own.
inline constexpr std::string_view kDefaultScope = "default";

/// These read what the store holds. Errors: kIntegrity.
Result<KekPurpose> ParseKekPurpose(std::string_view text);
Result<DekPurpose> ParseDekPurpose(std::string_view text);
Result<ColumnState> ParseColumnState(std::string_view text);

/// ParseSuite checks a suite read from the store. Errors: kIntegrity.
Result<Suite> ParseSuite(std::int64_t value);

struct InstallationRecord {
  InstallationId id;
  std::int64_t epoch = 1;  ///< grows with every change of roots and KEKs
  std::int64_t next_kek_id = 1;
  std::int64_t next_root_id = 1;
  KekId integrity_kek;
  std::string projects_table;    ///< the app's table of projects; empty on SQLite
  std::string project_key_type;  ///< text, bigint or uuid
  Bytes trust_tag{};
  Timestamp created_at{};
};

struct RootRecord {
  RootId id;
  std::string uri;
  std::string scope;
  Bytes fingerprint{};
  Bytes public_part{};  ///< what a provider needs to be told (a public key, Argon2 parameters); may
                        ///< be empty
  KeyState state = KeyState::kActive;
  Revision revision{1};
  Bytes row_tag{};
  Timestamp created_at{};
};

struct KekRecord {
  KekId id;
  std::string scope;
  KekPurpose purpose = KekPurpose::kWrap;
  Suite suite = Suite::kXaes256Gcm;
  KeyState state = KeyState::kActive;
  std::optional<KeyState> resumes_to;  ///< set while suspended
  Revision revision{1};
  Bytes check_value{};
  Bytes row_tag{};
  Timestamp created_at{};
};

struct WrappingRecord {
  KekId kek{};
  RootId root;
  Bytes secret{};  ///< the wrapping secret, protected by the root's provider in its own way
  Bytes key{};     ///< the KEK under the wrapping secret: a WrappedKey

  bool operator==(const WrappingRecord&) const = default;
};

struct DekRecord {
  ProjectId project;
  DekId id{};
  KekId kek{};
  DekPurpose purpose = DekPurpose::kSecret;
  Suite suite = Suite::kXaes256Gcm;
  KeyState state = KeyState::kActive;
  Revision revision{1};
  Bytes check_value{};
  Bytes wrapped_key{};
  Bytes row_tag{};
  Timestamp created_at{};
  std::int64_t born_epoch = 1;  ///< the installation's when the DEK was made
};

struct ColumnRecord {
  ColumnId id{};
  ColumnLabel label;
  ContextKind context = ContextKind::kField;
  ColumnState state = ColumnState::kActive;
  std::optional<ColumnSource> source{};  ///< nothing: the app keeps the place to itself
  Revision revision{1};
  Bytes row_tag{};
  Timestamp created_at{};
};

/// FloorRecord holds a scope's floors: a DEK that was made in an epoch below `seal` seals nothing,
/// below `secrets` opens no secret, below `values` no value of a column. A compromise raises them;
/// they never sink.
struct FloorRecord {
  std::string scope;
  std::int64_t seal = 0;
  std::int64_t secrets = 0;
  std::int64_t values = 0;
};

/// TrustRows is the whole set that installation.trust_tag covers, read in one statement.
struct TrustRows {
  InstallationRecord installation;
  std::vector<RootRecord> roots;
  std::vector<KekRecord> keks;
  std::vector<WrappingRecord> wrappings;
  std::vector<FloorRecord> floors;
};

}  // namespace rowseal
