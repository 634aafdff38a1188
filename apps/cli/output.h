#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/listing.h>
#include <rowseal/secret_bytes.h>

namespace rowseal::cli {

/// Json keeps the order in which members were written.
using Json = nlohmann::ordered_json;

/// PrintError writes `rowseal: error: …` and `hint: …` to stderr.
void PrintError(const Error& error);

/// EndOfList names each row that cannot be read on stderr, and gives the exit status 0 where there
/// is none. Errors: kPartial.
Result<int> EndOfList(const std::vector<UnreadRow>& unreadable);

/// PrintNote writes a line for people to stderr.
void PrintNote(std::string_view text);

/// SystemMessage says what `errno` says.
std::string SystemMessage();

/// PrintText writes data to stdout. Errors: kResourceExhausted or kUnavailable (the reader is
/// gone).
Result<void> PrintText(std::string_view text);

/// JsonText is JSON on one line; bytes that are not UTF-8 become U+FFFD.
std::string JsonText(const Json& json);

/// PrintJson writes one line of JSON to stdout.
Result<void> PrintJson(const Json& json);

/// PrintSecret writes `secret` to stdout byte for byte, without a buffer between. Errors:
/// kInvalidArgument when stdout is a terminal and `reveal` is false; as PrintText.
Result<void> PrintSecret(ByteView secret, bool reveal);

/// PrintSecretJson writes `fields` and the member `value_base64` (RFC 4648 section 4) as one line
/// of JSON. Errors: as PrintSecret.
Result<void> PrintSecretJson(const Json& fields, ByteView secret, bool reveal);

/// CheckReveal fails when stdout is a terminal and `reveal` is false; before anything is opened.
Result<void> CheckReveal(bool reveal);

/// Table lays rows out in columns under a header.
std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows);

/// WriteFileAtomically replaces the file at `path` with `text`.
Result<void> WriteFileAtomically(const std::string& path, std::string_view text);

/// Existing says what becomes of a file that is there already.
enum class Existing : std::uint8_t { kKeep, kReplace };

/// CheckNewFile fails where WriteNewFile would, so that no work is done for nothing. Errors:
/// kConflict (a file is there, and is kept).
Result<void> CheckNewFile(const std::string& path, Existing existing);

/// WriteNewFile writes a file that only its owner can read, whole or not at all. Errors: kConflict
/// (one is there, and is kept), kUnavailable.
Result<void> WriteNewFile(const std::string& path, std::string_view text, Existing existing);

}  // namespace rowseal::cli
