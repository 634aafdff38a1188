#pragma once

#include <memory>
#include <mutex>
#include <set>

#include <napi.h>

#include <rowseal/rowseal.h>

#include "call_object.h"
#include "node_connection.h"
#include "worker.h"

namespace rowseal::node {

/// Stops are the numbers of the runs of jobs that are to stop; any thread.
class Stops final {
 public:
  void Add(double run);
  bool Holds(double run);

 private:
  std::mutex mutex_;
  std::set<double> runs_;
};

/// ClientObject is one client in JavaScript's hands. Hot calls (hot_calls.cpp) are started on the
/// event loop; every other call runs on the client's own thread and gives a promise.
class ClientObject final : public Napi::ObjectWrap<ClientObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  /// (options, ask, onEvent): `options` is `{store, roots, actor}`; a `store` that is no `sqlite:`
  /// URL stands for what `ask` reaches.
  explicit ClientObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  void AddPiece(const Napi::CallbackInfo& info);
  void AddRows(const Napi::CallbackInfo& info);
  void Answer(const Napi::CallbackInfo& info);
  void Refuse(const Napi::CallbackInfo& info);
  Napi::Value RunCall(const Napi::CallbackInfo& info);
  Napi::Value StartGet(const Napi::CallbackInfo& info);
  Napi::Value StartPut(const Napi::CallbackInfo& info);
  Napi::Value StartSealValues(const Napi::CallbackInfo& info);
  Napi::Value StartOpenValues(const Napi::CallbackInfo& info);
  Napi::Value StartVerify(const Napi::CallbackInfo& info);
  Napi::Value StartSign(const Napi::CallbackInfo& info);
  Napi::Value List(const Napi::CallbackInfo& info);
  Napi::Value Versions(const Napi::CallbackInfo& info);
  Napi::Value Rollback(const Napi::CallbackInfo& info);
  Napi::Value Rename(const Napi::CallbackInfo& info);
  Napi::Value Remove(const Napi::CallbackInfo& info);
  Napi::Value Expire(const Napi::CallbackInfo& info);
  Napi::Value AddColumn(const Napi::CallbackInfo& info);
  Napi::Value RemoveColumn(const Napi::CallbackInfo& info);
  Napi::Value Columns(const Napi::CallbackInfo& info);
  Napi::Value AuditLog(const Napi::CallbackInfo& info);
  Napi::Value Maintain(const Napi::CallbackInfo& info);
  void StopJobs(const Napi::CallbackInfo& info);
  // What an operator does to keys and roots: key_calls.cpp.
  Napi::Value RotateKek(const Napi::CallbackInfo& info);
  Napi::Value RotateDeks(const Napi::CallbackInfo& info);
  Napi::Value SuspendKek(const Napi::CallbackInfo& info);
  Napi::Value ResumeKek(const Napi::CallbackInfo& info);
  Napi::Value DeclareCompromised(const Napi::CallbackInfo& info);
  Napi::Value DestroyKek(const Napi::CallbackInfo& info);
  Napi::Value RetireProject(const Napi::CallbackInfo& info);
  Napi::Value Keks(const Napi::CallbackInfo& info);
  Napi::Value UnreadableDeks(const Napi::CallbackInfo& info);
  Napi::Value Roots(const Napi::CallbackInfo& info);
  Napi::Value AddRoot(const Napi::CallbackInfo& info);
  Napi::Value ReplaceRoot(const Napi::CallbackInfo& info);
  Napi::Value RemoveRoot(const Napi::CallbackInfo& info);
  Napi::Value CompromiseRoot(const Napi::CallbackInfo& info);
  Napi::Value ExportKeys(const Napi::CallbackInfo& info);
  Napi::Value KeyStatus(const Napi::CallbackInfo& info);
  Napi::Value Metrics(const Napi::CallbackInfo& info);

  using Task = std::function<Result<Worker::ToJs>(Client&)>;
  Napi::Value Submit(Napi::Env env, Task task);
  template <class Outcome>
  Napi::Value MakeCall(Napi::Env env, typename HotCallOf<Outcome>::BeginCall begin,
                       typename HotCallOf<Outcome>::MakeValue make_value, Within within,
                       bool is_heavy);
  RunJobsOptions JobsOf(double run);
  using SecretTask = std::function<Result<Worker::ToJs>(Client&, const ProjectId&,
                                                        const SecretName&, const Access&)>;
  Napi::Value SubmitForSecret(const Napi::CallbackInfo& info, SecretTask task);
  using RootTask = std::function<Result<Worker::ToJs>(Client&, RootId, const Access&)>;
  Napi::Value SubmitForRoot(const Napi::CallbackInfo& info, RootTask task);

  StoreOptions options_;
  std::shared_ptr<Observer> observer_;
  std::shared_ptr<Worker> worker_;
  AnswerGatherer gatherer_;  // of the answer to the client's connection
  const std::shared_ptr<Stops> stops_ = std::make_shared<Stops>();
  std::shared_ptr<Client> client_;
};

}  // namespace rowseal::node
