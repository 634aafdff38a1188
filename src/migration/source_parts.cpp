#include "migration/source_parts.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "crypto/legacy_cipher.h"
#include "migration/json_text.h"

namespace rowseal {
namespace {

tl::unexpected<Error> RefuseParts(std::string why, std::string hint = {}) {
  return Fail(ErrorCode::kIntegrity, std::move(why), std::move(hint));
}

Bytes& PartOf(SourceParts& parts, SourcePart part) noexcept {
  switch (part) {
    case SourcePart::kIv:
      return parts.iv;
    case SourcePart::kTag:
      return parts.tag;
    case SourcePart::kCiphertext:
      break;
  }
  return parts.ciphertext;
}

Result<void> DecodePart(const SourceFormat& format, SourcePart part, std::string_view text,
                        SourceParts& parts) {
  const auto own = format.encoding_of.find(part);
  Result<Bytes> bytes =
      DecodeSource(own == format.encoding_of.end() ? format.encoding : own->second, text);
  if (!bytes) {
    return RefuseParts(std::string("the ") + SourcePartName(part) + ": " + bytes.error().message);
  }
  PartOf(parts, part) = std::move(*bytes);
  return {};
}

// The parts of `layout`, each between separators.
Result<SourceParts> SplitAtSeparators(const SourceFormat& format, std::string_view text) {
  SourceParts parts;
  for (std::size_t i = 0; i < format.layout.size(); ++i) {
    const bool last = i + 1 == format.layout.size();
    const std::size_t end = text.find(format.separator);
    if (last != (end == std::string_view::npos)) {
      return RefuseParts("the value has not the " + std::to_string(format.layout.size()) +
                         " parts of 'layout'");
    }
    ROWSEAL_TRY(DecodePart(format, format.layout[i], text.substr(0, end), parts));
    text.remove_prefix(last ? text.size() : end + format.separator.size());
  }
  return parts;
}

// IV and tag have their lengths, and the ciphertext has the rest.
Result<SourceParts> SplitByLengths(const SourceFormat& format, std::string_view text) {
  Result<Bytes> decoded = DecodeSource(format.encoding, text);
  if (!decoded) {
    return RefuseParts(decoded.error().message);
  }
  ByteView rest = *decoded;
  const auto length = [&](SourcePart part) {
    return part == SourcePart::kIv ? SourceIvSize(format) : kLegacyTagSize;
  };
  std::size_t fixed = 0;
  for (const SourcePart part : format.layout) {
    fixed += part == SourcePart::kCiphertext ? 0 : length(part);
  }
  if (rest.size() < fixed) {
    return RefuseParts("the value has " + std::to_string(rest.size()) +
                       " bytes, which is too short for its parts");
  }
  const std::size_t ciphertext_size = rest.size() - fixed;
  SourceParts parts;
  for (const SourcePart part : format.layout) {
    const ByteView bytes =
        rest.first(part == SourcePart::kCiphertext ? ciphertext_size : length(part));
    PartOf(parts, part).assign(bytes.begin(), bytes.end());
    rest = rest.subspan(bytes.size());
  }
  return parts;
}

// Reads the member of that name, if it is a part; each part comes once.
Result<void> TakePart(const SourceFormat& format, TextCursor& cursor, std::string_view name,
                      SourceParts& parts, std::vector<SourcePart>& found) {
  const auto member =
      std::ranges::find_if(format.members, [&](const auto& entry) { return entry.second == name; });
  if (member == format.members.end()) {
    return SkipJsonValue(cursor);
  }
  if (std::ranges::find(found, member->first) != found.end()) {
    return cursor.Refuse("a member comes twice");
  }
  found.push_back(member->first);
  ROWSEAL_ASSIGN(const SecretBytes text, TakeJsonString(cursor));
  return DecodePart(format, member->first, AsText(text.Reveal()), parts);
}

Result<SourceParts> TakeParts(const SourceFormat& format, TextCursor& cursor) {
  SourceParts parts;
  std::vector<SourcePart> found;
  cursor.SkipAnyOf(kJsonSpaces);
  ROWSEAL_TRY(TakeJsonObject(
      cursor, [&](std::string_view name) { return TakePart(format, cursor, name, parts, found); }));
  cursor.SkipAnyOf(kJsonSpaces);
  if (!cursor.AtEnd()) {
    return cursor.Refuse("something stands behind the object");
  }
  for (const auto& [part, name] : format.members) {
    if (std::ranges::find(found, part) == found.end()) {
      return RefuseParts("the JSON object has no member '" + Printable(name) + "'");
    }
  }
  return parts;
}

Result<SourceParts> SplitJson(const SourceFormat& format, ByteView value) {
  if (!IsUtf8(AsText(value))) {
    return RefuseParts("the value is not UTF-8, so it is no JSON object");
  }
  TextCursor cursor(value);
  Result<SourceParts> parts = TakeParts(format, cursor);
  if (!parts && parts.error().code == ErrorCode::kInvalidArgument) {
    return RefuseParts("the value is not the JSON object it should be: " + parts.error().message);
  }
  return parts;
}

Result<SourceParts> Split(const SourceFormat& format, ByteView value) {
  if (!format.members.empty()) {
    return SplitJson(format, value);
  }
  return format.separator.empty() ? SplitByLengths(format, AsText(value))
                                  : SplitAtSeparators(format, AsText(value));
}

bool HasTagPart(const SourceFormat& format) {
  return format.members.contains(SourcePart::kTag) ||
         std::ranges::find(format.layout, SourcePart::kTag) != format.layout.end();
}

Result<void> CutTagOff(SourceParts& parts) {
  if (parts.ciphertext.size() < kLegacyTagSize) {
    return RefuseParts("the ciphertext is too short to end in a tag");
  }
  const auto start = parts.ciphertext.end() - static_cast<std::ptrdiff_t>(kLegacyTagSize);
  parts.tag.assign(start, parts.ciphertext.end());
  parts.ciphertext.erase(start, parts.ciphertext.end());
  return {};
}

}  // namespace

const char* SourcePartName(SourcePart part) noexcept {
  switch (part) {
    case SourcePart::kIv:
      return "iv";
    case SourcePart::kTag:
      return "tag";
    case SourcePart::kCiphertext:
      break;
  }
  return "ciphertext";
}

std::size_t SourceIvSize(const SourceFormat& format) noexcept {
  return format.kind == SourceFormat::Kind::kNodeGcm ? format.iv_bytes : kCbcBlockSize;
}

Result<SourceParts> SplitParts(const SourceFormat& format, ByteView value) {
  ROWSEAL_ASSIGN(SourceParts parts, Split(format, value));
  if (format.kind == SourceFormat::Kind::kNodeGcm && !HasTagPart(format)) {
    ROWSEAL_TRY(CutTagOff(parts));
  }
  if (parts.iv.size() != SourceIvSize(format)) {
    return RefuseParts(
        "the iv has " + std::to_string(parts.iv.size()) + " bytes, not " +
            std::to_string(SourceIvSize(format)),
        format.kind == SourceFormat::Kind::kNodeGcm ? "say in 'iv_bytes' how many it has" : "");
  }
  if (format.kind == SourceFormat::Kind::kNodeGcm && parts.tag.size() != kLegacyTagSize) {
    return RefuseParts("the tag has " + std::to_string(parts.tag.size()) + " bytes, not 16");
  }
  return parts;
}

}  // namespace rowseal
