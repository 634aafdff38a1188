#include "envelope/field_writer.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::uint32_t kAbsent = 0xFFFFFFFF;
constexpr std::size_t kUuidTextSize = 36;

void WriteBigEndian(std::uint32_t value, std::uint8_t* out) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    value = __builtin_bswap32(value);
  }
  std::memcpy(out, &value, sizeof(value));
}

void WriteBigEndian(std::uint64_t value, std::uint8_t* out) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    value = __builtin_bswap64(value);
  }
  std::memcpy(out, &value, sizeof(value));
}

}  // namespace

FieldWriter::FieldWriter(std::string_view label) { Add(label); }

FieldWriter::FieldWriter(FieldWriter&& other) noexcept
    : long_(std::move(other.long_)), size_(std::exchange(other.size_, 0)) {
  if (long_.empty()) {
    std::memcpy(usual_.data(), other.usual_.data(), size_);
  }
}

std::uint8_t* FieldWriter::ExtendLong(std::size_t place) {
  if (long_.empty()) {
    long_.assign(usual_.data(), usual_.data() + place);
  }
  long_.resize(size_);
  return long_.data() + place;
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

}  // namespace rowseal
