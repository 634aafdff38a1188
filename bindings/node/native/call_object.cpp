#include "call_object.h"

#include "addon_data.h"
#include "values.h"

namespace rowseal::node {
namespace {

// A row costs some microseconds to read and open.
constexpr std::size_t kMostRows = 64;
constexpr std::size_t kMostBytes = 128U * 1024;

bool IsHeavy(const RawAnswer& answer) {
  std::size_t bytes = 0;
  for (const PostgresCells& row : answer.rows) {
    for (const std::optional<std::string>& cell : row) {
      bytes += cell ? cell->size() : 0;
    }
  }
  return answer.rows.size() > kMostRows || bytes > kMostBytes || !answer.long_cells.empty();
}

// Advances a call on Node's thread pool; the call is kept until then.
class Advancing final : public Napi::AsyncWorker {
 public:
  Advancing(Napi::Env env, CallObject& call)
      : AsyncWorker(env, "rowseal"), call_(call), deferred_(env) {
    call_.Ref();
  }
  Napi::Promise promise() const { return deferred_.Promise(); }
  void Execute() override { call_.Advance(); }
  void OnOK() override {
    call_.Unref();
    deferred_.Resolve(Env().Undefined());
  }

 private:
  CallObject& call_;
  Napi::Promise::Deferred deferred_;
};

}  // namespace

void CallObject::Define(Napi::Env env) {
  env.GetInstanceData<AddonData>()->call_class = Napi::Persistent(DefineClass(
      env, "NativeCall",
      {InstanceMethod<&CallObject::Next>("next"), InstanceMethod<&CallObject::Work>("work"),
       InstanceMethod<&CallObject::AddPiece>("addPiece"),
       InstanceMethod<&CallObject::AddRows>("addRows"), InstanceMethod<&CallObject::Feed>("feed"),
       InstanceMethod<&CallObject::Refuse>("refuse"), InstanceMethod<&CallObject::Take>("take"),
       InstanceMethod<&CallObject::Items>("items")}));
}

Napi::Value CallObject::Make(Napi::Env env, NativeCall call) {
  Napi::Object object = env.GetInstanceData<AddonData>()->call_class.New({});
  Unwrap(object)->call_ = std::move(call);
  return object;
}

CallObject::CallObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CallObject>(info) {}

bool CallObject::BeginOnce() {
  if (!std::exchange(has_begun_, true)) {
    if (Result<void> begun = call_.call->Begin(*call_.client); !begun) {
      failure_ = std::move(begun).error();
    }
  }
  return !failure_;
}

Result<Rows> CallObject::ReadAnswer() {
  Result<RawAnswer> answer = std::move(*answer_);
  answer_.reset();
  if (!answer) {
    return tl::unexpected(std::move(answer).error());
  }
  return std::move(*answer).Read();
}

void CallObject::Advance() noexcept {
  try {
    has_advanced_ = true;
    query_.reset();
    if (!BeginOnce()) {
      return;
    }
    Operation& operation = call_.call->operation();
    if (answer_ && statement_) {
      operation.Feed(ReadAnswer());
    }
    statement_ = operation.Next();
    if (statement_) {
      query_ = MakeQuery(*statement_, call_.within);
    } else {
      taken_ = call_.call->Take();  // here, because it wipes and frees what the operation held
    }
  } catch (...) {
    query_.reset();
    failure_ = CaughtException();
  }
}

void CallObject::RunOverOwnConnection() noexcept {
  try {
    if (BeginOnce()) {
      call_.client->Run(call_.call->operation());
      taken_ = call_.call->Take();
    }
  } catch (...) {
    failure_ = CaughtException();
  }
}

Napi::Value CallObject::Next(const Napi::CallbackInfo& info) {
  if (!has_advanced_) {
    if (call_.is_heavy) {
      return info.Env().Undefined();
    }
    Advance();
  }
  has_advanced_ = false;
  return query_ ? QueryValue(info.Env(), std::move(*query_)) : info.Env().Null();
}

Napi::Value CallObject::Work(const Napi::CallbackInfo& info) {
  auto* const advancing = new Advancing(info.Env(), *this);  // deletes itself at its end
  const Napi::Promise promise = advancing->promise();
  advancing->Queue();
  return promise;
}

void CallObject::AddPiece(const Napi::CallbackInfo& info) { gatherer_.AddPiece(info); }

void CallObject::AddRows(const Napi::CallbackInfo& info) { gatherer_.AddRows(info[0]); }

void CallObject::Feed(const Napi::CallbackInfo& info) {
  RawAnswer answer = gatherer_.Finish(info[0]);
  call_.is_heavy = call_.is_heavy || IsHeavy(answer);
  answer_ = std::move(answer);
}

void CallObject::Refuse(const Napi::CallbackInfo& info) {
  const auto code = static_cast<ErrorCode>(info[0].As<Napi::Number>().Uint32Value());
  answer_ = Fail(code, Text(info[1]), Text(info[2]));
}

Napi::Value CallObject::Take(const Napi::CallbackInfo& info) {
  if (failure_) {
    return OutcomeValue(info.Env(), *failure_);
  }
  return taken_
             ? OutcomeValue(info.Env(), Napi::Number::New(info.Env(), static_cast<double>(*taken_)))
             : OutcomeValue(info.Env(), taken_.error());
}

Napi::Value CallObject::Items(const Napi::CallbackInfo& info) {
  const auto from = info[0].As<Napi::Number>().Uint32Value();
  const auto to = info[1].As<Napi::Number>().Uint32Value();
  Napi::Env env = info.Env();
  Napi::Array values = Napi::Array::New(env, to - from);
  Napi::Value errors = env.Null();
  for (std::uint32_t item = from; item < to; ++item) {
    if (const Error* error = call_.call->ErrorAt(item)) {
      errors = errors.IsNull() ? Napi::Object::New(env).As<Napi::Value>() : errors;
      errors.As<Napi::Object>().Set(item - from, ErrorValue(env, *error));
    } else {
      values.Set(item - from, call_.call->ValueAt(env, item));
    }
  }
  Napi::Object slice = Napi::Object::New(env);
  SetOwn(slice, "values", values);
  SetOwn(slice, "errors", errors);
  return slice;
}

}  // namespace rowseal::node
