#include "migration/scan/json_leaves.h"

#include <algorithm>

#include "migration/json_text.h"
#include "migration/scan/characters.h"
#include "migration/scan/value_class.h"

namespace rowseal {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kLongestName = 128;  // bytes; a longer one is data

// A member's name that was made by a program: an id, a number, a token.
bool IsDataKey(std::string_view name) {
  if (name.empty() || std::ranges::all_of(name, IsDigit) || name.size() > kLongestName) {
    return !name.empty();
  }
  const Shape shape = ClassifyValue(AsBytes(name));
  switch (GroupOf(shape)) {
    case ShapeGroup::kSecret:
    case ShapeGroup::kRandom:
    case ShapeGroup::kSealed:
    case ShapeGroup::kCiphertext:
    case ShapeGroup::kHashed:
      return true;
    case ShapeGroup::kOpaque:
    case ShapeGroup::kReference:
    case ShapeGroup::kOrdinary:
      return shape == Shape::kUuid || shape == Shape::kEmail;
  }
  return false;
}

class Walker {
 public:
  Walker(ByteView text, const std::function<void(const JsonPath&, ByteView)>& visit)
      : cursor_(text), visit_(visit) {}

  Result<void> Walk() {
    ROWSEAL_TRY(WalkValue());
    return cursor_.AtEnd() ? Result<void>() : cursor_.Refuse("something stands behind the value");
  }

 private:
  Result<void> WalkValue() {
    cursor_.SkipAnyOf(kJsonSpaces);
    if (cursor_.Sees("\"")) {
      ROWSEAL_TRY(ShowString());
    } else if (cursor_.Sees("{") || cursor_.Sees("[")) {
      if (path_.size() == kMaxDepth) {
        return cursor_.Refuse("objects and arrays are nested too deep");
      }
      const bool is_object = cursor_.Sees("{");
      cursor_.Advance();
      ROWSEAL_TRY(WalkItems(is_object));
    } else if (!cursor_.SkipAnyOf("+-.0123456789abcdefghijklmnopqrstuvwxyzE")) {
      return cursor_.Refuse("expected a value");
    }
    cursor_.SkipAnyOf(kJsonSpaces);
    return {};
  }

  // Behind the opening bracket of an object or an array.
  Result<void> WalkItems(bool is_object) {
    const std::string_view close = is_object ? "}" : "]";
    cursor_.SkipAnyOf(kJsonSpaces);
    bool more = !cursor_.Skip(close);
    while (more) {
      path_.emplace_back();
      if (is_object) {
        ROWSEAL_TRY(TakeName());
      }
      ROWSEAL_TRY(WalkValue());
      path_.pop_back();
      more = cursor_.Skip(",");
      if (!more && !cursor_.Skip(close)) {
        return cursor_.Refuse("an object or array is never closed");
      }
    }
    return {};
  }

  Result<void> TakeName() {
    cursor_.SkipAnyOf(kJsonSpaces);
    ROWSEAL_ASSIGN(const SecretBytes name, TakeJsonString(cursor_));
    cursor_.SkipAnyOf(kJsonSpaces);
    if (!cursor_.Skip(":")) {
      return cursor_.Refuse("expected ':' behind a name");
    }
    if (const std::string_view text = AsText(name.Reveal()); !IsDataKey(text)) {
      path_.back() = {JsonStep::Kind::kName, std::string(text), 0};
    }
    return {};
  }

  Result<void> ShowString() {
    ROWSEAL_ASSIGN(const SecretBytes value, TakeJsonString(cursor_));
    if (!value.empty()) {
      visit_(path_, value.Reveal());
    }
    return {};
  }

  TextCursor cursor_;
  const std::function<void(const JsonPath&, ByteView)>& visit_;
  JsonPath path_;
};

}  // namespace

Result<void> VisitJsonStrings(ByteView text,
                              const std::function<void(const JsonPath&, ByteView)>& visit) {
  return Walker(text, visit).Walk();
}

}  // namespace rowseal
