#pragma once

#include <memory>
#include <optional>

#include <napi.h>

#include <rowseal/rowseal.h>

#include "hot_call.h"
#include "postgres_answer.h"

namespace rowseal::node {

/// NativeCall is a HotCall with whose client it runs, and how.
struct NativeCall {
  std::shared_ptr<Client> client;  // outlives the call
  std::unique_ptr<HotCall> call;
  Within within = Within::kOwnTransaction;
  bool is_heavy = false;  // too long for the event loop
};

/// CallObject is a NativeCall in JavaScript's hands. `next()` gives the query to run, null at the
/// end, or undefined where the work up to the next query is too long for the event loop: then
/// `work()` does it on the thread pool and gives a promise. `feed(answer)` (with `addPiece` and
/// `addRows` before it) and `refuse(code, message, hint)` take a query's outcome. At the end
/// `take()` gives `{value: items}` or `{error}`, and `items(from, to)` gives
/// `{values, errors}`, where `errors` is null or holds the errors at their places.
class CallObject final : public Napi::ObjectWrap<CallObject> {
 public:
  static void Define(Napi::Env env);
  static Napi::Value Make(Napi::Env env, NativeCall call);
  explicit CallObject(const Napi::CallbackInfo& info);

  /// Advance does the work up to the next query; any thread, one at a time.
  void Advance() noexcept;
  /// RunOverOwnConnection does all of it; on the client's thread.
  void RunOverOwnConnection() noexcept;

 private:
  Napi::Value Next(const Napi::CallbackInfo& info);
  Napi::Value Work(const Napi::CallbackInfo& info);
  void AddPiece(const Napi::CallbackInfo& info);
  void AddRows(const Napi::CallbackInfo& info);
  void Feed(const Napi::CallbackInfo& info);
  void Refuse(const Napi::CallbackInfo& info);
  Napi::Value Take(const Napi::CallbackInfo& info);
  Napi::Value Items(const Napi::CallbackInfo& info);
  bool BeginOnce();
  Result<Rows> ReadAnswer();

  NativeCall call_;
  bool has_begun_ = false;
  bool has_advanced_ = false;
  std::optional<Statement> statement_;
  std::optional<Query> query_;
  AnswerGatherer gatherer_;
  std::optional<Result<RawAnswer>> answer_;
  std::optional<Error> failure_;
  Result<std::size_t> taken_ = std::size_t{0};  // how many items the outcome has
};

}  // namespace rowseal::node
