#pragma once

#include <map>
#include <set>

#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// AskNoRoot keeps its thread, while it lives, from asking roots that may take long: the thread
/// holds a lock of the store, and others would wait as long as a root that hangs. It notes which
/// KEKs were wanted, so that they are opened once the lock is free. Threads: each has its own; they
/// nest.
class AskNoRoot final {
 public:
  /// Answers are the errors with which roots answered before; they are given again, unasked.
  using Answers = std::map<KekId, Error>;

  explicit AskNoRoot(const Answers& answers);
  AskNoRoot(const AskNoRoot&) = delete;
  AskNoRoot& operator=(const AskNoRoot&) = delete;
  ~AskNoRoot();

  /// Current is the one of this thread, or nullptr.
  static AskNoRoot* Current() noexcept;

  /// Check is what a root asks before it does what takes long. Errors: kUnavailable, while one
  /// lives.
  static Result<void> Check();

  /// AnswerOf gives what is known of a KEK's roots, or nullptr; Need notes that it was wanted.
  const Error* AnswerOf(KekId kek) const;
  void Need(KekId kek) { needed_.insert(kek); }

  /// refused tells whether any root was kept from being asked.
  bool refused() const noexcept { return refused_; }
  const std::set<KekId>& needed() const noexcept { return needed_; }

 private:
  const Answers& answers_;
  AskNoRoot* const outer_;
  bool refused_ = false;
  std::set<KekId> needed_;
};

}  // namespace rowseal
