#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

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
  FieldWriter(FieldWriter&& other) noexcept;
  FieldWriter& operator=(FieldWriter&&) = delete;
  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;
  ~FieldWriter() = default;

  FieldWriter& Add(ByteView bytes) {
    std::uint8_t* const place = AddSpace(bytes.size());
    if (!bytes.empty()) {
      std::memcpy(place, bytes.data(), bytes.size());
    }
    return *this;
  }
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
  ByteView bytes() const noexcept { return {start(), size_}; }
  /// Take copies what was written.
  Bytes Take() const { return {start(), start() + size_}; }

 private:
  static constexpr std::size_t kUsualSize = 320;  // bytes; most contexts fit
  static constexpr std::uint32_t kAbsent = 0xFFFFFFFF;

  FieldWriter& AddUuid(std::span<const std::uint8_t, 16> bytes);
  const std::uint8_t* start() const noexcept {
    return long_.empty() ? usual_.data() : long_.data();
  }

  // Gives the place of the next `count` bytes.
  std::uint8_t* Extend(std::size_t count) {
    const std::size_t place = std::exchange(size_, size_ + count);
    return size_ <= kUsualSize ? usual_.data() + place : ExtendLong(place);
  }
  std::uint8_t* ExtendLong(std::size_t place);

  // Writes a field's length and gives the place behind it, of `count` bytes.
  std::uint8_t* AddLength(std::uint32_t length, std::size_t count) {
    if constexpr (std::endian::native == std::endian::little) {
      length = __builtin_bswap32(length);
    }
    std::uint8_t* const place = Extend(sizeof(length) + count);
    std::memcpy(place, &length, sizeof(length));
    return place + sizeof(length);
  }
  std::uint8_t* AddSpace(std::size_t size) {
    assert(size < kAbsent);
    return AddLength(static_cast<std::uint32_t>(size), size);
  }

  // Written in place: an allocation and a growth for each field would cost as much as the cipher.
  std::array<std::uint8_t, kUsualSize> usual_;
  Bytes long_;  // holds all once there are more than kUsualSize bytes
  std::size_t size_ = 0;
};

}  // namespace rowseal
