#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include <rowseal/ids.h>
#include <rowseal/statement.h>

/// A struct that stands for columns of a table, or for what a procedure takes or gives, lists its
/// fields once:
///
///     constexpr auto FieldsOf(const KekRecord*) {
///       return std::tuple{Field("id", &KekRecord::id), Field("row_tag", &KekRecord::row_tag,
///                         kMacBytes), …};
///     }
///
/// From that list come the names in SQL, the parameters, and the reading of rows. What is read was
/// written by whoever can write the database: each field has a type, limits and a closed form, and
/// is compared with all three.

namespace rowseal {

/// Limits bound a number's value, or the size of a text or of bytes. Both ends belong to them.
struct Limits {
  std::int64_t least = 0;
  std::int64_t most = 0;
};
constexpr Limits Exactly(std::int64_t size) { return {size, size}; }

/// Counters and ids end where JavaScript still counts exactly (2^53 - 1), so that adding one to
/// what a database said never overflows.
inline constexpr std::int64_t kMostNumber = (std::int64_t{1} << 53U) - 1;
inline constexpr Limits kTimes{kSmallestStored, kLargestStored};
inline constexpr Limits kAnyText{0, 65'536};  // bytes

/// kNoValue stands for NULL in an array of numbers.
inline constexpr std::int64_t kNoValue = std::numeric_limits<std::int64_t>::min();

/// CellType is the type of a column or of a parameter.
enum class CellType : std::uint8_t { kInteger, kBoolean, kText, kUuid, kBytes };

/// Codec turns one value into what a store holds, and back. Read gives false for what no Write
/// gives.
template <class T>
struct Codec;

template <>
struct Codec<std::int64_t> {
  using Wire = std::int64_t;
  static constexpr CellType kType = CellType::kInteger;
  static constexpr Limits kLimits{0, kMostNumber};
  static bool Read(std::int64_t& cell, std::int64_t& value) {
    value = cell;
    return true;
  }
  static std::int64_t Write(std::int64_t value) { return value; }
};

template <>
struct Codec<bool> {
  using Wire = std::int64_t;
  static constexpr CellType kType = CellType::kBoolean;
  static constexpr Limits kLimits{0, 1};
  static bool Read(std::int64_t& cell, bool& value) {
    value = cell == 1;
    return true;
  }
  static std::int64_t Write(bool value) { return value ? 1 : 0; }
};

template <class Tag>
struct Codec<Number<Tag>> {
  using Wire = std::int64_t;
  static constexpr CellType kType = CellType::kInteger;
  static constexpr Limits kLimits{1, kMostNumber};
  static bool Read(std::int64_t& cell, Number<Tag>& value) {
    value.value = cell;
    return true;
  }
  static std::int64_t Write(Number<Tag> value) { return value.value; }
};

template <>
struct Codec<Timestamp> {
  using Wire = std::int64_t;
  static constexpr CellType kType = CellType::kInteger;
  static constexpr Limits kLimits = kTimes;
  static bool Read(std::int64_t& cell, Timestamp& value) {
    value = Timestamp(std::chrono::microseconds(cell));
    return true;
  }
  static std::int64_t Write(Timestamp value) { return value.time_since_epoch().count(); }
};

template <>
struct Codec<std::string> {
  using Wire = std::string;
  static constexpr CellType kType = CellType::kText;
  static constexpr Limits kLimits = kAnyText;
  static bool Read(std::string& cell, std::string& value);
  static std::string Write(const std::string& value) { return value; }
};

template <>
struct Codec<Bytes> {  // without limits: each field says its own
  using Wire = Bytes;
  static constexpr CellType kType = CellType::kBytes;
  static bool Read(Bytes& cell, Bytes& value) {
    value = std::move(cell);
    return true;
  }
  static ByteView Write(const Bytes& value) { return value; }
};

template <std::size_t kSize>
struct Codec<std::array<std::uint8_t, kSize>> {
  using Wire = Bytes;
  static constexpr CellType kType = CellType::kBytes;
  static constexpr Limits kLimits = Exactly(kSize);
  static bool Read(Bytes& cell, std::array<std::uint8_t, kSize>& value) {
    std::copy_n(cell.begin(), kSize, value.begin());
    return true;
  }
  static ByteView Write(const std::array<std::uint8_t, kSize>& value) { return value; }
};

/// TextCodec is the codec of a type that has ToText and a parser of its canonical form.
template <class T, auto kParse, CellType kCellType = CellType::kText>
struct TextCodec {
  using Wire = std::string;
  static constexpr CellType kType = kCellType;
  static constexpr Limits kLimits{1, 255};
  static bool Read(std::string& cell, T& value) {
    Result<T> parsed = kParse(cell);
    if (!parsed) {
      return false;
    }
    value = std::move(*parsed);
    return true;
  }
  static std::string Write(const T& value) { return std::string(ToText(value)); }
};

template <class Tag>
std::string ToText(const Name<Tag>& name) {
  return name.text();
}
template <class Tag>
struct Codec<Name<Tag>> : TextCodec<Name<Tag>, Name<Tag>::Parse> {};
template <class Tag>
struct Codec<Uuid<Tag>> : TextCodec<Uuid<Tag>, ParseUuid<Uuid<Tag>>, CellType::kUuid> {};
template <>
struct Codec<SecretKind> : TextCodec<SecretKind, ParseSecretKind> {};
template <>
struct Codec<ContextKind> : TextCodec<ContextKind, ParseContextKind> {};

/// Blank is what a record is before its fields are read. Names have no empty form.
template <class T>
T Blank() {
  return T{};
}
template <>
inline ProjectId Blank<ProjectId>() {
  static const ProjectId blank = *ProjectId::Parse("?");
  return blank;
}
template <>
inline SecretName Blank<SecretName>() {
  static const SecretName blank = *SecretName::Parse("?");
  return blank;
}
template <>
inline ColumnLabel Blank<ColumnLabel>() {
  static const ColumnLabel blank = *ColumnLabel::Parse("?");
  return blank;
}

template <class Record, class T>
struct FieldOf {
  const char* name;
  T Record::*member;
  Limits limits;
};

template <class T>
struct Optional : std::false_type {
  using Inner = T;
};
template <class T>
struct Optional<std::optional<T>> : std::true_type {
  using Inner = T;
};

/// Array tells a parameter with one element for each item; a text of several lines is one text.
template <class T>
struct Array : std::false_type {
  using Inner = T;
};
template <class T>
struct Array<std::vector<T>> : std::true_type {
  using Inner = T;
};
template <>
struct Array<Bytes> : std::false_type {
  using Inner = Bytes;
};
template <>
struct Array<std::vector<std::string>> : std::false_type {
  using Inner = std::vector<std::string>;
};

template <class T>
using InnerOf = typename Optional<typename Array<T>::Inner>::Inner;

template <class T>
concept HasFields = requires(const T* record) {
  FieldsOf(record);
};

template <class Record, class T>
constexpr FieldOf<Record, T> Field(const char* name, T Record::*member, Limits limits) {
  return {name, member, limits};
}
template <class Record, class T>
constexpr FieldOf<Record, T> Field(const char* name, T Record::*member) {
  return {name, member, Codec<InnerOf<T>>::kLimits};
}
/// Part is a record within a record: its fields stand here, in its order. An optional part that is
/// not there is NULL in every column; a vector of parts is an array for each of its fields.
template <class Record, class T>
constexpr FieldOf<Record, T> Part(T Record::*member) {
  static_assert(HasFields<InnerOf<T>>);
  return {"", member, {}};
}

/// CellInfo is a field without its record: what a column or a parameter is.
struct CellInfo {
  std::string_view name;
  CellType type = CellType::kText;
  bool is_array = false;
  bool is_nullable = false;  ///< by itself; an optional part is NULL as a whole
  Limits limits;
};

template <class Record, class Visit>
constexpr void ForEachCell(Visit&& visit, bool is_array = false) {
  const auto one = [&]<class T>(const FieldOf<Record, T>& field) {
    using Inner = InnerOf<T>;
    const bool array = is_array || Array<T>::value;
    if constexpr (HasFields<Inner>) {
      ForEachCell<Inner>(visit, array);
    } else {
      visit(CellInfo{field.name, Codec<Inner>::kType, array,
                     Optional<typename Array<T>::Inner>::value, field.limits});
    }
  };
  std::apply([&](const auto&... fields) { (one(fields), ...); },
             FieldsOf(static_cast<const Record*>(nullptr)));
}

template <class Record>
constexpr std::size_t CountCells() {
  std::size_t count = 0;
  ForEachCell<Record>([&](const CellInfo&) { ++count; });
  return count;
}
template <class Record>
inline constexpr std::size_t kCells = CountCells<Record>();

/// CellNamed gives the place of a field's column in a record's row.
template <class Record>
consteval std::size_t CellNamed(std::string_view name) {
  std::size_t at = 0;
  std::size_t found = kCells<Record>;
  ForEachCell<Record>([&](const CellInfo& cell) {
    found = cell.name == name ? at : found;
    ++at;
  });
  if (found == kCells<Record>) {
    throw "there is no such field";
  }
  return found;
}

// --- reading -------------------------------------------------------------------------------------

/// Defect says which field of a row is not what Rowseal writes, and why; no field: none is.
struct Defect {
  std::string_view field;
  std::string_view why;
  std::string row{};  ///< which one, where the record knows its id
  explicit operator bool() const noexcept { return !why.empty(); }
};

/// DefectError is kIntegrity and names the object, the field and the reason.
Error DefectError(const std::string& object, const Defect& defect);

constexpr std::int64_t Measure(std::int64_t number) { return number; }
template <class Sized>
std::int64_t Measure(const Sized& sized) {
  return static_cast<std::int64_t>(sized.size());
}

/// NextCell takes a row's next column. Another kind of row may go by the type that is wanted.
inline Value* NextCell(RowReader& row, CellType /*wanted*/) { return row.Next(); }

template <class T>
Defect ReadCell(Value* cell, const char* name, const Limits& limits, T& value) {
  using Wire = typename Codec<T>::Wire;
  if (cell == nullptr) {
    return {name, "is missing"};
  }
  auto* const wire = std::get_if<Wire>(cell);
  if (wire == nullptr) {
    return {name, std::holds_alternative<Null>(*cell) ? "is NULL" : "is of another type"};
  }
  const std::int64_t measured = Measure(*wire);
  if (measured < limits.least || measured > limits.most) {
    return {name, std::is_same_v<Wire, std::int64_t> ? "is out of range" : "has a wrong size"};
  }
  if (!Codec<T>::Read(*wire, value)) {
    return {name, "is nothing that Rowseal writes"};
  }
  return {};
}

/// NameOfRow names the row that a record came from, for messages; records with an id of their own
/// have an overload.
template <class Record>
std::string NameOfRow(const Record& /*record*/) {
  return {};
}

template <class Source, class Record>
Defect ReadFields(Source& source, Record& record);

template <class Source, class Record, class T>
Defect ReadField(Source& source, Record& record, const FieldOf<Record, T>& field) {
  using Inner = typename Optional<T>::Inner;
  if constexpr (Optional<T>::value && HasFields<Inner>) {
    if (source.NextAreNull(kCells<Inner>)) {
      source.Skip(kCells<Inner>);
      return {};
    }
    return ReadFields(source, (record.*field.member).emplace(Blank<Inner>()));
  } else if constexpr (HasFields<Inner>) {
    return ReadFields(source, record.*field.member);
  } else {
    Value* const cell = NextCell(source, Codec<Inner>::kType);
    if constexpr (Optional<T>::value) {
      if (cell != nullptr && std::holds_alternative<Null>(*cell)) {
        return {};
      }
      return ReadCell(cell, field.name, field.limits,
                      (record.*field.member).emplace(Blank<Inner>()));
    } else {
      return ReadCell(cell, field.name, field.limits, record.*field.member);
    }
  }
}

/// ReadFields reads a record's fields from the next columns, up to the first defect.
template <class Source, class Record>
Defect ReadFields(Source& source, Record& record) {
  Defect defect;
  std::apply(
      [&](const auto&... fields) {
        static_cast<void>(((defect = ReadField(source, record, fields), !defect) && ...));
      },
      FieldsOf(static_cast<const Record*>(nullptr)));
  if (defect && defect.row.empty()) {
    defect.row = NameOfRow(record);
  }
  return defect;
}

/// ReadWholeRow reads a record that is a whole row: no column is left over.
template <class Record>
Defect ReadWholeRow(Row& row, Record& record) {
  RowReader reader(row);
  const Defect defect = ReadFields(reader, record);
  return defect || reader.left() == 0 ? defect
                                      : Defect{"row", "has more columns than were asked for"};
}

// --- writing -------------------------------------------------------------------------------------

template <class T>
Param ScalarParam(const T& value) {
  if constexpr (Optional<T>::value) {
    return value ? ScalarParam(*value) : Param(Null{});
  } else if constexpr (std::is_same_v<typename Codec<T>::Wire, Bytes>) {
    const ByteView bytes = Codec<T>::Write(value);
    return Bytes(bytes.begin(), bytes.end());
  } else {
    return Codec<T>::Write(value);
  }
}

/// ArrayParam makes one parameter of what `of` gives for each item. Bytes stay where the item has
/// them: ciphertext is not copied.
template <class T, class Items, class Of>
Param ArrayParam(const Items& items, Of of) {
  using Inner = typename Optional<T>::Inner;
  using Wire = typename Codec<Inner>::Wire;
  std::vector<std::conditional_t<std::is_same_v<Wire, Bytes>, ByteView, Wire>> array;
  array.reserve(items.size());
  for (const auto& item : items) {
    const T& value = of(item);
    if constexpr (Optional<T>::value) {
      static_assert(std::is_same_v<Wire, std::int64_t>, "only an array of numbers can have NULLs");
      array.push_back(value ? Codec<Inner>::Write(*value) : kNoValue);
    } else {
      array.push_back(Codec<T>::Write(value));
    }
  }
  return array;
}

template <class Record>
void AppendParams(const Record& record, std::vector<Param>& params);

template <class Record, class T>
void AppendField(const Record& record, const FieldOf<Record, T>& field,
                 std::vector<Param>& params) {
  const T& value = record.*field.member;
  using Inner = InnerOf<T>;
  if constexpr (Array<T>::value && HasFields<Inner>) {
    const auto array = [&]<class Of>(const FieldOf<Inner, Of>& of) {
      params.push_back(
          ArrayParam<Of>(value, [&](const Inner& item) -> const Of& { return item.*of.member; }));
    };
    std::apply([&](const auto&... fields) { (array(fields), ...); },
               FieldsOf(static_cast<const Inner*>(nullptr)));
  } else if constexpr (Array<T>::value) {
    params.push_back(
        ArrayParam<Inner>(value, [](const Inner& item) -> const Inner& { return item; }));
  } else if constexpr (Optional<T>::value && HasFields<Inner>) {
    if (value) {
      AppendParams(*value, params);
    } else {
      params.resize(params.size() + kCells<Inner>);
    }
  } else if constexpr (HasFields<Inner>) {
    AppendParams(value, params);
  } else {
    params.push_back(ScalarParam(value));
  }
}

/// AppendParams adds a record's fields in their order, as parameters for $1, $2, …
template <class Record>
void AppendParams(const Record& record, std::vector<Param>& params) {
  std::apply([&](const auto&... fields) { (AppendField(record, fields, params), ...); },
             FieldsOf(static_cast<const Record*>(nullptr)));
}

template <class Record>
std::vector<Param> ParamsOf(const Record& record) {
  std::vector<Param> params;
  params.reserve(kCells<Record>);
  AppendParams(record, params);
  return params;
}

/// ColumnNames lists a record's columns for SQL, each after `alias` (`d.` or nothing).
template <class Record>
std::string ColumnNames(std::string_view alias = {}) {
  std::string names;
  ForEachCell<Record>([&](const CellInfo& cell) {
    names.append(names.empty() ? "" : ", ").append(alias).append(cell.name);
  });
  return names;
}

/// BoundedNames lists them for reading: texts and bytes are cut to one more than their limit, so
/// that nothing sends or copies a whole huge one, and what was cut is refused by its size.
template <class Record>
std::string BoundedNames(std::string_view alias = {}) {
  std::string names;
  ForEachCell<Record>([&](const CellInfo& cell) {
    const bool is_cut = cell.type == CellType::kText || cell.type == CellType::kBytes;
    names.append(names.empty() ? "" : ", ").append(is_cut ? "substr(" : "").append(alias);
    names.append(cell.name);
    names.append(is_cut ? ", 1, " + std::to_string(cell.limits.most + 1) + ")" : "");
  });
  return names;
}

/// Places is `$first, …` for a record's columns.
template <class Record>
std::string Places(std::size_t first = 1) {
  std::string places;
  for (std::size_t i = 0; i < kCells<Record>; ++i) {
    places += (i == 0 ? "$" : ", $") + std::to_string(first + i);
  }
  return places;
}

}  // namespace rowseal
