#include "migration/source_format.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/encoding.h"
#include "crypto/legacy_cipher.h"
#include "migration/source_parts.h"

namespace rowseal {
namespace {

using Kind = SourceFormat::Kind;

constexpr SourcePart kAllParts[] = {SourcePart::kIv, SourcePart::kTag, SourcePart::kCiphertext};

tl::unexpected<Error> RefuseFormat(std::string why, std::string hint = {}) {
  return Fail(ErrorCode::kInvalidArgument, std::move(why), std::move(hint));
}

// Each part that `format` needs comes once. `count` says how often one is named by `key`.
template <class Count>
Result<void> CheckParts(const SourceFormat& format, const std::string& key, Count count) {
  for (const SourcePart part : kAllParts) {
    const std::ptrdiff_t times = count(part);
    const bool is_tag = part == SourcePart::kTag;
    if (times == 0 && !is_tag) {
      return RefuseFormat(key + ": the part '" + SourcePartName(part) + "' is missing");
    }
    if (times > 1) {
      return RefuseFormat(key + ": the part '" + SourcePartName(part) + "' comes twice");
    }
    if (times != 0 && is_tag && format.kind == Kind::kCbc) {
      return RefuseFormat(key + ": AES-256-CBC has no tag");
    }
  }
  return {};
}

SourceEncoding EncodingOf(const SourceFormat& format, SourcePart part) {
  const auto own = format.encoding_of.find(part);
  return own == format.encoding_of.end() ? format.encoding : own->second;
}

Result<void> CheckMembers(const SourceFormat& format) {
  ROWSEAL_TRY(CheckParts(format, "json", [&](SourcePart part) {
    return static_cast<std::ptrdiff_t>(format.members.count(part));
  }));
  std::set<std::string_view> names;
  for (const auto& [part, name] : format.members) {
    if (name.empty() || !names.insert(name).second) {
      return RefuseFormat("json: the members' names are empty or the same");
    }
    if (EncodingOf(format, part) == SourceEncoding::kRaw) {
      return RefuseFormat("encoding: bytes in JSON are hex, base64 or base64url");
    }
  }
  return {};
}

Result<void> CheckSeparator(const SourceFormat& format) {
  for (const SourcePart part : format.layout) {
    const SourceEncoding encoding = EncodingOf(format, part);
    if (std::ranges::any_of(format.separator,
                            [&](char digit) { return IsDigitOf(encoding, digit); })) {
      return RefuseFormat("separator: '" + Printable(format.separator) +
                              "' may also stand in the part '" + SourcePartName(part) + "'",
                          "where the parts stand end to end, say separator = \"\"");
    }
  }
  return {};
}

Result<void> CheckLayout(const SourceFormat& format) {
  ROWSEAL_TRY(CheckParts(format, "layout",
                         [&](SourcePart part) { return std::ranges::count(format.layout, part); }));
  if (!format.separator.empty()) {
    return CheckSeparator(format);
  }
  if (!format.encoding_of.empty()) {
    return RefuseFormat("encoding: parts that stand end to end have one encoding");
  }
  return {};
}

Result<void> CheckCipherFormat(const SourceFormat& format) {
  if (format.kind == Kind::kNodeGcm && format.iv_bytes != 12 && format.iv_bytes != 16) {
    return RefuseFormat("iv_bytes: is 12 or 16");
  }
  if (format.members.empty()) {
    return CheckLayout(format);
  }
  if (!format.layout.empty()) {
    return RefuseFormat("layout: a JSON object has none", "say either layout or json");
  }
  return CheckMembers(format);
}

}  // namespace

Result<void> CheckFormat(const SourceFormat& format) {
  const Plausibility& rules = format.plausibility;
  if (rules.max_bytes && *rules.max_bytes < rules.min_bytes) {
    return RefuseFormat("max_bytes: is less than min_bytes");
  }
  switch (format.kind) {
    case Kind::kPlain:
      return {};
    case Kind::kNodeGcm:
    case Kind::kCbc:
      return CheckCipherFormat(format);
    case Kind::kOpenSslSalted:
      if (format.iterations < 1 || format.iterations > kMaxKdfIterations) {
        return RefuseFormat("iterations: is 1 to " + std::to_string(kMaxKdfIterations));
      }
      return {};
  }
  return Fail(ErrorCode::kInternal, "a source format of no kind");
}

}  // namespace rowseal
