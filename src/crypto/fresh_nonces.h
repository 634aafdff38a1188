#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <rowseal/error.h>

namespace rowseal {

inline constexpr std::size_t kXaesNonceSize = 24;  ///< bytes: 192 bits, C2SP XAES-256-GCM

using XaesNonce = std::array<std::uint8_t, kXaesNonceSize>;

/// FreshNonce is a nonce that no message has used. Only FreshNonces makes one, and moving it leaves
/// nothing, so no code can seal twice under it.
class FreshNonce final {
 public:
  FreshNonce(FreshNonce&& other) noexcept : nonce_(other.nonce_), fresh_(other.fresh_) {
    other.fresh_ = false;
  }
  FreshNonce& operator=(FreshNonce&&) = delete;

 private:
  friend class FreshNonces;
  friend class XaesKey;
  explicit FreshNonce(const XaesNonce& nonce) noexcept : nonce_(nonce) {}

  XaesNonce nonce_;
  bool fresh_ = true;
};

/// FreshNonces draws the nonces of one call together, because a request to the kernel costs more
/// than its bytes. Draw it where the call seals and let it go with the call: a nonce that is kept
/// would be used twice where a virtual machine is resumed twice. Threads: one at a time.
class FreshNonces final {
 public:
  /// Draw draws `count` nonces by one request. Errors: kRandomFailure.
  static Result<FreshNonces> Draw(std::size_t count);
  FreshNonces(FreshNonces&& other) noexcept;
  FreshNonces& operator=(FreshNonces&&) = delete;

  /// Take hands out the next nonce, each once. Errors: kInternal (all were taken).
  Result<FreshNonce> Take();

 private:
  explicit FreshNonces(std::vector<XaesNonce> nonces) noexcept : left_(std::move(nonces)) {}
  std::vector<XaesNonce> left_;
};

}  // namespace rowseal
