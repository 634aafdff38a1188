#include "support/soak.h"

#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

namespace rowseal::testing {

bool IsSoak() { return std::getenv("ROWSEAL_SOAK") != nullptr; }

std::size_t Scaled(std::size_t count, std::size_t factor) {
  const char* soak = std::getenv("ROWSEAL_SOAK");
  if (soak == nullptr) {
    return count;
  }
  return count * factor * std::max<std::size_t>(std::strtoull(soak, nullptr, 10), 1);
}

std::size_t StepOr(std::size_t step) { return IsSoak() ? 1 : step; }

Random::Random(std::uint64_t number)
    : seed_(static_cast<std::uint64_t>(::testing::UnitTest::GetInstance()->random_seed()) *
                1'000'000 +
            number),
      engine_(seed_) {}

std::size_t Random::Below(std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
}

}  // namespace rowseal::testing
