#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <napi.h>

#include <rowseal/rowseal.h>

namespace rowseal::node {

/// PackedValues are values end to end in one piece of JavaScript's memory, which nothing else
/// holds: what the app does with its own buffers meanwhile changes nothing. Made and destroyed on
/// the event loop; destroying wipes that memory, also where the values were never unpacked.
class PackedValues final {
 public:
  /// From `{bytes: Uint8Array, ends: number[]}`. Throws where an end is not in `bytes`.
  static std::shared_ptr<PackedValues> Of(const Napi::Value& packed);
  PackedValues() = default;
  PackedValues(const PackedValues&) = delete;
  PackedValues& operator=(const PackedValues&) = delete;
  ~PackedValues() { Wipe(); }

  std::size_t count() const noexcept { return ends_.size(); }
  std::size_t size() const noexcept { return size_; }

  /// Unpack moves the values to guarded memory and wipes JavaScript's; any thread. Errors:
  /// kResourceExhausted.
  Result<std::vector<SecretBytes>> Unpack();
  /// UnpackOnly does so with one value.
  Result<SecretBytes> UnpackOnly();

 private:
  void Wipe() noexcept;

  Napi::Reference<Napi::Uint8Array> kept_;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::vector<std::size_t> ends_;
};

/// PutFields are the items of a put but for their values: `{names, kinds, expires, createOnly}`,
/// each an array with one place an item.
struct PutFields {
  std::vector<std::string> names;
  std::vector<std::string> kinds;  // empty: none was given
  std::vector<std::optional<Timestamp>> expires;
  std::vector<bool> create_only;

  static PutFields Of(const Napi::Value& value);
  /// Join adds the values. Errors: kInvalidArgument.
  Result<std::vector<OwnedPutItem>> Join(std::vector<SecretBytes> values) const;
};

/// SecretNames are an array of names and one of versions, where null stands for the newest.
struct SecretNames {
  std::vector<std::string> names;
  std::vector<std::optional<std::int64_t>> versions;

  static SecretNames Of(const Napi::Value& names, const Napi::Value& versions);
  /// Errors: kInvalidArgument.
  Result<std::vector<SecretRef>> Refs() const;
};

/// RowKeysOf reads an array of row keys, each an array of texts.
std::vector<std::vector<std::string>> RowKeysOf(const Napi::Value& value);

/// CheckSameCount throws unless both lists of a call have a place for each item: JavaScript has
/// made them of one list, and reading past one would seal what lies after it in memory.
void CheckSameCount(Napi::Env env, std::size_t one, std::size_t other);

WebhookScheme SchemeOf(const Napi::Value& value);

}  // namespace rowseal::node
