#include "call_object.h"

#include "addon_data.h"
#include "values.h"

namespace rowseal::node {

void CallObject::Define(Napi::Env env) {
  env.GetInstanceData<AddonData>()->call_class = Napi::Persistent(DefineClass(
      env, "NativeCall",
      {InstanceMethod<&CallObject::Next>("next"), InstanceMethod<&CallObject::Feed>("feed"),
       InstanceMethod<&CallObject::Refuse>("refuse"), InstanceMethod<&CallObject::Take>("take")}));
}

Napi::Value CallObject::Make(Napi::Env env, NativeCall call) {
  Napi::Object object = env.GetInstanceData<AddonData>()->call_class.New({});
  Unwrap(object)->call_ = std::move(call);
  return object;
}

CallObject::CallObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CallObject>(info) {}

Napi::Value CallObject::Next(const Napi::CallbackInfo& info) {
  if (!call_.operation) {
    return info.Env().Null();
  }
  call_.waiting = call_.operation->Next();
  return call_.waiting ? CallValue(info.Env(), *call_.waiting, call_.within) : info.Env().Null();
}

void CallObject::Feed(const Napi::CallbackInfo& info) {
  if (call_.operation && call_.waiting) {
    call_.operation->Feed(ReadAnswer(*call_.waiting, info[0].As<Napi::Object>()));
    call_.waiting.reset();
  }
}

void CallObject::Refuse(const Napi::CallbackInfo& info) {
  if (call_.operation && call_.waiting) {
    const auto number = static_cast<ErrorCode>(info[0].As<Napi::Number>().Uint32Value());
    call_.operation->Feed(Fail(number, Text(info[1]), Text(info[2])));
    call_.waiting.reset();
  }
}

Napi::Value CallObject::Take(const Napi::CallbackInfo& info) {
  if (!call_.take) {
    return OutcomeValue(info.Env(), {ErrorCode::kInternal, "the call was taken already", {}});
  }
  const auto taken = std::exchange(call_.take, nullptr)();
  call_.operation.reset();
  return taken ? OutcomeValue(info.Env(), (*taken)(info.Env()))
               : OutcomeValue(info.Env(), taken.error());
}

}  // namespace rowseal::node
