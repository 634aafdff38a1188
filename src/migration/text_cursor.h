#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// TextCursor walks over a text and knows the line it is on.
class TextCursor final {
 public:
  /// TextCursor skips a byte order mark: editors write one before UTF-8.
  explicit TextCursor(ByteView text) : text_(AsText(text)) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) {
      at_ = kByteOrderMark.size();
    }
  }

  bool AtEnd() const noexcept { return at_ == text_.size(); }
  std::size_t position() const noexcept { return at_; }
  std::string_view Rest() const noexcept { return text_.substr(at_); }
  std::string_view Since(std::size_t start) const noexcept {
    return text_.substr(start, at_ - start);
  }
  bool Sees(std::string_view expected) const noexcept { return Rest().starts_with(expected); }
  /// Peek gives the next character; at the end, NUL.
  char Peek() const noexcept { return AtEnd() ? '\0' : text_[at_]; }

  void Advance(std::size_t count = 1) noexcept {
    for (; count != 0 && !AtEnd(); --count, ++at_) {
      line_ += text_[at_] == '\n' ? 1U : 0U;
    }
  }

  /// Skip goes past `expected` if it stands next.
  bool Skip(std::string_view expected) noexcept {
    if (!Sees(expected)) {
      return false;
    }
    Advance(expected.size());
    return true;
  }

  /// SkipAnyOf goes past all characters of `set`, and says whether there were any.
  bool SkipAnyOf(std::string_view set) noexcept {
    const std::size_t start = at_;
    while (!AtEnd() && set.find(text_[at_]) != std::string_view::npos) {
      Advance();
    }
    return at_ != start;
  }

  /// Refuse makes an error that names the line, and nothing of what stands there.
  tl::unexpected<Error> Refuse(std::string_view why, std::string hint = {}) const {
    return RefuseLine(line_, why, std::move(hint));
  }
  static tl::unexpected<Error> RefuseLine(std::size_t line, std::string_view why,
                                          std::string hint = {}) {
    return Fail(ErrorCode::kInvalidArgument,
                "line " + std::to_string(line) + ": " + std::string(why), std::move(hint));
  }
  std::size_t line() const noexcept { return line_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace rowseal
