#include "support/shake128.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace rowseal::testing {

static_assert(std::endian::native == std::endian::little, "a lane is its bytes, lowest first");

std::uint8_t* Shake128::StateBytes() { return reinterpret_cast<std::uint8_t*>(state_.data()); }

void Shake128::Absorb(ByteView bytes) {
  for (const std::uint8_t byte : bytes) {
    StateBytes()[at_++] ^= byte;
    if (at_ == kRate) {
      Permute();
      at_ = 0;
    }
  }
}

void Shake128::Squeeze(std::span<std::uint8_t> out) {
  if (!squeezing_) {
    StateBytes()[at_] ^= 0x1F;  // the suffix 1111 of an extendable output, the padding's first bit
    StateBytes()[kRate - 1] ^= 0x80;
    at_ = kRate;
    squeezing_ = true;
  }
  while (!out.empty()) {
    if (at_ == kRate) {
      Permute();
      at_ = 0;
    }
    const std::size_t piece = std::min(out.size(), kRate - at_);
    std::memcpy(out.data(), StateBytes() + at_, piece);
    out = out.subspan(piece);
    at_ += piece;
  }
}

// Keccak-f[1600], FIPS 202 section 3.3. Written out, because millions of rounds run in a debug
// build.
void Shake128::Permute() {
  static constexpr std::array<std::uint64_t, 24> kRoundConstants = {
      0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
      0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
      0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
      0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
      0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
      0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
  using std::rotl;
  std::uint64_t* const a = state_.data();
  for (const std::uint64_t round_constant : kRoundConstants) {
    const std::uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
    const std::uint64_t c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    const std::uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
    const std::uint64_t c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    const std::uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    const std::uint64_t d0 = c4 ^ rotl(c1, 1);
    const std::uint64_t d1 = c0 ^ rotl(c2, 1);
    const std::uint64_t d2 = c1 ^ rotl(c3, 1);
    const std::uint64_t d3 = c2 ^ rotl(c4, 1);
    const std::uint64_t d4 = c3 ^ rotl(c0, 1);
    const std::uint64_t b0 = a[0] ^ d0;
    const std::uint64_t b1 = rotl(a[6] ^ d1, 44);
    const std::uint64_t b2 = rotl(a[12] ^ d2, 43);
    const std::uint64_t b3 = rotl(a[18] ^ d3, 21);
    const std::uint64_t b4 = rotl(a[24] ^ d4, 14);
    const std::uint64_t b5 = rotl(a[3] ^ d3, 28);
    const std::uint64_t b6 = rotl(a[9] ^ d4, 20);
    const std::uint64_t b7 = rotl(a[10] ^ d0, 3);
    const std::uint64_t b8 = rotl(a[16] ^ d1, 45);
    const std::uint64_t b9 = rotl(a[22] ^ d2, 61);
    const std::uint64_t b10 = rotl(a[1] ^ d1, 1);
    const std::uint64_t b11 = rotl(a[7] ^ d2, 6);
    const std::uint64_t b12 = rotl(a[13] ^ d3, 25);
    const std::uint64_t b13 = rotl(a[19] ^ d4, 8);
    const std::uint64_t b14 = rotl(a[20] ^ d0, 18);
    const std::uint64_t b15 = rotl(a[4] ^ d4, 27);
    const std::uint64_t b16 = rotl(a[5] ^ d0, 36);
    const std::uint64_t b17 = rotl(a[11] ^ d1, 10);
    const std::uint64_t b18 = rotl(a[17] ^ d2, 15);
    const std::uint64_t b19 = rotl(a[23] ^ d3, 56);
    const std::uint64_t b20 = rotl(a[2] ^ d2, 62);
    const std::uint64_t b21 = rotl(a[8] ^ d3, 55);
    const std::uint64_t b22 = rotl(a[14] ^ d4, 39);
    const std::uint64_t b23 = rotl(a[15] ^ d0, 41);
    const std::uint64_t b24 = rotl(a[21] ^ d1, 2);
    a[0] = b0 ^ (~b1 & b2);
    a[1] = b1 ^ (~b2 & b3);
    a[2] = b2 ^ (~b3 & b4);
    a[3] = b3 ^ (~b4 & b0);
    a[4] = b4 ^ (~b0 & b1);
    a[5] = b5 ^ (~b6 & b7);
    a[6] = b6 ^ (~b7 & b8);
    a[7] = b7 ^ (~b8 & b9);
    a[8] = b8 ^ (~b9 & b5);
    a[9] = b9 ^ (~b5 & b6);
    a[10] = b10 ^ (~b11 & b12);
    a[11] = b11 ^ (~b12 & b13);
    a[12] = b12 ^ (~b13 & b14);
    a[13] = b13 ^ (~b14 & b10);
    a[14] = b14 ^ (~b10 & b11);
    a[15] = b15 ^ (~b16 & b17);
    a[16] = b16 ^ (~b17 & b18);
    a[17] = b17 ^ (~b18 & b19);
    a[18] = b18 ^ (~b19 & b15);
    a[19] = b19 ^ (~b15 & b16);
    a[20] = b20 ^ (~b21 & b22);
    a[21] = b21 ^ (~b22 & b23);
    a[22] = b22 ^ (~b23 & b24);
    a[23] = b23 ^ (~b24 & b20);
    a[24] = b24 ^ (~b20 & b21);
    a[0] ^= round_constant;
  }
}

}  // namespace rowseal::testing
