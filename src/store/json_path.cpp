#include "store/json_path.h"

#include <charconv>
#include <optional>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr int kMaxDepth = 200;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameFirst(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

void AppendUtf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Reads JSON's tokens, and the strings of paths, which are written alike.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool Take(char c) {
    if (AtEnd() || text_[at_] != c) {
      return false;
    }
    ++at_;
    return true;
  }
  void SkipSpace() {
    while (!AtEnd() && (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r')) {
      ++at_;
    }
  }

  // Behind the opening quote, up to and with the closing one. In a path's single quotes `\'` stands
  // for a quote.
  std::optional<std::string> TakeString(char quote) {
    std::string out;
    while (!AtEnd()) {
      const char c = text_[at_++];
      if (c == quote) {
        return IsUtf8(out) ? std::optional(std::move(out)) : std::nullopt;
      }
      if (static_cast<unsigned char>(c) < 0x20) {
        return std::nullopt;
      }
      if (c != '\\') {
        out += c;
      } else if (!TakeEscape(out, quote)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  bool SkipNumber() {
    Take('-');
    if (!Take('0') && !SkipDigits()) {
      return false;
    }
    if (Take('.') && !SkipDigits()) {
      return false;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      ++at_;
      if (!Take('+')) {
        Take('-');
      }
      return SkipDigits();
    }
    return true;
  }

  bool TakeWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) {
      return false;
    }
    at_ += word.size();
    return true;
  }

  std::string_view TakeWhile(bool (*fits)(char)) {
    const std::size_t from = at_;
    while (!AtEnd() && fits(text_[at_])) {
      ++at_;
    }
    return text_.substr(from, at_ - from);
  }

 private:
  bool SkipDigits() { return !TakeWhile(IsDigit).empty(); }

  std::optional<std::uint32_t> TakeHex() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (error != std::errc{} || digits.size() != 4 || end != digits.data() + 4) {
      return std::nullopt;
    }
    at_ += 4;
    return code;
  }

  bool TakeEscape(std::string& out, char quote) {
    if (AtEnd()) {
      return false;
    }
    const char c = text_[at_++];
    switch (c) {
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        return TakeUnicode(out);
      default:
        if (c == quote) {
          out += c;
        }
        return c == quote;
    }
  }

  bool TakeUnicode(std::string& out) {
    const std::optional<std::uint32_t> first = TakeHex();
    if (!first || (*first >= 0xDC00 && *first < 0xE000)) {
      return false;
    }
    if (*first < 0xD800 || *first >= 0xE000) {
      AppendUtf8(out, *first);
      return true;
    }
    if (!TakeWord("\\u")) {
      return false;
    }
    const std::optional<std::uint32_t> second = TakeHex();
    if (!second || *second < 0xDC00 || *second >= 0xE000) {
      return false;
    }
    AppendUtf8(out, 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string NameStep(const std::string& name) {
  bool plain = !name.empty() && IsNameFirst(name.front());
  for (const char c : name) {
    plain = plain && (IsNameFirst(c) || IsDigit(c));
  }
  return plain ? "." + name : "[" + JsonQuoted(name) + "]";
}

// Walks a document, and keeps the strings at the path.
class Finder {
 public:
  Finder(std::string_view document, const JsonPath& path) : reader_(document), path_(path) {}

  bool Find() {
    reader_.SkipSpace();
    if (!Walk(0, 0, true, "$")) {
      return false;
    }
    reader_.SkipSpace();
    return reader_.AtEnd();
  }
  std::vector<JsonString> found() && { return std::move(found_); }

 private:
  // `step` of the path leads on from here; `on_path` is false beside it.
  bool Walk(std::size_t step, int depth, bool on_path, const std::string& place) {
    if (depth > kMaxDepth) {
      return false;
    }
    const std::size_t from = reader_.at();
    if (reader_.Take('"')) {
      std::optional<std::string> text = reader_.TakeString('"');
      if (text && on_path && step == path_.size()) {
        found_.push_back({from, reader_.at() - from, std::move(*text), place});
      }
      return text.has_value();
    }
    if (reader_.Take('{')) {
      return WalkObject(step, depth, on_path, place);
    }
    if (reader_.Take('[')) {
      return WalkArray(step, depth, on_path, place);
    }
    return reader_.TakeWord("true") || reader_.TakeWord("false") || reader_.TakeWord("null") ||
           reader_.SkipNumber();
  }

  bool WalkObject(std::size_t step, int depth, bool on_path, const std::string& place) {
    const JsonStep* const next = on_path && step < path_.size() ? &path_[step] : nullptr;
    reader_.SkipSpace();
    if (reader_.Take('}')) {
      return true;
    }
    do {
      reader_.SkipSpace();
      const std::optional<std::string> name =
          reader_.Take('"') ? reader_.TakeString('"') : std::nullopt;
      reader_.SkipSpace();
      if (!name || !reader_.Take(':')) {
        return false;
      }
      reader_.SkipSpace();
      const bool leads =
          next != nullptr && (next->kind == JsonStep::Kind::kEach ||
                              (next->kind == JsonStep::Kind::kName && next->name == *name));
      if (!Walk(step + 1, depth + 1, leads, leads ? place + NameStep(*name) : place)) {
        return false;
      }
      reader_.SkipSpace();
    } while (reader_.Take(','));
    return reader_.Take('}');
  }

  bool WalkArray(std::size_t step, int depth, bool on_path, const std::string& place) {
    const JsonStep* const next = on_path && step < path_.size() ? &path_[step] : nullptr;
    const std::int64_t wanted =
        next != nullptr && next->kind == JsonStep::Kind::kIndex
            ? (next->index < 0 ? next->index + CountAhead(depth) : next->index)
            : -1;
    reader_.SkipSpace();
    if (reader_.Take(']')) {
      return true;
    }
    std::int64_t index = 0;
    do {
      reader_.SkipSpace();
      const bool leads =
          next != nullptr && (next->kind == JsonStep::Kind::kEach ||
                              (next->kind == JsonStep::Kind::kIndex && index == wanted));
      if (!Walk(step + 1, depth + 1, leads,
                leads ? place + "[" + std::to_string(index) + "]" : place)) {
        return false;
      }
      ++index;
      reader_.SkipSpace();
    } while (reader_.Take(','));
    return reader_.Take(']');
  }

  // The number of elements of the array that begins here; an index from the end needs it.
  std::int64_t CountAhead(int depth) {
    const Reader here = reader_;
    std::vector<JsonString> kept;
    kept.swap(found_);
    std::int64_t count = 0;
    reader_.SkipSpace();
    if (!reader_.Take(']')) {
      do {
        reader_.SkipSpace();
        if (!Walk(0, depth + 1, false, {})) {
          break;
        }
        ++count;
        reader_.SkipSpace();
      } while (reader_.Take(','));
    }
    found_.swap(kept);
    reader_ = here;
    return count;
  }

  Reader reader_;
  const JsonPath& path_;
  std::vector<JsonString> found_;
};

// Reads `[…]` behind its bracket.
std::optional<JsonStep> TakeBracket(Reader& reader) {
  JsonStep step;
  if (reader.Take('*')) {
    return reader.Take(']') ? std::optional(step) : std::nullopt;
  }
  for (const char quote : {'\'', '"'}) {
    if (reader.Take(quote)) {
      std::optional<std::string> name = reader.TakeString(quote);
      if (!name || !reader.Take(']')) {
        return std::nullopt;
      }
      return JsonStep{JsonStep::Kind::kName, std::move(*name), 0};
    }
  }
  const bool negative = reader.Take('-');
  const std::string_view digits = reader.TakeWhile(IsDigit);
  const bool is_canonical = !digits.empty() && digits.size() <= 15 &&
                            (digits.front() != '0' || (digits.size() == 1 && !negative));
  if (!is_canonical || !reader.Take(']')) {
    return std::nullopt;
  }
  step.kind = JsonStep::Kind::kIndex;
  std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
  step.index = negative ? -step.index : step.index;
  return step;
}

}  // namespace

Result<JsonPath> ParseJsonPath(std::string_view text) {
  Reader reader(text);
  const auto refuse = [&] {
    return Fail(ErrorCode::kInvalidArgument,
                "the path '" + Printable(text) + "' is not understood at character " +
                    std::to_string(reader.at() + 1),
                "write it as $.member[0]['other member'][*]; filters, slices and .. are not read");
  };
  if (!reader.Take('$') || !IsUtf8(text)) {
    return refuse();
  }
  JsonPath path;
  while (!reader.AtEnd()) {
    if (reader.Take('[')) {
      std::optional<JsonStep> step = TakeBracket(reader);
      if (!step) {
        return refuse();
      }
      path.push_back(std::move(*step));
      continue;
    }
    if (!reader.Take('.')) {
      return refuse();
    }
    if (reader.Take('*')) {
      path.emplace_back();
      continue;
    }
    if (!IsNameFirst(reader.Peek())) {
      return refuse();
    }
    path.push_back(
        {JsonStep::Kind::kName,
         std::string(reader.TakeWhile([](char c) { return IsNameFirst(c) || IsDigit(c); })), 0});
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
  if (!finder.Find()) {
    return Fail(ErrorCode::kInvalidArgument, "the content is not JSON, or nested too deep");
  }
  return std::move(finder).found();
}

std::string JsonQuoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xF];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace rowseal
