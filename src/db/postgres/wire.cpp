#include "db/postgres/wire.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/encoding.h"
#include "db/postgres/array_encoding.h"
#include "db/postgres/type_ids.h"
#include "memory/wipe.h"
#include "store/value_limits.h"

namespace rowseal {
namespace {

constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

std::int64_t ReadBigEndian(const char* bytes, std::size_t size) {
  std::uint64_t value = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return static_cast<std::int64_t>(value);
}

std::string UuidOf(const char* bytes) {
  constexpr std::size_t kSize = 16;
  std::string text = ToHex(ByteView(reinterpret_cast<const std::uint8_t*>(bytes), kSize));
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) {
    text.insert(dash, "-");
  }
  return text;
}

Result<Value> ReadValue(const PGresult* result, int row, int column, Procedure procedure) {
  if (PQgetisnull(result, row, column) != 0) {
    return Null{};
  }
  const char* bytes = PQgetvalue(result, row, column);
  const auto size = static_cast<std::size_t>(PQgetlength(result, row, column));
  const std::size_t limit = LargestValue(procedure, PQftype(result, column) != kByteaType);
  if (size > limit) {
    return TooLarge(PQfname(result, column), size, limit);
  }
  switch (PQftype(result, column)) {
    case kInt8Type:
    case kInt4Type:
    case kInt2Type:
    case kBoolType:
      if (size == 0 || size > sizeof(std::int64_t)) {
        break;
      }
      return ReadBigEndian(bytes, size);
    case kTextType:
    case kVarcharType:
    case kNameType:
    case kCharType:
    case kUnknownType:
      return std::string(bytes, size);
    case kByteaType: {
      const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes);
      return Bytes(begin, begin + size);
    }
    case kUuidType:
      if (size != 16) {
        break;
      }
      return UuidOf(bytes);
    case kVoidType:
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
      AddBinary(kInt8Type, BigEndian(*integer));
    } else if (const auto* text = std::get_if<std::string>(&param)) {
      Add(0, text->c_str(), text->size(), kTextFormat);
    } else if (const auto* bytes = std::get_if<Bytes>(&param)) {
      const char* data = bytes->empty() ? "" : reinterpret_cast<const char*>(bytes->data());
      Add(kByteaType, data, bytes->size(), kBinaryFormat);
    } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&param)) {
      AddBinary(kInt8ArrayType, ArrayBytes(*integers));
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&param)) {
      AddBinary(kTextArrayType, ArrayBytes(*texts));
    } else if (const auto* blobs = std::get_if<std::vector<Bytes>>(&param)) {
      AddBinary(kByteaArrayType, ArrayBytes(*blobs));
    } else if (const auto* views = std::get_if<std::vector<ByteView>>(&param)) {
      AddBinary(kByteaArrayType, ArrayBytes(*views));
    } else {
      Add(0, nullptr, 0, kTextFormat);
    }
  }
}

void WireParams::AddBoolean(bool value) { Add(kBoolType, value ? "\1" : "\0", 1, kBinaryFormat); }

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

Result<Rows> ReadRows(const PGresult* result, Procedure procedure) {
  Rows rows;
  const int count = PQntuples(result);
  const int columns = PQnfields(result);
  rows.rows.reserve(static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) {
    Row& values = rows.rows.emplace_back();
    values.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      ROWSEAL_ASSIGN(Value value, ReadValue(result, row, column, procedure));
      values.push_back(std::move(value));
    }
  }
  const char* changed = PQcmdTuples(const_cast<PGresult*>(result));
  std::from_chars(changed, changed + std::strlen(changed), rows.changed);
  return rows;
}

void WipeRows(PGresult* result) noexcept {
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      Wipe({reinterpret_cast<std::uint8_t*>(PQgetvalue(result, row, column)),
            static_cast<std::size_t>(PQgetlength(result, row, column))});
    }
  }
}

}  // namespace rowseal
