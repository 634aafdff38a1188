#include <rowseal/ids.h>

#include "base/closed_set.h"
#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::size_t kMaxNameBytes = 255;

constexpr ClosedSet<SecretKind, 3> kSecretKinds{{"webhook", "access_token", "workflow"}};

// Guards every name before it becomes part of a context, an SQL parameter or a message.
Result<void> CheckName(std::string_view what, std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(what) + " '" + Printable(text) + "' " + std::string(why),
                "use 1 to 255 bytes of UTF-8 without control characters");
  };
  if (text.empty()) {
    return refuse("is empty");
  }
  if (text.size() > kMaxNameBytes) {
    return refuse("is longer than 255 bytes");
  }
  if (!IsUtf8(text)) {
    return refuse("is not UTF-8");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const bool c1_control =
        byte == 0xC2 && static_cast<std::uint8_t>(text[i + 1]) < 0xA0;  // U+0080 to U+009F
    if (byte < 0x20 || byte == 0x7F || c1_control) {
      return refuse("has a control character");
    }
  }
  return {};
}

template <class Tag>
constexpr std::string_view kNameOf = "name";
template <>
constexpr std::string_view kNameOf<ProjectIdTag> = "project";
template <>
constexpr std::string_view kNameOf<SecretNameTag> = "secret name";
template <>
constexpr std::string_view kNameOf<ColumnLabelTag> = "column label";

}  // namespace

std::string UuidText(std::span<const std::uint8_t, 16> bytes) {
  std::array<std::uint8_t, 36> text;
  WriteUuid(bytes, text);
  return std::string(AsText(text));
}

Result<std::array<std::uint8_t, 16>> ParseUuidBytes(std::string_view text) {
  const auto refuse = [&] {
    return Fail(ErrorCode::kInvalidArgument, "'" + Printable(text) + "' is not a canonical uuid",
                "use lower-case hexadecimal digits in groups of 8-4-4-4-12");
  };
  if (text.size() != 36) {
    return refuse();
  }
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen_place != (text[i] == '-')) {
      return refuse();
    }
    if (!hyphen_place) {
      digits.push_back(text[i]);
    }
  }
  const Result<Bytes> decoded = FromHex(digits);
  if (!decoded) {
    return refuse();
  }
  std::array<std::uint8_t, 16> bytes{};
  std::copy(decoded->begin(), decoded->end(), bytes.begin());
  return bytes;
}

template <class Tag>
Result<Name<Tag>> Name<Tag>::Parse(std::string_view text) {
  ROWSEAL_TRY(CheckName(kNameOf<Tag>, text));
  return Name(text);
}

template class Name<ProjectIdTag>;
template class Name<SecretNameTag>;
template class Name<ColumnLabelTag>;

std::string_view ToText(SecretKind kind) noexcept { return kSecretKinds.TextOf(kind); }

Result<SecretKind> ParseSecretKind(std::string_view text) {
  const std::optional<SecretKind> kind = kSecretKinds.Find(text);
  return kind ? Result<SecretKind>(*kind)
              : Fail(ErrorCode::kInvalidArgument,
                     "'" + Printable(text) + "' is not a kind of secret",
                     "use webhook, access_token or workflow");
}

std::string_view ToText(ContextKind kind) noexcept {
  return kind == ContextKind::kField ? "field" : "cell";
}

Result<ContextKind> ParseContextKind(std::string_view text) {
  for (const ContextKind kind : {ContextKind::kField, ContextKind::kCell}) {
    if (text == ToText(kind)) {
      return kind;
    }
  }
  return Fail(ErrorCode::kInvalidArgument, "'" + Printable(text) + "' is not a context kind",
              "use field or cell");
}

}  // namespace rowseal
