#pragma once

#include "crypto/mac.h"
#include "envelope/wrapped_key.h"
#include "keys/records.h"
#include "store/fields.h"

/// The columns of Rowseal's tables, each list in one place. A test compares them with both schemas.

namespace rowseal {

inline constexpr Limits kMacBytes = Exactly(kMacSize);
inline constexpr Limits kTagBytes =
    Exactly(8 + kMacSize);  // the id of the integrity key comes first
inline constexpr Limits kWrappedKeyBytes = Exactly(kWrappedKeySize);
/// What a provider made of a key, or publishes: a few hundred bytes of any.
inline constexpr Limits kProviderBytes{0, 65'536};

template <>
struct Codec<KekPurpose> : TextCodec<KekPurpose, ParseKekPurpose> {};
template <>
struct Codec<DekPurpose> : TextCodec<DekPurpose, ParseDekPurpose> {};
template <>
struct Codec<KeyState> : TextCodec<KeyState, ParseKeyState> {};
template <>
struct Codec<ColumnState> : TextCodec<ColumnState, ParseColumnState> {};
template <>
struct Codec<Suite> {
  using Wire = std::int64_t;
  static constexpr CellType kType = CellType::kInteger;
  static constexpr Limits kLimits{0, 255};
  static bool Read(std::int64_t& cell, Suite& value) {
    const Result<Suite> suite = ParseSuite(cell);
    value = suite.value_or(value);
    return suite.has_value();
  }
  static std::int64_t Write(Suite value) { return static_cast<std::int64_t>(value); }
};

/// The names of key columns stand in one text, separated by line feeds, which no name has.
template <>
struct Codec<std::vector<std::string>> {
  using Wire = std::string;
  static constexpr CellType kType = CellType::kText;
  static constexpr Limits kLimits = kAnyText;
  static bool Read(std::string& cell, std::vector<std::string>& value);
  static std::string Write(const std::vector<std::string>& value);
};

constexpr auto FieldsOf(const InstallationRecord*) {
  using Record = InstallationRecord;
  return std::tuple{Field("id", &Record::id),
                    Field("epoch", &Record::epoch, {1, kMostNumber}),
                    Field("next_kek_id", &Record::next_kek_id, {1, kMostNumber}),
                    Field("next_root_id", &Record::next_root_id, {1, kMostNumber}),
                    Field("integrity_kek_id", &Record::integrity_kek),
                    Field("projects_table", &Record::projects_table),
                    Field("project_key_type", &Record::project_key_type),
                    Field("trust_tag", &Record::trust_tag, kTagBytes),
                    Field("created_at", &Record::created_at)};
}

constexpr auto FieldsOf(const RootRecord*) {
  using Record = RootRecord;
  return std::tuple{Field("id", &Record::id),
                    Field("uri", &Record::uri),
                    Field("scope", &Record::scope),
                    Field("fingerprint", &Record::fingerprint, kMacBytes),
                    Field("public_part", &Record::public_part, kProviderBytes),
                    Field("state", &Record::state),
                    Field("revision", &Record::revision),
                    Field("row_tag", &Record::row_tag, kTagBytes),
                    Field("created_at", &Record::created_at)};
}

constexpr auto FieldsOf(const KekRecord*) {
  using Record = KekRecord;
  return std::tuple{Field("id", &Record::id),
                    Field("scope", &Record::scope),
                    Field("purpose", &Record::purpose),
                    Field("suite", &Record::suite),
                    Field("state", &Record::state),
                    Field("resumes_to", &Record::resumes_to),
                    Field("revision", &Record::revision),
                    Field("check_value", &Record::check_value, kMacBytes),
                    Field("row_tag", &Record::row_tag, kTagBytes),
                    Field("created_at", &Record::created_at)};
}

constexpr auto FieldsOf(const WrappingRecord*) {
  using Record = WrappingRecord;
  return std::tuple{Field("kek_id", &Record::kek), Field("root_id", &Record::root),
                    Field("secret", &Record::secret, kProviderBytes),
                    Field("key", &Record::key, kWrappedKeyBytes)};
}

/// A DEK's project is not among its columns: it is the one that was asked for.
constexpr auto FieldsOf(const DekRecord*) {
  using Record = DekRecord;
  return std::tuple{Field("id", &Record::id),
                    Field("kek_id", &Record::kek),
                    Field("purpose", &Record::purpose),
                    Field("suite", &Record::suite),
                    Field("state", &Record::state),
                    Field("revision", &Record::revision),
                    Field("check_value", &Record::check_value, kMacBytes),
                    Field("wrapped_key", &Record::wrapped_key, kWrappedKeyBytes),
                    Field("row_tag", &Record::row_tag, kTagBytes),
                    Field("created_at", &Record::created_at),
                    Field("born_epoch", &Record::born_epoch, {1, kMostNumber})};
}

constexpr auto FieldsOf(const FloorRecord*) {
  using Record = FloorRecord;
  return std::tuple{Field("scope", &Record::scope),
                    Field("seal_floor", &Record::seal, {0, kMostNumber}),
                    Field("secrets_floor", &Record::secrets, {0, kMostNumber}),
                    Field("values_floor", &Record::values, {0, kMostNumber})};
}

/// DekAndKek is a DEK's row with the revision and the tag of its KEK's row, from the same moment.
struct DekAndKek {
  DekRecord dek;
  Revision kek_revision;
  Bytes kek_tag;
};

inline std::string NameOfRow(const DekRecord& dek) { return "DEK " + ToText(dek.id); }
inline std::string NameOfRow(const DekAndKek& read) {
  return NameOfRow(read.dek) + " under KEK " + ToText(read.dek.kek);
}

constexpr auto FieldsOf(const DekAndKek*) {
  return std::tuple{Part(&DekAndKek::dek), Field("kek_revision", &DekAndKek::kek_revision),
                    Field("kek_row_tag", &DekAndKek::kek_tag, kTagBytes)};
}

constexpr auto FieldsOf(const ColumnSource*) {
  return std::tuple{Field("source_database", &ColumnSource::database),
                    Field("source_table", &ColumnSource::table),
                    Field("source_column", &ColumnSource::column),
                    Field("source_keys", &ColumnSource::keys),
                    Field("source_project", &ColumnSource::project_column)};
}

inline std::string NameOfRow(const ColumnRecord& column) {
  return "row '" + column.label.text() + "' of sealed_column";
}

constexpr auto FieldsOf(const ColumnRecord*) {
  using Record = ColumnRecord;
  return std::tuple{Field("id", &Record::id),
                    Field("label", &Record::label),
                    Field("context", &Record::context),
                    Field("state", &Record::state),
                    Field("revision", &Record::revision),
                    Field("row_tag", &Record::row_tag, kTagBytes),
                    Field("created_at", &Record::created_at),
                    Part(&Record::source)};
}

template <>
inline DekRecord Blank<DekRecord>() {
  return {.project = Blank<ProjectId>()};
}
template <>
inline DekAndKek Blank<DekAndKek>() {
  return {Blank<DekRecord>(), {}, {}};
}
template <>
inline ColumnRecord Blank<ColumnRecord>() {
  return {.label = Blank<ColumnLabel>()};
}

/// TableOf names a record's table.
template <class Record>
inline constexpr std::string_view kTableOf{};
template <>
inline constexpr std::string_view kTableOf<InstallationRecord> = "installation";
template <>
inline constexpr std::string_view kTableOf<RootRecord> = "root_key";
template <>
inline constexpr std::string_view kTableOf<KekRecord> = "kek";
template <>
inline constexpr std::string_view kTableOf<WrappingRecord> = "kek_wrapping";
template <>
inline constexpr std::string_view kTableOf<FloorRecord> = "scope_floor";
template <>
inline constexpr std::string_view kTableOf<DekRecord> = "dek";
template <>
inline constexpr std::string_view kTableOf<ColumnRecord> = "sealed_column";

/// DekColumns are what DekAndKek reads, for a query of `dek d` joined with `kek k`.
const std::string& DekColumns();

/// ReadDek reads DekColumns of a project's row. Errors: kIntegrity, naming the row and the column.
Result<DekAndKek> ReadDek(const ProjectId& project, RowReader& reader);

/// DekQuery selects DEKs with their projects, as ReadDekRow reads them; `rest` begins with WHERE or
/// ORDER BY and says which, of `dek d` and `kek k`.
std::string DekQuery(std::string_view rest);
Result<DekAndKek> ReadDekRow(Row& row);

}  // namespace rowseal
