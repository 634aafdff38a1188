#include "db/postgres/wire.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/encoding.h"

namespace rowseal {
namespace {

// Types of the server's catalogue (pg_type.dat); their numbers never change.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kChar = 18;
constexpr Oid kName = 19;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kUnknown = 705;
constexpr Oid kByteaArray = 1001;
constexpr Oid kTextArray = 1009;
constexpr Oid kInt8Array = 1016;
constexpr Oid kVarchar = 1043;
constexpr Oid kVoid = 2278;
constexpr Oid kUuid = 2950;

constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

template <class Integer>
void AppendBigEndian(std::string& out, Integer value) {
  for (int shift = static_cast<int>(sizeof(Integer)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xFFU));
  }
}

std::int64_t ReadBigEndian(const char* bytes, std::size_t size) {
  std::uint64_t value = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return static_cast<std::int64_t>(value);
}

std::string Element(std::int64_t value) {
  std::string bytes;
  AppendBigEndian(bytes, value);
  return bytes;
}
std::string_view Element(const std::string& value) { return value; }
std::string_view Element(const Bytes& value) { return AsText(value); }

// A one-dimensional array as array_recv reads it. NULL stands where `is_null` says so.
template <class T, class IsNull>
std::string ArrayBytes(const std::vector<T>& items, Oid type, IsNull is_null) {
  std::string bytes;
  const bool any_null = std::any_of(items.begin(), items.end(), is_null);
  AppendBigEndian(bytes, std::int32_t{items.empty() ? 0 : 1});  // dimensions
  AppendBigEndian(bytes, std::int32_t{any_null ? 1 : 0});
  AppendBigEndian(bytes, static_cast<std::uint32_t>(type));
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

std::string UuidOf(const char* bytes) {
  constexpr std::size_t kSize = 16;
  std::string text = ToHex(ByteView(reinterpret_cast<const std::uint8_t*>(bytes), kSize));
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) {
    text.insert(dash, "-");
  }
  return text;
}

Result<Value> ReadValue(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column) != 0) {
    return Null{};
  }
  const char* bytes = PQgetvalue(result, row, column);
  const auto size = static_cast<std::size_t>(PQgetlength(result, row, column));
  switch (PQftype(result, column)) {
    case kInt8:
    case kInt4:
    case kInt2:
    case kBool:
      if (size == 0 || size > sizeof(std::int64_t)) {
        break;
      }
      return ReadBigEndian(bytes, size);
    case kText:
    case kVarchar:
    case kName:
    case kChar:
    case kUnknown:
      return std::string(bytes, size);
    case kBytea: {
      const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes);
      return Bytes(begin, begin + size);
    }
    case kUuid:
      if (size != 16) {
        break;
      }
      return UuidOf(bytes);
    case kVoid:
      return Null{};
    default:
      break;
  }
  return Fail(ErrorCode::kInternal, "the store answered with a column of type " +
                                        std::to_string(PQftype(result, column)) +
                                        ", which Rowseal does not read");
}

}  // namespace

WireParams::WireParams(const std::vector<Param>& params) {
  owned_.reserve(params.size());
  for (const Param& param : params) {
    if (const auto* integer = std::get_if<std::int64_t>(&param)) {
      AddBinary(kInt8, Element(*integer));
    } else if (const auto* text = std::get_if<std::string>(&param)) {
      Add(0, text->c_str(), text->size(), kTextFormat);
    } else if (const auto* bytes = std::get_if<Bytes>(&param)) {
      const char* data = bytes->empty() ? "" : reinterpret_cast<const char*>(bytes->data());
      Add(kBytea, data, bytes->size(), kBinaryFormat);
    } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&param)) {
      // The smallest number stands for NULL (kNoExpiry).
      AddBinary(kInt8Array, ArrayBytes(*integers, kInt8, [](std::int64_t item) {
                  return item == std::numeric_limits<std::int64_t>::min();
                }));
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&param)) {
      AddBinary(kTextArray, ArrayBytes(*texts, kText, [](const std::string&) { return false; }));
    } else if (const auto* blobs = std::get_if<std::vector<Bytes>>(&param)) {
      AddBinary(kByteaArray, ArrayBytes(*blobs, kBytea, [](const Bytes&) { return false; }));
    } else {
      Add(0, nullptr, 0, kTextFormat);
    }
  }
}

void WireParams::AddBoolean(bool value) { Add(kBool, value ? "\1" : "\0", 1, kBinaryFormat); }

void WireParams::AddBinary(Oid type, std::string bytes) {
  owned_.push_back(std::move(bytes));
  Add(type, owned_.back().data(), owned_.back().size(), kBinaryFormat);
}

void WireParams::Add(Oid type, const char* value, std::size_t size, int format) {
  types_.push_back(type);
  values_.push_back(value);
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(format);
}

Result<Rows> ReadRows(const PGresult* result) {
  Rows rows;
  const int count = PQntuples(result);
  const int columns = PQnfields(result);
  rows.rows.reserve(static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) {
    Row& values = rows.rows.emplace_back();
    values.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      ROWSEAL_ASSIGN(Value value, ReadValue(result, row, column));
      values.push_back(std::move(value));
    }
  }
  const char* changed = PQcmdTuples(const_cast<PGresult*>(result));
  std::from_chars(changed, changed + std::strlen(changed), rows.changed);
  return rows;
}

}  // namespace rowseal
