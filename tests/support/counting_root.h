#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "keys/root_provider.h"

namespace rowseal::testing {

/// CountingRoot passes calls on to a root and counts them.
class CountingRoot final : public RootProvider {
 public:
  explicit CountingRoot(std::shared_ptr<const RootProvider> root) : root_(std::move(root)) {}

  std::string_view uri() const noexcept override { return root_->uri(); }
  ByteView fingerprint() const noexcept override { return root_->fingerprint(); }
  ByteView public_part() const noexcept override { return root_->public_part(); }
  Result<std::shared_ptr<const RootProvider>> ForRow(ByteView fingerprint, ByteView public_part,
                                                     MatchBudget& budget) const override {
    return root_->ForRow(fingerprint, public_part, budget);
  }
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override {
    ++wraps_;
    return root_->Wrap(wrapping_secret, context);
  }
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override {
    ++unwraps_;
    return root_->Unwrap(wrapped, context);
  }

  int wraps() const noexcept { return wraps_; }
  int unwraps() const noexcept { return unwraps_; }

 private:
  std::shared_ptr<const RootProvider> root_;
  mutable std::atomic<int> wraps_{0};
  mutable std::atomic<int> unwraps_{0};
};

}  // namespace rowseal::testing
