#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// SecretWriter gathers a secret of unknown length in guarded memory that grows as needed; the
/// memory it leaves is wiped.
class SecretWriter final {
 public:
  /// SecretWriter takes at most `limit` bytes.
  explicit SecretWriter(std::size_t limit) noexcept : limit_(limit) {}

  /// Append copies `bytes` behind what is there. Errors: kInvalidArgument (more than the limit),
  /// kResourceExhausted.
  Result<void> Append(ByteView bytes);
  Result<void> Append(std::string_view text) { return Append(AsBytes(text)); }
  Result<void> Append(const char* text) { return Append(std::string_view(text)); }

  /// FillFrom appends all that is left in the file `descriptor`, read straight into guarded memory.
  /// Errors: kInvalidArgument (more than the limit, or not readable), kResourceExhausted.
  Result<void> FillFrom(int descriptor);

  std::size_t size() const noexcept { return buffer_.size(); }
  ByteView Reveal() const noexcept { return buffer_.Reveal(); }
  SecretBytes Take() && noexcept { return std::move(buffer_).Take(); }

 private:
  Result<void> Reserve(std::size_t capacity);

  std::size_t limit_;
  SecretBuffer buffer_ = *SecretBuffer::Create(0);  // no memory is asked for, so it cannot fail
};

/// ReadSecretFile reads a whole file into guarded memory. Errors: kInvalidArgument (no such file,
/// not readable, over `limit`), kResourceExhausted.
Result<SecretBytes> ReadSecretFile(const std::string& path, std::size_t limit);

}  // namespace rowseal
