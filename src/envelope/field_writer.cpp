#include "envelope/field_writer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::uint32_t kAbsent = 0xFFFFFFFF;
constexpr std::size_t kUsualSize = 320;  // bytes; most contexts fit without a second allocation
constexpr std::size_t kUuidTextSize = 36;

template <class Unsigned>
void WriteBigEndian(Unsigned value, std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    out[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(Unsigned) - 1 - i)));
  }
}

}  // namespace

FieldWriter::FieldWriter(std::string_view label) : bytes_(kUsualSize) { Add(label); }

// Gives the place of the next `count` bytes.
std::uint8_t* FieldWriter::Extend(std::size_t count) {
  if (bytes_.size() - size_ < count) {
    bytes_.resize(std::max(2 * bytes_.size(), size_ + count));
  }
  std::uint8_t* const place = bytes_.data() + size_;
  size_ += count;
  return place;
}

FieldWriter& FieldWriter::Add(ByteView bytes) {
  assert(bytes.size() < kAbsent);
  std::uint8_t* const place = Extend(4 + bytes.size());
  WriteBigEndian(static_cast<std::uint32_t>(bytes.size()), place);
  if (!bytes.empty()) {
    std::memcpy(place + 4, bytes.data(), bytes.size());
  }
  return *this;
}

FieldWriter& FieldWriter::AddUuid(std::span<const std::uint8_t, 16> bytes) {
  std::uint8_t* const place = Extend(4 + kUuidTextSize);
  WriteBigEndian(static_cast<std::uint32_t>(kUuidTextSize), place);
  WriteUuid(bytes, std::span<std::uint8_t, kUuidTextSize>(place + 4, kUuidTextSize));
  return *this;
}

FieldWriter& FieldWriter::AddInteger(std::int64_t value) {
  std::uint8_t* const place = Extend(4 + sizeof(value));
  WriteBigEndian(static_cast<std::uint32_t>(sizeof(value)), place);
  WriteBigEndian(static_cast<std::uint64_t>(value), place + 4);
  return *this;
}

FieldWriter& FieldWriter::AddAbsent() {
  WriteBigEndian(kAbsent, Extend(4));
  return *this;
}

FieldWriter& FieldWriter::Add(const std::optional<Timestamp>& time) {
  return time ? AddInteger(time->time_since_epoch().count()) : AddAbsent();
}

Bytes FieldWriter::Take() && noexcept {
  bytes_.resize(size_);
  return std::move(bytes_);
}

}  // namespace rowseal
