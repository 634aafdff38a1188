#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// Encodings of bytes as text, each in one place. They are canonical: a decoder accepts what its
/// encoder writes and nothing else (no white space, no second alphabet, zero trailing bits), so one
/// byte string has one text. Hexadecimal and base64 are libsodium's, whose time does not depend on
/// the bytes, because keys go through them too (memory/secret_encoding.h).

/// HexDigits are the two lower-case digits of a byte, for escapes.
std::array<char, 2> HexDigits(std::uint8_t byte) noexcept;

std::string ToHex(ByteView bytes);

/// FromHex reads lower-case digits only. Errors: kInvalidArgument.
Result<Bytes> FromHex(std::string_view text);

/// ReadHex reads digits of either case into `out`, which has room for a byte to each two digits.
/// Returns false where `text` is something else.
bool ReadHex(std::string_view text, std::span<std::uint8_t> out) noexcept;

/// IsHexDigit tells whether `c` is a digit of either case.
bool IsHexDigit(char c) noexcept;

/// WriteUuid writes the canonical text of 16 bytes: lower case, hyphenated.
void WriteUuid(std::span<const std::uint8_t, 16> bytes, std::span<std::uint8_t, 36> text) noexcept;

/// Base64 is one of the forms of RFC 4648.
enum class Base64 : std::uint8_t {
  kPadded,     ///< section 4, with `=`
  kUnpadded,   ///< section 4, without
  kUrl,        ///< section 5, without padding: Rowseal's own values
  kUrlPadded,  ///< section 5, with `=`
};

/// Base64Size is the size of the text of so many bytes.
std::size_t Base64Size(Base64 form, std::size_t bytes) noexcept;

/// WriteBase64 writes the text of `bytes` and a zero byte into `out`, which has room for both.
void WriteBase64(Base64 form, ByteView bytes, std::span<std::uint8_t> out) noexcept;

/// ReadBase64 reads a text into `out`, which has room for three bytes to each four characters
/// begun. Returns how many bytes those are; nothing where `text` is something else.
std::optional<std::size_t> ReadBase64(Base64 form, std::string_view text,
                                      std::span<std::uint8_t> out) noexcept;

/// IsBase64Digit tells whether `c` is of the form's alphabet; padding is not.
bool IsBase64Digit(Base64 form, char c) noexcept;

std::string ToBase64(Base64 form, ByteView bytes);

/// FromBase64 reads what ToBase64 writes. Errors: kInvalidArgument.
Result<Bytes> FromBase64(Base64 form, std::string_view text);

/// ParseDecimal reads a whole text as a decimal integer; nothing where it is none or does not fit.
std::optional<std::int64_t> ParseDecimal(std::string_view text) noexcept;

/// IsUtf8 tells whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool IsUtf8(std::string_view text) noexcept;

/// Escaped returns `text` with control and non-UTF-8 bytes as `\xNN`, but for those of `kept`.
std::string Escaped(std::string_view text, std::string_view kept = {});

/// Printable is Escaped for a name in a message: at most 80 bytes, and what would change the
/// direction or the look of the text around it (Unicode's format characters) is escaped as well.
std::string Printable(std::string_view text);

/// ShellWord writes a name, a path or a URI as one word of a POSIX shell, for a command in a hint:
/// as it is where no character of it means anything to a shell, between single quotes otherwise.
/// What Printable escapes is escaped here too, so that nothing is pasted that was not seen.
std::string ShellWord(std::string_view text);

}  // namespace rowseal
