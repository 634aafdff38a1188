#include "envelope/field_writer.h"

#include <cassert>
#include <limits>

namespace rowseal {
namespace {

constexpr std::uint32_t kAbsent = 0xFFFFFFFF;
constexpr std::size_t kUsualSize = 320;  // bytes; most contexts fit without a second allocation

}  // namespace

FieldWriter::FieldWriter(std::string_view label) {
  bytes_.reserve(kUsualSize);
  Add(label);
}

FieldWriter& FieldWriter::Add(ByteView bytes) {
  assert(bytes.size() < kAbsent);
  AddLength(static_cast<std::uint32_t>(bytes.size()));
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

FieldWriter& FieldWriter::AddInteger(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  }
  return Add(bytes);
}

FieldWriter& FieldWriter::AddAbsent() {
  AddLength(kAbsent);
  return *this;
}

FieldWriter& FieldWriter::Add(const std::optional<Timestamp>& time) {
  return time ? AddInteger(time->time_since_epoch().count()) : AddAbsent();
}

void FieldWriter::AddLength(std::uint32_t length) {
  const std::array<std::uint8_t, 4> bytes = {
      static_cast<std::uint8_t>(length >> 24), static_cast<std::uint8_t>(length >> 16),
      static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

}  // namespace rowseal
