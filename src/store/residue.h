#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// ResidueSearch looks for values in files: for what a database still holds of them after a
/// migration. It finds what stands there byte for byte; compressed pages hide it.
class ResidueSearch final {
 public:
  /// kShortest is the shortest value that is looked for, in bytes: shorter ones stand anywhere.
  static constexpr std::size_t kShortest = 8;

  /// Values must outlive the search. Shorter ones than kShortest are left out.
  explicit ResidueSearch(const std::vector<SecretBytes>& values);

  std::size_t values() const noexcept { return values_; }

  /// SearchFile counts how often any value stands in a file. Errors: kUnavailable (not readable).
  Result<std::int64_t> SearchFile(const std::string& path);
  /// SearchText does so in a text.
  std::int64_t SearchText(ByteView text) const;

  /// bytes is how much was searched in files so far.
  std::int64_t bytes() const noexcept { return bytes_; }

 private:
  std::unordered_multimap<std::uint64_t, const SecretBytes*> by_start_;
  std::vector<bool> maybe_;  // by a hash of the first bytes: most places are passed over quickly
  std::size_t values_ = 0;
  std::size_t longest_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace rowseal
