#include <napi.h>

#include <rowseal/rowseal.h>

#include "addon_data.h"
#include "client_object.h"
#include "values.h"

namespace rowseal::node {
namespace {

// What a SQLSTATE means: `{code, number, message, hint, failure}`.
Napi::Value Classify(const Napi::CallbackInfo& info) {
  const ServerError error = ErrorOfSqlstate(Text(info[0]), Text(info[1]), Text(info[2]));
  Napi::Object value = ErrorValue(info.Env(), error.error);
  SetOwn(value, "number", static_cast<double>(error.error.code));
  SetOwn(value, "failure", static_cast<double>(error.failure));
  return value;
}

template <std::size_t size>
Napi::Value NonceValue(Napi::Env env, const Result<std::array<std::uint8_t, size>>& nonce) {
  if (!nonce) {
    return OutcomeValue(env, nonce.error());
  }
  return OutcomeValue(env, Napi::Buffer<std::uint8_t>::Copy(env, nonce->data(), nonce->size()));
}

Napi::Value Nonce(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::Number>().Int32Value() == 96 ? NonceValue(info.Env(), Nonce96())
                                                       : NonceValue(info.Env(), Nonce192());
}

Napi::Object Start(Napi::Env env, Napi::Object exports) {
  if (!LibcryptoIsOwn()) {
    throw Napi::Error::New(env, "rowseal: the addon does not run on its own OpenSSL; not loaded");
  }
  env.SetInstanceData(new AddonData());
  CallObject::Define(env);
  exports["NativeClient"] = ClientObject::Define(env);
  exports["classify"] = Napi::Function::New(env, Classify);
  exports["nonce"] = Napi::Function::New(env, Nonce);
  return exports;
}

}  // namespace

}  // namespace rowseal::node

static Napi::Object StartAddon(Napi::Env env, Napi::Object exports) {
  return rowseal::node::Start(env, exports);
}

NODE_API_MODULE(rowseal, StartAddon)
