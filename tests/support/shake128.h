#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <rowseal/bytes.h>

namespace rowseal::testing {

/// Shake128 is SHAKE-128 (FIPS 202) that gives its output piece by piece, which OpenSSL 3.0 cannot.
/// C2SP's accumulated vectors draw hundreds of megabytes from one stream. For tests only.
class Shake128 final {
 public:
  void Absorb(ByteView bytes);
  /// Squeeze gives the next bytes; nothing may be absorbed afterwards.
  void Squeeze(std::span<std::uint8_t> out);

 private:
  static constexpr std::size_t kRate = 168;  // bytes: 1600 bits less twice the security strength
  std::uint8_t* StateBytes();
  void Permute();

  std::array<std::uint64_t, 25> state_{};
  std::size_t at_ = 0;
  bool squeezing_ = false;
};

}  // namespace rowseal::testing
