#include "envelope/field_writer.h"

#include <bit>
#include <cstring>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::size_t kUuidTextSize = 36;

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

FieldWriter& FieldWriter::AddUuid(std::span<const std::uint8_t, 16> bytes) {
  std::uint8_t* const place = AddSpace(kUuidTextSize);
  WriteUuid(bytes, std::span<std::uint8_t, kUuidTextSize>(place, kUuidTextSize));
  return *this;
}

FieldWriter& FieldWriter::AddInteger(std::int64_t value) {
  WriteBigEndian(static_cast<std::uint64_t>(value), AddSpace(sizeof(value)));
  return *this;
}

FieldWriter& FieldWriter::AddAbsent() {
  AddLength(kAbsent, 0);
  return *this;
}

FieldWriter& FieldWriter::Add(const std::optional<Timestamp>& time) {
  return time ? AddInteger(time->time_since_epoch().count()) : AddAbsent();
}

}  // namespace rowseal
