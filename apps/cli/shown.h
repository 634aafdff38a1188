#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <rowseal/fields.h>
#include <rowseal/listing.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "output.h"
#include "program.h"

namespace rowseal::cli {

/// How values are shown, by their types: as --json and as a table's cells. The names of fields come
/// from Describe (rowseal/fields.h).

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
concept HasToText = requires(const T& value) {
  ToText(value);
};

template <class T>
Json JsonOf(const T& value) {
  if constexpr (kIsOptional<T>) {
    return value ? JsonOf(*value) : Json(nullptr);
  } else if constexpr (Described<T>) {
    Json object = Json::object();
    Describe(value, [&](std::string_view name, const auto& member) {
      object[std::string(name)] = JsonOf(member);
    });
    return object;
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    return ToRfc3339(value);
  } else if constexpr (std::is_convertible_v<T, std::string_view> || std::is_arithmetic_v<T> ||
                       std::is_null_pointer_v<T>) {
    return value;
  } else if constexpr (requires { value.text(); }) {
    return value.text();
  } else if constexpr (requires { value.value; }) {  // a Number: ids and versions are numbers
    return value.value;
  } else if constexpr (HasToText<T>) {
    return ToText(value);
  } else {
    Json list = Json::array();
    for (const auto& item : value) {
      list.push_back(JsonOf(item));
    }
    return list;
  }
}

template <class T>
std::string CellOf(const T& value) {
  if constexpr (kIsOptional<T>) {
    return value ? CellOf(*value) : "-";
  } else if constexpr (std::is_null_pointer_v<T>) {
    return "-";
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    return ToRfc3339(value);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return Printable(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "yes" : "no";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (requires { value.text(); }) {
    return value.text();
  } else if constexpr (HasToText<T>) {
    return std::string(ToText(value));
  } else {
    return "";  // lists and objects have no cell
  }
}

/// ListText puts values behind each other: `1, 2`.
template <class Values>
std::string ListText(const Values& values) {
  return Join(values, ", ", [](const auto& value) { return CellOf(value); });
}

/// Column is a table's column: a described field, or what a function makes of a row.
template <class T>
struct Column {
  std::string header;
  std::function<std::string(const T&)> cell;

  Column(std::string column, std::string_view field) : header(std::move(column)) {
    cell = [field](const T& row) {
      std::string text;
      Describe(row, [&](std::string_view name, const auto& member) {
        if (name == field) {
          text = CellOf(member);
        }
      });
      return text;
    };
  }
  Column(std::string column, std::function<std::string(const T&)> made)
      : header(std::move(column)), cell(std::move(made)) {}
};

/// Show writes `json` where --json asks for it, and else `text` (nothing where the exit status says
/// enough), and gives the exit status 0.
inline Result<int> Show(const Program& program, const Json& json, std::string_view text = {}) {
  ROWSEAL_TRY(program.json() ? PrintJson(json) : PrintText(text));
  return 0;
}

/// ListJson is `{"<member>": [...]}`, with the rows that cannot be read where there are some.
template <class T>
Json ListJson(std::string_view member, const Listing<T>& items) {
  Json json = {{std::string(member), JsonOf(items.rows())}};
  if (!items.unreadable.empty()) {
    json["unreadable"] = JsonOf(items.unreadable);
  }
  return json;
}

/// ShowList writes that or a table, and names the rows that cannot be read. Errors: kPartial, where
/// there are some.
template <class T>
Result<int> ShowList(const Program& program, std::string_view member, const Listing<T>& items,
                     const std::vector<std::type_identity_t<Column<T>>>& columns) {
  if (program.json()) {
    ROWSEAL_TRY(PrintJson(ListJson(member, items)));
    return EndOfList(items.unreadable);
  }
  std::vector<std::string> header;
  for (const Column<T>& column : columns) {
    header.push_back(column.header);
  }
  std::vector<std::vector<std::string>> rows;
  for (const T& item : items) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column<T>& column : columns) {
      row.push_back(column.cell(item));
    }
  }
  ROWSEAL_TRY(PrintText(Table(header, rows)));
  return EndOfList(items.unreadable);
}

template <class T>
Result<int> ShowList(const Program& program, std::string_view member, const std::vector<T>& items,
                     const std::vector<std::type_identity_t<Column<T>>>& columns) {
  return ShowList(program, member, Listing<T>(items), columns);
}

/// ReadAllPages calls `read(last)` for page after page, with the last item so far, or nothing.
template <class T, class Read>
Result<Listing<T>> ReadAllPages(std::int64_t page_size, Read read) {
  Listing<T> all;
  for (;;) {
    ROWSEAL_ASSIGN(Listing<T> page, read(all.empty() ? nullptr : &all.back()));
    const bool is_last = page.size() < static_cast<std::size_t>(page_size);
    all.Append(std::move(page));
    if (is_last) {
      return all;
    }
  }
}

}  // namespace rowseal::cli
