#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <rowseal/error.h>
#include <rowseal/operation.h>

namespace rowseal {

/// CallBody is what a StartedCall holds; Rowseal makes it.
template <class T>
class CallBody : public Operation {
 public:
  virtual Result<T> Take() = 0;
};

/// StartedCall is a hot call under way, in the hands of whoever carries its statements: ask Next,
/// run the statement, Feed its outcome, until Next gives nothing; then Take the outcome. Dropping
/// it earlier abandons the call: what it opened is wiped, what the store did stays. Moves, never
/// copies. Threads: one at a time.
template <class T>
class StartedCall final : public Operation {
 public:
  explicit StartedCall(std::unique_ptr<CallBody<T>> body) noexcept : body_(std::move(body)) {}
  StartedCall(StartedCall&&) noexcept = default;
  StartedCall& operator=(StartedCall&&) noexcept = default;

  std::optional<Statement> Next() override { return body_->Next(); }
  void Feed(Result<Rows> outcome) override { body_->Feed(std::move(outcome)); }

  /// Take gives the outcome, once. Errors: the call's; kInternal before Next gave nothing.
  Result<T> Take() && { return body_->Take(); }

 private:
  std::unique_ptr<CallBody<T>> body_;
};

}  // namespace rowseal
