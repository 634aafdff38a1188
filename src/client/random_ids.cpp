#include "client/random_ids.h"

#include "crypto/random.h"

namespace rowseal {
namespace {

void SetVersion(std::array<std::uint8_t, 16>& bytes, std::uint8_t version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | (version << 4));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
}

}  // namespace

Result<std::array<std::uint8_t, 16>> RandomUuid() {
  std::array<std::uint8_t, 16> bytes{};
  ROWSEAL_TRY(FillRandom(bytes));
  SetVersion(bytes, 4);
  return bytes;
}

// Twelve bits behind the milliseconds hold their fraction, so entries of one process keep order.
Result<std::array<std::uint8_t, 16>> TimeOrderedUuid(Timestamp now) {
  std::array<std::uint8_t, 16> bytes{};
  ROWSEAL_TRY(FillRandom(bytes));
  const auto micros = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const std::uint64_t millis = micros / 1000;
  const std::uint64_t fraction = (micros % 1000) * 4096 / 1000;
  for (std::size_t i = 0; i < 6; ++i) {
    bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  }
  bytes[6] = static_cast<std::uint8_t>(fraction >> 8);
  bytes[7] = static_cast<std::uint8_t>(fraction);
  SetVersion(bytes, 7);
  return bytes;
}

}  // namespace rowseal
