#include "migration/json_path.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "migration/json_text.h"
#include "migration/text_cursor.h"

namespace rowseal {
namespace {

constexpr int kMaxPathDepth = 200;
constexpr std::string_view kDigits = "0123456789";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameFirst(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsNameChar(char c) { return IsNameFirst(c) || IsDigit(c); }

std::string_view TakeWhile(TextCursor& cursor, bool (*fits)(char)) {
  const std::size_t from = cursor.position();
  while (!cursor.AtEnd() && fits(cursor.Peek())) {
    cursor.Advance();
  }
  return cursor.Since(from);
}

// A name in single quotes is one in double quotes but for the quotes that are escaped (RFC 9535,
// section 2.3.1.1).
Result<std::string> TakeQuotedName(TextCursor& cursor) {
  if (cursor.Sees("\"")) {
    ROWSEAL_ASSIGN(const SecretBytes name, TakeJsonString(cursor));
    return std::string(AsText(name.Reveal()));
  }
  std::string quoted = "\"";
  cursor.Advance();
  while (!cursor.AtEnd() && cursor.Peek() != '\'') {
    if (cursor.Skip("\\'")) {
      quoted += '\'';
      continue;
    }
    const bool is_pair = cursor.Peek() == '\\' && cursor.Rest().size() > 1;
    quoted += cursor.Peek() == '"' ? "\\\"" : std::string(cursor.Rest().substr(0, is_pair ? 2 : 1));
    cursor.Advance(is_pair ? 2 : 1);
  }
  if (!cursor.Skip("'")) {
    return cursor.Refuse("a name is never closed");
  }
  quoted += '"';
  TextCursor whole(AsBytes(quoted));
  ROWSEAL_ASSIGN(const SecretBytes name, TakeJsonString(whole));
  return whole.AtEnd() ? Result<std::string>(std::string(AsText(name.Reveal())))
                       : Result<std::string>(cursor.Refuse("a name holds a quote"));
}

std::optional<JsonStep> TakeIndex(TextCursor& cursor) {
  const bool negative = cursor.Skip("-");
  const std::string_view digits = TakeWhile(cursor, IsDigit);
  const bool is_canonical = !digits.empty() && digits.size() <= 15 &&
                            (digits.front() != '0' || (digits.size() == 1 && !negative));
  if (!is_canonical) {
    return std::nullopt;
  }
  JsonStep step{JsonStep::Kind::kIndex, {}, 0};
  std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
  step.index = negative ? -step.index : step.index;
  return step;
}

// Reads `[…]` behind its bracket, or a name or `*` behind a dot.
std::optional<JsonStep> TakeStep(TextCursor& cursor) {
  if (cursor.Skip(".")) {
    if (cursor.Skip("*")) {
      return JsonStep{};
    }
    const bool is_name = IsNameFirst(cursor.Peek());
    std::string name(TakeWhile(cursor, IsNameChar));
    return is_name ? std::optional(JsonStep{JsonStep::Kind::kName, std::move(name), 0})
                   : std::nullopt;
  }
  if (!cursor.Skip("[")) {
    return std::nullopt;
  }
  std::optional<JsonStep> step;
  if (cursor.Skip("*")) {
    step = JsonStep{};
  } else if (cursor.Sees("'") || cursor.Sees("\"")) {
    if (Result<std::string> name = TakeQuotedName(cursor)) {
      step = JsonStep{JsonStep::Kind::kName, std::move(*name), 0};
    }
  } else {
    step = TakeIndex(cursor);
  }
  return cursor.Skip("]") ? step : std::nullopt;
}

std::string NameStep(const std::string& name) {
  const bool is_plain =
      !name.empty() && IsNameFirst(name.front()) && std::ranges::all_of(name, IsNameChar);
  return is_plain ? "." + name : "[" + JsonQuoted(name) + "]";
}

// Walks a document, and keeps the strings at the path.
class Finder {
 public:
  Finder(std::string_view document, const JsonPath& path)
      : cursor_(AsBytes(document)), path_(path) {}

  Result<void> Find() {
    cursor_.SkipAnyOf(kJsonSpaces);
    ROWSEAL_TRY(Walk(0, 0, true, "$"));
    cursor_.SkipAnyOf(kJsonSpaces);
    return cursor_.AtEnd() ? Result<void>() : cursor_.Refuse("something stands behind the value");
  }
  std::vector<JsonString> found() && { return std::move(found_); }

 private:
  // `step` of the path leads on from here; `on_path` is false beside it.
  Result<void> Walk(std::size_t step, int depth, bool on_path, const std::string& place) {
    if (depth > kMaxPathDepth) {
      return cursor_.Refuse("objects and arrays are nested too deep");
    }
    const std::size_t from = cursor_.position();
    if (cursor_.Sees("\"")) {
      ROWSEAL_ASSIGN(SecretBytes text, TakeJsonString(cursor_));
      if (on_path && step == path_.size()) {
        found_.push_back({from, cursor_.position() - from, std::move(text), place});
      }
      return {};
    }
    if (cursor_.Sees("{")) {
      return WalkObject(step, depth, on_path, place);
    }
    if (cursor_.Sees("[")) {
      return WalkArray(step, depth, on_path, place);
    }
    const bool is_word = cursor_.Skip("true") || cursor_.Skip("false") || cursor_.Skip("null");
    return is_word || SkipNumber() ? Result<void>() : cursor_.Refuse("expected a value");
  }

  bool SkipNumber() {
    cursor_.Skip("-");
    if (!cursor_.Skip("0") && !cursor_.SkipAnyOf(kDigits)) {
      return false;
    }
    if (cursor_.Skip(".") && !cursor_.SkipAnyOf(kDigits)) {
      return false;
    }
    if (cursor_.Skip("e") || cursor_.Skip("E")) {
      if (!cursor_.Skip("+")) {
        cursor_.Skip("-");
      }
      return cursor_.SkipAnyOf(kDigits);
    }
    return true;
  }

  const JsonStep* NextStep(std::size_t step, bool on_path) const {
    return on_path && step < path_.size() ? &path_[step] : nullptr;
  }

  Result<void> WalkObject(std::size_t step, int depth, bool on_path, const std::string& place) {
    const JsonStep* const next = NextStep(step, on_path);
    return TakeJsonObject(cursor_, [&](std::string_view name) {
      const bool leads =
          next != nullptr && (next->kind == JsonStep::Kind::kEach ||
                              (next->kind == JsonStep::Kind::kName && next->name == name));
      return Walk(step + 1, depth + 1, leads, leads ? place + NameStep(std::string(name)) : place);
    });
  }

  Result<void> WalkArray(std::size_t step, int depth, bool on_path, const std::string& place) {
    const JsonStep* const next = NextStep(step, on_path);
    std::int64_t wanted = -1;
    if (next != nullptr && next->kind == JsonStep::Kind::kIndex) {
      wanted = next->index;
      if (wanted < 0) {
        ROWSEAL_ASSIGN(const std::int64_t count, CountAhead(depth));
        wanted += count;
      }
    }
    std::int64_t index = 0;
    return TakeJsonArray(cursor_, [&] {
      const bool leads =
          next != nullptr && (next->kind == JsonStep::Kind::kEach ||
                              (next->kind == JsonStep::Kind::kIndex && index == wanted));
      const std::string item = leads ? place + "[" + std::to_string(index) + "]" : place;
      ++index;
      return Walk(step + 1, depth + 1, leads, item);
    });
  }

  // The number of elements of the array that begins here; an index from the end needs it.
  Result<std::int64_t> CountAhead(int depth) {
    const TextCursor here = cursor_;
    std::int64_t count = 0;
    ROWSEAL_TRY(TakeJsonArray(cursor_, [&] {
      ++count;
      return Walk(0, depth + 1, false, {});
    }));
    cursor_ = here;
    return count;
  }

  TextCursor cursor_;
  const JsonPath& path_;
  std::vector<JsonString> found_;
};

}  // namespace

Result<JsonPath> ParseJsonPath(std::string_view text) {
  TextCursor cursor(AsBytes(text));
  const auto refuse = [&] {
    return Fail(ErrorCode::kInvalidArgument,
                "the path '" + Printable(text) + "' is not understood at byte " +
                    std::to_string(cursor.position() + 1),
                "write it as $.member[0]['other member'][*]; filters, slices and .. are not read");
  };
  if (!IsUtf8(text) || !cursor.Skip("$")) {
    return refuse();
  }
  JsonPath path;
  while (!cursor.AtEnd()) {
    std::optional<JsonStep> step = TakeStep(cursor);
    if (!step) {
      return refuse();
    }
    path.push_back(std::move(*step));
  }
  return path;
}

std::string ToText(const JsonPath& path) {
  std::string text = "$";
  for (const JsonStep& step : path) {
    switch (step.kind) {
      case JsonStep::Kind::kEach:
        text += "[*]";
        break;
      case JsonStep::Kind::kIndex:
        text += "[" + std::to_string(step.index) + "]";
        break;
      case JsonStep::Kind::kName:
        text += NameStep(step.name);
        break;
    }
  }
  return text;
}

Result<std::vector<JsonString>> FindJsonStrings(std::string_view document, const JsonPath& path) {
  Finder finder(document, path);
  if (!IsUtf8(document)) {
    return Fail(ErrorCode::kInvalidArgument, "the content is not UTF-8, so it is no JSON");
  }
  if (const Result<void> found = finder.Find(); !found) {
    if (found.error().code != ErrorCode::kInvalidArgument) {
      return tl::unexpected(found.error());
    }
    return Fail(ErrorCode::kInvalidArgument, "the content is not JSON: " + found.error().message);
  }
  return std::move(finder).found();
}

std::string JsonQuoted(std::string_view text) {
  std::string out;
  static_cast<void>(QuoteJson(text, [&](std::string_view piece) {
    out += piece;
    return Result<void>();
  }));
  return out;
}

}  // namespace rowseal
