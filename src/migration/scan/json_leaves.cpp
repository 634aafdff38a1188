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
    cursor_.SkipAnyOf(kJsonSpaces);
    ROWSEAL_TRY(WalkValue());
    cursor_.SkipAnyOf(kJsonSpaces);
    return cursor_.AtEnd() ? Result<void>() : cursor_.Refuse("something stands behind the value");
  }

 private:
  Result<void> WalkValue() {
    if (cursor_.Sees("\"")) {
      return ShowString();
    }
    if (path_.size() == kMaxDepth && (cursor_.Sees("{") || cursor_.Sees("["))) {
      return cursor_.Refuse("objects and arrays are nested too deep");
    }
    if (cursor_.Sees("{")) {
      return TakeJsonObject(cursor_, [&](std::string_view name) {
        return WalkItem(IsDataKey(name) ? JsonStep{}
                                        : JsonStep{JsonStep::Kind::kName, std::string(name), 0});
      });
    }
    if (cursor_.Sees("[")) {
      return TakeJsonArray(cursor_, [&] { return WalkItem({}); });
    }
    return SkipJsonNumberOrWord(cursor_) ? Result<void>() : cursor_.Refuse("expected a value");
  }

  Result<void> WalkItem(JsonStep step) {
    path_.push_back(std::move(step));
    ROWSEAL_TRY(WalkValue());
    path_.pop_back();
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
