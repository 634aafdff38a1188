#include "keys/ask_no_root.h"

namespace rowseal {
namespace {

thread_local AskNoRoot* current_ask_no_root = nullptr;

}  // namespace

AskNoRoot::AskNoRoot(const Answers& answers) : answers_(answers), outer_(current_ask_no_root) {
  current_ask_no_root = this;
}

AskNoRoot::~AskNoRoot() { current_ask_no_root = outer_; }

AskNoRoot* AskNoRoot::Current() noexcept { return current_ask_no_root; }

Result<void> AskNoRoot::Check() {
  if (current_ask_no_root == nullptr) {
    return {};
  }
  current_ask_no_root->refused_ = true;
  return Fail(ErrorCode::kUnavailable, "a root is not asked while the store is locked", "retry");
}

const Error* AskNoRoot::AnswerOf(KekId kek) const {
  const auto known = answers_.find(kek);
  return known == answers_.end() ? nullptr : &known->second;
}

}  // namespace rowseal
