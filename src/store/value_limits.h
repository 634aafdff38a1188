#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// What a driver checks before it copies a value of a store's row: whoever can write to the
/// database could otherwise make every reader take as much memory as the database can hold.

/// kLargestStoredBytes is the largest secret (kMaxSecretSize, 16 MiB) with its padding (32 bytes),
/// header and tag, rounded up.
inline constexpr std::size_t kLargestStoredBytes = 16U * 1024 * 1024 + 4096;

/// kLargestStoredText is what an entry of the log for a batch of 10,000 secrets takes, doubled.
/// Names and URIs are far shorter; their decoders check that, for each row.
inline constexpr std::size_t kLargestStoredText = 1024U * 1024;

/// kLargestAppValue bounds one value that is read from an application's row: the largest secret as
/// hexadecimal digits, and as much again for the document around it.
inline constexpr std::size_t kLargestAppValue = 64U * 1024 * 1024;

/// LargestValue bounds a value in a server's answer to a statement. A procedure answers with rows
/// of the store; SQL may read an application's rows too.
constexpr std::size_t LargestValue(Procedure procedure, bool is_text) noexcept {
  return procedure == Procedure::kSql ? kLargestAppValue
         : is_text                    ? kLargestStoredText
                                      : kLargestStoredBytes;
}

inline constexpr const char* kTooLargeHint =
    "Rowseal writes no such value; restore the row from a backup";

/// TooLarge says that a value was not read. `size` is 0 where it is not known.
inline tl::unexpected<Error> TooLarge(std::string_view column, std::size_t size,
                                      std::size_t limit) {
  const std::string found = size == 0 ? std::string("more") : std::to_string(size) + " bytes";
  return Fail(ErrorCode::kIntegrity,
              "column " + std::string(column) + " of a row holds " + found + "; at most " +
                  std::to_string(limit) + " bytes are read",
              kTooLargeHint);
}

}  // namespace rowseal
