#include "crypto/fresh_nonces.h"

#include <span>
#include <utility>

#include "crypto/random.h"

namespace rowseal {

Result<FreshNonces> FreshNonces::Draw(std::size_t count) {
  static_assert(sizeof(XaesNonce) == kXaesNonceSize);
  std::vector<XaesNonce> nonces(count);
  auto* const bytes = reinterpret_cast<std::uint8_t*>(nonces.data());
  ROWSEAL_TRY(FillRandom(std::span(bytes, count * kXaesNonceSize)));
  return FreshNonces(std::move(nonces));
}

FreshNonces::FreshNonces(FreshNonces&& other) noexcept : left_(std::exchange(other.left_, {})) {}

Result<FreshNonce> FreshNonces::Take() {
  if (left_.empty()) {
    return Fail(ErrorCode::kInternal, "more values were sealed than nonces were drawn");
  }
  FreshNonce next(left_.back());
  left_.pop_back();
  return next;
}

}  // namespace rowseal
