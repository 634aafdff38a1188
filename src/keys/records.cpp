#include "keys/records.h"

#include <span>

#include "base/encoding.h"

namespace rowseal {
namespace {

// Reads a closed set's text back; a text outside it was not written by Rowseal.
template <class Enum>
Result<Enum> ParseClosed(std::string_view what, std::string_view text,
                         std::initializer_list<Enum> values) {
  for (const Enum value : values) {
    if (ToText(value) == text) {
      return value;
    }
  }
  return Fail(ErrorCode::kIntegrity,
              "'" + Printable(text) + "' is not a known " + std::string(what));
}

}  // namespace

std::string_view ToText(KekPurpose purpose) noexcept {
  return purpose == KekPurpose::kWrap ? "wrap" : "integrity";
}

Result<KekPurpose> ParseKekPurpose(std::string_view text) {
  return ParseClosed("purpose of a KEK", text, {KekPurpose::kWrap, KekPurpose::kIntegrity});
}

std::string_view ToText(DekPurpose purpose) noexcept {
  switch (purpose) {
    case DekPurpose::kSecret:
      return "secret";
    case DekPurpose::kValue:
      return "value";
    case DekPurpose::kDigest:
      return "digest";
  }
  return "";
}

Result<DekPurpose> ParseDekPurpose(std::string_view text) {
  return ParseClosed("purpose of a DEK", text,
                     {DekPurpose::kSecret, DekPurpose::kValue, DekPurpose::kDigest});
}

Result<Suite> ParseSuite(std::int64_t value) {
  if (value != static_cast<std::int64_t>(Suite::kXaes256Gcm)) {
    return Fail(ErrorCode::kIntegrity, "suite " + std::to_string(value) + " is not known");
  }
  return Suite::kXaes256Gcm;
}

std::string_view ToText(ColumnState state) noexcept {
  return state == ColumnState::kActive ? "active" : "removed";
}

Result<ColumnState> ParseColumnState(std::string_view text) {
  return ParseClosed("state of a column", text, {ColumnState::kActive, ColumnState::kRemoved});
}

}  // namespace rowseal
