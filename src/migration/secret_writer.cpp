#include "migration/secret_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::size_t kFirstCapacity = 4096;

tl::unexpected<Error> TooLarge(std::size_t limit) {
  return Fail(ErrorCode::kInvalidArgument, "the input is larger than " +
                                               std::to_string(limit / (1024 * 1024)) + " MiB (" +
                                               std::to_string(limit) + " bytes)");
}

std::string SystemMessage() { return std::generic_category().message(errno); }

// Closes a file when it goes.
struct OpenFile {
  int descriptor;
  ~OpenFile() { close(descriptor); }
};

}  // namespace

Result<void> SecretWriter::Reserve(std::size_t capacity) {
  if (capacity <= buffer_.capacity()) {
    return {};
  }
  const std::size_t doubled = std::max({capacity, 2 * buffer_.capacity(), kFirstCapacity});
  ROWSEAL_ASSIGN(SecretBuffer larger, SecretBuffer::Create(doubled));
  ROWSEAL_TRY(larger.Append(buffer_.Reveal()));
  buffer_ = std::move(larger);
  return {};
}

Result<void> SecretWriter::Append(ByteView bytes) {
  if (bytes.size() > limit_ - size()) {
    return TooLarge(limit_);
  }
  ROWSEAL_TRY(Reserve(size() + bytes.size()));
  return buffer_.Append(bytes);
}

Result<void> SecretWriter::FillFrom(int descriptor) {
  for (;;) {
    // One byte more than the limit, so that an input that ends exactly there is told from a longer.
    ROWSEAL_TRY(Reserve(size() + 1));
    const std::span<std::uint8_t> space = buffer_.Writable().subspan(size());
    const ssize_t count = read(descriptor, space.data(), space.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return Fail(ErrorCode::kInvalidArgument, "the input cannot be read: " + SystemMessage());
    }
    if (count == 0) {
      return {};
    }
    buffer_.SetSize(size() + static_cast<std::size_t>(count));
    if (size() > limit_) {
      return TooLarge(limit_);
    }
  }
}

Result<SecretBytes> ReadSecretFile(const std::string& path, std::size_t limit) {
  const std::string shown = "'" + Printable(path) + "'";
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    return Fail(ErrorCode::kInvalidArgument, shown + " cannot be opened: " + SystemMessage());
  }
  const OpenFile file{descriptor};
  SecretWriter writer(limit);
  if (Result<void> read = writer.FillFrom(file.descriptor); !read) {
    read.error().message = shown + ": " + read.error().message;
    return tl::unexpected(std::move(read).error());
  }
  return std::move(writer).Take();
}

}  // namespace rowseal
