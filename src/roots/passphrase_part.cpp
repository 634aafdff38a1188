#include "roots/passphrase_part.h"

#include <algorithm>

namespace rowseal {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kArgon2idV13 = 1;
constexpr std::size_t kPassesAt = 2;
constexpr std::size_t kMemoryAt = 6;
constexpr std::size_t kSaltAt = 10;
static_assert(kSaltAt + kArgon2idSaltSize == kPassphrasePartSize);

void AppendInteger(std::uint32_t value, Bytes& bytes) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

std::uint32_t IntegerAt(ByteView bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes.subspan(at, 4)) {
    value = value << 8 | byte;
  }
  return value;
}

}  // namespace

Result<void> CheckPassphraseCost(Argon2idCost cost) {
  const bool within = cost.passes >= kMinPassphrasePasses && cost.passes <= kMaxPassphrasePasses &&
                      cost.memory_kib >= kMinPassphraseMemoryKib &&
                      cost.memory_kib <= kMaxPassphraseMemoryKib &&
                      std::uint64_t{cost.passes} * cost.memory_kib <= kMaxPassphraseWorkKib;
  if (!within) {
    return Fail(ErrorCode::kInvalidArgument,
                "a passphrase's cost of " + std::to_string(cost.passes) + " passes over " +
                    std::to_string(cost.memory_kib) + " KiB is out of bounds",
                "3 to 16 passes over 12 MiB to 1 GiB, and at most 2 GiB in all passes together");
  }
  return {};
}

bool IsPassphrasePart(ByteView bytes) noexcept {
  return bytes.size() == kPassphrasePartSize && bytes[0] == kVersion && bytes[1] == kArgon2idV13;
}

Bytes EncodePassphrasePart(const PassphrasePart& part) {
  Bytes bytes = {kVersion, kArgon2idV13};
  bytes.reserve(kPassphrasePartSize);
  AppendInteger(part.cost.passes, bytes);
  AppendInteger(part.cost.memory_kib, bytes);
  bytes.insert(bytes.end(), part.salt.begin(), part.salt.end());
  return bytes;
}

Result<PassphrasePart> DecodePassphrasePart(ByteView bytes) {
  if (!IsPassphrasePart(bytes)) {
    return Fail(ErrorCode::kIntegrity, "a passphrase's public part is not of a known form");
  }
  PassphrasePart part;
  part.cost = {IntegerAt(bytes, kPassesAt), IntegerAt(bytes, kMemoryAt)};
  std::ranges::copy(bytes.subspan(kSaltAt), part.salt.begin());
  if (Result<void> checked = CheckPassphraseCost(part.cost); !checked) {
    return Fail(ErrorCode::kIntegrity, std::move(checked).error().message,
                "somebody changed it outside Rowseal; restore root_key from a backup");
  }
  return part;
}

}  // namespace rowseal
