#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/ids.h>

namespace rowseal {

/// FieldWriter builds the canonical byte string that contexts, tags and check values are made of:
/// each field is its length (u32 big-endian) and its bytes, so that no two lists of fields give the
/// same bytes. An absent field is the length 0xFFFFFFFF alone and differs from an empty one.
/// Format: docs/spec/contexts.md.
class FieldWriter final {
 public:
  /// FieldWriter starts with `label`, which says what the fields are and their format's version.
  explicit FieldWriter(std::string_view label);

  FieldWriter& Add(ByteView bytes);
  FieldWriter& Add(std::string_view text) { return Add(AsBytes(text)); }
  /// AddInteger writes a signed integer as 8 bytes, big-endian two's complement.
  FieldWriter& AddInteger(std::int64_t value);
  FieldWriter& AddByte(std::uint8_t value) { return Add(ByteView(&value, 1)); }
  FieldWriter& AddAbsent();

  template <class Tag>
  FieldWriter& Add(const Uuid<Tag>& id) {
    return AddUuid(id.bytes);
  }
  template <class Tag>
  FieldWriter& Add(const Name<Tag>& name) {
    return Add(std::string_view(name.text()));
  }
  /// Ids that are numbers enter as decimal text, like every id.
  FieldWriter& Add(KekId id) { return Add(std::string_view(ToText(id))); }
  FieldWriter& Add(RootId id) { return Add(std::string_view(ToText(id))); }
  FieldWriter& Add(SecretVersion version) { return AddInteger(version.value); }
  FieldWriter& Add(Revision revision) { return AddInteger(revision.value); }
  FieldWriter& Add(const std::optional<Timestamp>& time);

  /// bytes views what was written; it ends with the next change or this object.
  ByteView bytes() const noexcept { return {bytes_.data(), size_}; }
  Bytes Take() && noexcept;

 private:
  FieldWriter& AddUuid(std::span<const std::uint8_t, 16> bytes);
  std::uint8_t* Extend(std::size_t count);

  // Larger than what was written, because growing it for each field costs more than the cipher.
  Bytes bytes_;
  std::size_t size_ = 0;
};

}  // namespace rowseal
