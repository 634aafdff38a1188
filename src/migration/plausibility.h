#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// TokenShape is a form that credentials of one kind have.
enum class TokenShape : std::uint8_t {
  kPrintable,  ///< one or more ASCII characters, none of them a space or a control character
  kHex,        ///< one or more hex digits
  kBase64Url,  ///< one or more of A-Z a-z 0-9 - _
  kUuid,       ///< 8-4-4-4-12 hex digits
  kJwt,        ///< three texts of base64url with dots between them; the first begins with `eyJ`
};

/// Plausibility says what the plaintexts of a column look like. Where a format has no tag, this
/// is all that tells a right key from a wrong one: "it decrypted" proves nothing (one wrong CBC key
/// in 255 gives right padding), but random bytes are no text: 16 of them are well-formed UTF-8
/// without control characters 4 times in a million, and each further byte more than halves that.
///
/// It is no authentication: it finds wrong keys and damage, not somebody who edits on purpose.
struct Plausibility {
  /// Content: text is well-formed UTF-8 without control characters (C0, DEL, C1) but tab, line feed
  /// and carriage return. Bytes may be anything.
  enum class Content : std::uint8_t { kText, kBytes };

  /// Where it says nothing: text where the format has no tag, else bytes.
  std::optional<Content> content{};
  std::size_t min_bytes = 0;
  std::optional<std::size_t> max_bytes{};
  std::vector<std::string> starts_with{};  ///< one of these; none: anything
  std::optional<TokenShape> shape{};
};

/// CheckPlausible refuses a plaintext that does not look as `rules` say; `content` is what
/// holds where they leave it open. Errors: kIntegrity ("implausible: …"), which says which rule,
/// and nothing of the plaintext.
Result<void> CheckPlausible(const Plausibility& rules, Plausibility::Content content,
                            ByteView plaintext);

/// IsText tells whether `bytes` are text as Plausibility::Content has it.
bool IsText(ByteView bytes) noexcept;

/// HasShape tells whether all of `text` is of that shape.
bool HasShape(TokenShape shape, ByteView text) noexcept;

/// MaskedText shows the first two and last two characters of a UTF-8 text of over 12, and how long
/// it is; of a shorter one only that.
std::string MaskedText(std::string_view text);

/// MaskedSample shows as much of a plaintext as an operator needs to see that it is the right one:
/// the first two and last two characters of a text of over 12 (`sk…9f (32 characters)`), of a
/// shorter one only how long it is, and of what is no text only how many bytes it has.
std::string MaskedSample(ByteView plaintext);

}  // namespace rowseal
