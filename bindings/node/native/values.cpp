#include "values.h"

namespace rowseal::node {

using std::chrono::microseconds;

Napi::Object ErrorValue(Napi::Env env, const Error& error) {
  Napi::Object value = Napi::Object::New(env);
  SetOwn(value, "code", std::string(ErrorName(error.code)));
  SetOwn(value, "message", error.message);
  SetOwn(value, "hint", error.hint);
  return value;
}

Napi::Object OutcomeValue(Napi::Env env, Napi::Value value) {
  Napi::Object outcome = Napi::Object::New(env);
  SetOwn(outcome, "value", value);
  return outcome;
}

Napi::Object OutcomeValue(Napi::Env env, const Error& error) {
  Napi::Object outcome = Napi::Object::New(env);
  SetOwn(outcome, "error", ErrorValue(env, error));
  return outcome;
}

std::string Text(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

std::vector<std::string> Texts(const Napi::Value& value) {
  std::vector<std::string> texts;
  const auto array = value.As<Napi::Array>();
  const std::uint32_t length = array.Length();
  texts.reserve(length);
  for (std::uint32_t i = 0; i < length; ++i) {
    texts.push_back(Text(array.Get(i)));
  }
  return texts;
}

std::optional<Timestamp> OptionalTime(const Napi::Value& milliseconds) {
  const std::optional<std::int64_t> given = OptionalInteger(milliseconds);
  return given ? std::optional(Timestamp(microseconds(*given * 1000))) : std::nullopt;
}

std::optional<std::int64_t> OptionalInteger(const Napi::Value& value) {
  return value.IsNumber() ? std::optional(value.As<Napi::Number>().Int64Value()) : std::nullopt;
}

Access AccessOf(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  return {Text(object.Get("actor")), Text(object.Get("reason"))};
}

Napi::Value MillisecondsValue(Napi::Env env, const std::optional<Timestamp>& time) {
  if (!time) {
    return env.Null();
  }
  return Napi::Number::New(env, static_cast<double>(time->time_since_epoch().count()) / 1000);
}

}  // namespace rowseal::node
