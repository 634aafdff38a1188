#pragma once

#include <memory>

#include <napi.h>

#include <rowseal/rowseal.h>

#include "call_object.h"
#include "node_connection.h"
#include "worker.h"

namespace rowseal::node {

/// ClientObject is one client in JavaScript's hands. Hot calls are started on the event loop; every
/// other call runs on the client's own thread and gives a promise.
class ClientObject final : public Napi::ObjectWrap<ClientObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  /// (options, ask, onEvent): `options` is `{store, roots, actor}`; a `store` that is no `sqlite:`
  /// URL stands for what `ask` reaches.
  explicit ClientObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  void Answer(const Napi::CallbackInfo& info);
  void Refuse(const Napi::CallbackInfo& info);
  Napi::Value RunCall(const Napi::CallbackInfo& info);
  Napi::Value StartGet(const Napi::CallbackInfo& info);
  Napi::Value StartPut(const Napi::CallbackInfo& info);
  Napi::Value StartSeal(const Napi::CallbackInfo& info);
  Napi::Value StartOpen(const Napi::CallbackInfo& info);
  Napi::Value StartVerify(const Napi::CallbackInfo& info);
  Napi::Value StartSign(const Napi::CallbackInfo& info);
  Napi::Value List(const Napi::CallbackInfo& info);
  Napi::Value Versions(const Napi::CallbackInfo& info);
  Napi::Value Rollback(const Napi::CallbackInfo& info);
  Napi::Value Rename(const Napi::CallbackInfo& info);
  Napi::Value Remove(const Napi::CallbackInfo& info);
  Napi::Value Expire(const Napi::CallbackInfo& info);
  Napi::Value AddColumn(const Napi::CallbackInfo& info);
  Napi::Value RotateKek(const Napi::CallbackInfo& info);
  Napi::Value RotateDeks(const Napi::CallbackInfo& info);
  Napi::Value Maintain(const Napi::CallbackInfo& info);
  Napi::Value KeyStatus(const Napi::CallbackInfo& info);
  Napi::Value Metrics(const Napi::CallbackInfo& info);

  using Task = std::function<Result<Worker::ToJs>(Client&)>;
  Napi::Value Submit(Napi::Env env, Task task);

  StoreOptions options_;
  std::shared_ptr<Observer> observer_;
  std::shared_ptr<Worker> worker_;
  NodeConnection* connection_ = nullptr;  // of the client
  std::shared_ptr<Client> client_;
};

}  // namespace rowseal::node
