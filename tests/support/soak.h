#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>

namespace rowseal::testing {

/// Scaled returns `count`, or `factor` times as much in a soak run (ROWSEAL_SOAK in the
/// environment; a number there multiplies further). The code is the same: only counts grow.
std::size_t Scaled(std::size_t count, std::size_t factor = 50);

/// StepOr returns 1 in a soak run, else `step`: for loops over every place where something can
/// happen.
std::size_t StepOr(std::size_t step);

/// IsSoak tells whether this is a soak run.
bool IsSoak();

/// Random is a generator for choices, never for keys. Its seed is `number`, and GoogleTest's own
/// seed when tests are shuffled, so that rounds differ and `--gtest_shuffle --gtest_random_seed=N`
/// repeats one.
class Random final {
 public:
  explicit Random(std::uint64_t number);

  /// Below returns 0 … `bound` - 1.
  std::size_t Below(std::size_t bound);
  bool OneIn(std::size_t chances) { return Below(chances) == 0; }
  template <class Container>
  auto& Pick(Container& container) {
    return container[Below(std::size(container))];
  }
  std::uint64_t seed() const noexcept { return seed_; }

 private:
  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace rowseal::testing
