#include "store/residue.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "base/encoding.h"
#include "memory/wipe.h"

namespace rowseal {
namespace {

constexpr std::size_t kChunk = 1U << 20U;
constexpr std::size_t kBits = 1U << 16U;

std::uint64_t StartOf(const std::uint8_t* bytes) {
  std::uint64_t start = 0;
  std::memcpy(&start, bytes, sizeof start);
  return start;
}

std::size_t BitOf(std::uint64_t start) { return (start * 0x9E3779B97F4A7C15U) >> 48U; }

}  // namespace

ResidueSearch::ResidueSearch(const std::vector<SecretBytes>& values) : maybe_(kBits, false) {
  for (const SecretBytes& value : values) {
    if (value.size() >= kShortest) {
      const std::uint64_t start = StartOf(value.Reveal().data());
      by_start_.emplace(start, &value);
      maybe_[BitOf(start)] = true;
      longest_ = std::max(longest_, value.size());
      ++values_;
    }
  }
}

std::int64_t ResidueSearch::SearchText(ByteView text) const {
  std::int64_t found = 0;
  for (std::size_t at = 0; at + kShortest <= text.size(); ++at) {
    const std::uint64_t start = StartOf(text.data() + at);
    if (!maybe_[BitOf(start)]) {
      continue;
    }
    const auto [first, last] = by_start_.equal_range(start);
    for (auto candidate = first; candidate != last; ++candidate) {
      const ByteView value = candidate->second->Reveal();
      found += at + value.size() <= text.size() &&
                       std::equal(value.begin(), value.end(), text.data() + at)
                   ? 1
                   : 0;
    }
  }
  return found;
}

// A value that lies across two chunks is found in the second, which begins with the first one's
// end.
Result<std::int64_t> ResidueSearch::SearchFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(ErrorCode::kUnavailable, "'" + Printable(path) + "' cannot be read");
  }
  std::vector<std::uint8_t> buffer;
  std::int64_t found = 0;
  while (file) {
    const std::size_t kept = std::min(buffer.size(), longest_ == 0 ? 0 : longest_ - 1);
    const std::int64_t counted = SearchText({buffer.data() + (buffer.size() - kept), kept});
    buffer.erase(buffer.begin(), buffer.end() - static_cast<std::ptrdiff_t>(kept));
    buffer.resize(kept + kChunk);
    file.read(reinterpret_cast<char*>(buffer.data() + kept), kChunk);
    buffer.resize(kept + static_cast<std::size_t>(file.gcount()));
    bytes_ += file.gcount();
    found += SearchText(buffer) - counted;
  }
  Wipe(buffer);
  return found;
}

}  // namespace rowseal
