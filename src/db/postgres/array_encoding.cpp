#include "db/postgres/array_encoding.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "db/postgres/type_ids.h"

namespace rowseal {
namespace {

template <class Integer>
void AppendBigEndian(std::string& out, Integer value) {
  for (int shift = static_cast<int>(sizeof(Integer)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xFFU));
  }
}

std::string Element(std::int64_t value) { return BigEndian(value); }
std::string_view Element(const std::string& value) { return value; }
std::string_view Element(ByteView value) { return AsText(value); }

// A one-dimensional array as array_recv reads it. NULL stands where `is_null` says so.
template <class T, class IsNull>
std::string MakeArray(const std::vector<T>& items, TypeId type, IsNull is_null) {
  std::string bytes;
  const bool any_null = std::any_of(items.begin(), items.end(), is_null);
  AppendBigEndian(bytes, std::int32_t{items.empty() ? 0 : 1});  // dimensions
  AppendBigEndian(bytes, std::int32_t{any_null ? 1 : 0});
  AppendBigEndian(bytes, type);
  if (!items.empty()) {
    AppendBigEndian(bytes, static_cast<std::int32_t>(items.size()));
    AppendBigEndian(bytes, std::int32_t{1});  // the first index
  }
  for (const T& item : items) {
    if (is_null(item)) {
      AppendBigEndian(bytes, std::int32_t{-1});
      continue;
    }
    const auto element = Element(item);
    AppendBigEndian(bytes, static_cast<std::int32_t>(element.size()));
    bytes += element;
  }
  return bytes;
}

}  // namespace

std::string BigEndian(std::int64_t value) {
  std::string bytes;
  AppendBigEndian(bytes, value);
  return bytes;
}

std::string ArrayBytes(const std::vector<std::int64_t>& items) {
  return MakeArray(items, kInt8Type, [](std::int64_t item) {
    return item == std::numeric_limits<std::int64_t>::min();
  });
}

std::string ArrayBytes(const std::vector<std::string>& items) {
  return MakeArray(items, kTextType, [](const std::string&) { return false; });
}

std::string ArrayBytes(const std::vector<ByteView>& items) {
  return MakeArray(items, kByteaType, [](ByteView) { return false; });
}

std::string ArrayBytes(const std::vector<Bytes>& items) {
  return MakeArray(items, kByteaType, [](const Bytes&) { return false; });
}

}  // namespace rowseal
