#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// Timestamp is UTC in microseconds since 1970-01-01, the precision PostgreSQL stores.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// kEarliestTime and kLatestTime bound every time that is read from a store: the years 1 to 9999.
inline constexpr Timestamp kEarliestTime{std::chrono::microseconds(-62'135'596'800'000'000)};
inline constexpr Timestamp kLatestTime{std::chrono::microseconds(253'402'300'799'999'999)};

/// ToMicros returns a time as a store keeps it.
inline std::int64_t ToMicros(Timestamp time) { return time.time_since_epoch().count(); }

/// Number is an integer id that cannot be confused with one of another kind.
template <class Tag>
struct Number {
  std::int64_t value = 0;
  auto operator<=>(const Number&) const = default;
};

using KekId = Number<struct KekIdTag>;
using RootId = Number<struct RootIdTag>;
/// SecretVersion counts a secret's versions from 1; the counter only grows.
using SecretVersion = Number<struct SecretVersionTag>;
/// Revision counts the changes of a key's row from 1.
using Revision = Number<struct RevisionTag>;

/// Uuid is a 128-bit id whose text is canonical: lower case, hyphenated (RFC 9562 section 4).
template <class Tag>
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
};

using InstallationId = Uuid<struct InstallationIdTag>;
using SecretId = Uuid<struct SecretIdTag>;
using DekId = Uuid<struct DekIdTag>;
using ColumnId = Uuid<struct ColumnIdTag>;
using EntryId = Uuid<struct EntryIdTag>;
using JobId = Uuid<struct JobIdTag>;

/// UuidText returns the canonical text of 16 bytes.
std::string UuidText(std::span<const std::uint8_t, 16> bytes);

/// ParseUuidBytes reads canonical text only: upper case or braces are refused with
/// kInvalidArgument.
Result<std::array<std::uint8_t, 16>> ParseUuidBytes(std::string_view text);

template <class Tag>
std::string ToText(const Uuid<Tag>& id) {
  return UuidText(id.bytes);
}

template <class Tag>
std::string ToText(Number<Tag> number) {
  return std::to_string(number.value);
}

template <class Id>
Result<Id> ParseUuid(std::string_view text) {
  ROWSEAL_ASSIGN(const auto bytes, ParseUuidBytes(text));
  return Id{bytes};
}

/// Name is checked text: 1 to 255 bytes of UTF-8 without control characters (U+0000 to U+001F,
/// U+007F to U+009F). It is compared byte for byte; Rowseal never normalises it.
template <class Tag>
class Name {
 public:
  static Result<Name> Parse(std::string_view text);
  const std::string& text() const noexcept { return text_; }
  auto operator<=>(const Name&) const = default;

 private:
  explicit Name(std::string_view text) : text_(text) {}
  std::string text_;
};

/// ProjectId is a tenant's key as canonical text: decimal, lower-case uuid, or text as it is.
/// `system` holds an app's own secrets.
using ProjectId = Name<struct ProjectIdTag>;
using SecretName = Name<struct SecretNameTag>;
using ColumnLabel = Name<struct ColumnLabelTag>;

extern template class Name<ProjectIdTag>;
extern template class Name<SecretNameTag>;
extern template class Name<ColumnLabelTag>;

/// SecretKind says what a secret is for. It is bound to the ciphertext.
enum class SecretKind : std::uint8_t { kWebhook, kAccessToken, kWorkflow };

/// ToText returns `webhook`, `access_token` or `workflow`.
std::string_view ToText(SecretKind kind) noexcept;
Result<SecretKind> ParseSecretKind(std::string_view text);

/// ContextKind says how closely a sealed value is tied to its place: `field` to project and column,
/// `cell` to the row as well.
enum class ContextKind : std::uint8_t { kField = 1, kCell = 2 };

std::string_view ToText(ContextKind kind) noexcept;
Result<ContextKind> ParseContextKind(std::string_view text);

}  // namespace rowseal

template <class Tag>
struct std::hash<rowseal::Uuid<Tag>> {
  std::size_t operator()(const rowseal::Uuid<Tag>& id) const noexcept {
    return std::hash<std::string_view>{}(rowseal::AsText(id.bytes));
  }
};
