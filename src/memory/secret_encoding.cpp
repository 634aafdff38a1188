#include "memory/secret_encoding.h"

namespace rowseal {

Result<void> AppendBase64(Base64 form, ByteView bytes, SecretBuffer& text) {
  const std::size_t size = Base64Size(form, bytes.size());
  const std::span<std::uint8_t> room = text.Writable().subspan(text.size());
  if (room.size() <= size) {
    return Fail(ErrorCode::kInvalidArgument, "the text has no room for base64");
  }
  WriteBase64(form, bytes, room.first(size + 1));
  text.SetSize(text.size() + size);
  return {};
}

Result<SecretBytes> SecretFromBase64(Base64 form, std::string_view text) {
  ROWSEAL_ASSIGN(SecretBuffer bytes, SecretBuffer::Create(text.size() / 4 * 3 + 3));
  const std::optional<std::size_t> size = ReadBase64(form, text, bytes.Writable());
  if (!size) {
    return Fail(ErrorCode::kIntegrity, "something else stands in place of base64");
  }
  bytes.SetSize(*size);
  return std::move(bytes).Take();
}

}  // namespace rowseal
