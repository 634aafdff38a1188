#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <napi.h>

#include <rowseal/rowseal.h>

#include "postgres_answer.h"

namespace rowseal::node {

/// Worker is a client's own thread, for what may wait, and its way back to the event loop. The loop
/// may end the process while no task is pending.
///
/// Threads: of the event loop, but for Post and Ask.
class Worker final : public std::enable_shared_from_this<Worker> {
 public:
  /// ToJs makes a task's value, on the event loop.
  using ToJs = std::function<Napi::Value(Napi::Env)>;
  /// Question asks JavaScript, on the event loop, for an answer that comes through Answer.
  using Question = std::function<void(Napi::Env, const Napi::Function& handler)>;
  using Answered = tl::expected<RawAnswer, ServerError>;

  static std::shared_ptr<Worker> Start(Napi::Env env, const Napi::Function& handler);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  /// Submit runs a task on the thread, behind those before it, and gives a promise of its value.
  /// `done` is called on the event loop when the promise has settled; until then the caller keeps
  /// this object.
  Napi::Promise Submit(Napi::Env env, std::function<Result<ToJs>()> task,
                       std::function<void()> done);

  /// Post runs something on the event loop, later.
  void Post(std::function<void(Napi::Env)> call) const;

  /// Ask puts a question and waits for the answer; for tasks.
  Answered Ask(Question question);
  /// Answer gives the answer to the question that was asked last.
  void Answer(Answered answer);

  /// Stop ends the thread after its running task, whose question is answered as kCancelled.
  void Stop();

 private:
  explicit Worker(Napi::Env env) : env_(env) {}
  void Run();
  static void StopAtExit(void* worker);

  const Napi::Env env_;
  Napi::ThreadSafeFunction loop_;
  Napi::FunctionReference handler_;
  std::size_t pending_ = 0;
  bool stopped_ = false;
  bool environment_ends_ = false;

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::optional<Answered> answer_;
  bool stopping_ = false;
};

}  // namespace rowseal::node
