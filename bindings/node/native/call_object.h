#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <napi.h>

#include <rowseal/rowseal.h>

namespace rowseal::node {

/// NativeCall is a hot call under way with the client that it belongs to.
struct NativeCall {
  std::shared_ptr<Client> client;  // outlives the call
  std::unique_ptr<Operation> operation;
  std::function<Result<std::function<Napi::Value(Napi::Env)>>()> take;
  Within within = Within::kOwnTransaction;
  std::optional<Statement> waiting;
};

/// CallObject is a NativeCall in JavaScript's hands: `next()` gives the query to run or null,
/// `feed(answer)` and `fail(error)` take its outcome, `take()` gives the call's.
class CallObject final : public Napi::ObjectWrap<CallObject> {
 public:
  static void Define(Napi::Env env);
  static Napi::Value Make(Napi::Env env, NativeCall call);
  explicit CallObject(const Napi::CallbackInfo& info);
  NativeCall& call() { return call_; }

 private:
  Napi::Value Next(const Napi::CallbackInfo& info);
  void Feed(const Napi::CallbackInfo& info);
  void Refuse(const Napi::CallbackInfo& info);
  Napi::Value Take(const Napi::CallbackInfo& info);
  NativeCall call_;
};

}  // namespace rowseal::node
