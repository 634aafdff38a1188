#include "worker.h"

#include "values.h"

namespace rowseal::node {
namespace {

Result<Worker::ToJs> RunWithoutExceptions(const std::function<Result<Worker::ToJs>()>& task) {
  try {
    return task();
  } catch (...) {
    return tl::unexpected(CaughtException());
  }
}

}  // namespace

std::shared_ptr<Worker> Worker::Start(Napi::Env env, const Napi::Function& handler) {
  std::shared_ptr<Worker> worker(new Worker(env));
  worker->handler_ = Napi::Persistent(handler);
  const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  worker->loop_ = Napi::ThreadSafeFunction::New(env, nothing, "rowseal", 0, 1);
  worker->loop_.Unref(env);
  napi_add_env_cleanup_hook(env, &StopAtExit, worker.get());
  worker->thread_ = std::thread([raw = worker.get()] { raw->Run(); });
  return worker;
}

Worker::~Worker() { Stop(); }

// What is still queued must not reach an environment that runs no JavaScript any more.
void Worker::StopAtExit(void* worker) {
  auto* const self = static_cast<Worker*>(worker);
  self->environment_ends_ = true;
  self->Stop();
}

void Worker::Stop() {
  if (std::exchange(stopped_, true)) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  napi_remove_env_cleanup_hook(env_, &StopAtExit, this);
  handler_.Reset();
  if (environment_ends_) {
    loop_.Abort();
  } else {
    loop_.Release();
  }
}

void Worker::Run() {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) {
        return;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

Napi::Promise Worker::Submit(Napi::Env env, std::function<Result<ToJs>()> task,
                             std::function<void()> done) {
  auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
  if (stopped_) {
    deferred->Reject(
        ErrorValue(env, {ErrorCode::kInvalidArgument, "the client is closed", "connect again"}));
    done();
    return deferred->Promise();
  }
  if (pending_++ == 0) {
    loop_.Ref(env);
  }
  auto run = [self = this, task = std::move(task), deferred, done = std::move(done)] {
    auto result = std::make_shared<Result<ToJs>>(RunWithoutExceptions(task));
    self->Post([self, deferred, result, done](Napi::Env loop_env) {
      if (--self->pending_ == 0 && !self->stopped_) {
        self->loop_.Unref(loop_env);
      }
      if (*result) {
        deferred->Resolve((**result)(loop_env));
      } else {
        deferred->Reject(ErrorValue(loop_env, result->error()));
      }
      done();
    });
  };
  {
    const std::lock_guard lock(mutex_);
    tasks_.emplace_back(std::move(run));
  }
  changed_.notify_all();
  return deferred->Promise();
}

void Worker::Post(std::function<void(Napi::Env)> call) const {
  auto* data = new std::function<void(Napi::Env)>(std::move(call));
  const napi_status status = loop_.NonBlockingCall(
      data, [](Napi::Env env, const Napi::Function&, std::function<void(Napi::Env)>* posted) {
        const std::unique_ptr<std::function<void(Napi::Env)>> owned(posted);
        if (static_cast<napi_env>(env) != nullptr) {
          try {
            const Napi::HandleScope scope(env);
            (*owned)(env);
          } catch (const Napi::Error&) {
            // The environment is ending: nobody is left to be told.
          }
        }
      });
  if (status != napi_ok) {
    delete data;  // the loop has ended
  }
}

Worker::Answered Worker::Ask(Question question) {
  const auto cancelled = tl::unexpected(
      ServerError{{ErrorCode::kCancelled, "the client is closing", {}}, ServerFailure::kFinal});
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return cancelled;
    }
    answer_.reset();
  }
  Post([this, question = std::move(question)](Napi::Env env) {
    if (!stopped_) {
      question(env, handler_.Value());
    }
  });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || answer_.has_value(); });
  return answer_ ? std::move(*answer_) : Answered(cancelled);
}

void Worker::Answer(Answered answer) {
  {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  changed_.notify_all();
}

}  // namespace rowseal::node
