#pragma once

#include <optional>
#include <string>
#include <vector>

#include <napi.h>

#include <rowseal/rowseal.h>

namespace rowseal::node {

/// Values between JavaScript and Rowseal. The JavaScript side has checked types already; what does
/// not fit here is a bug there, and throws.

/// ErrorValue makes the object `{code, message, hint}` that the JavaScript side throws as an error.
Napi::Object ErrorValue(Napi::Env env, const Error& error);

/// OutcomeValue makes `{value}` or `{error}`.
Napi::Object OutcomeValue(Napi::Env env, Napi::Value value);
Napi::Object OutcomeValue(Napi::Env env, const Error& error);

/// SetOwn gives `object` a property of its own. A plain assignment would call a setter that some
/// code put on Object.prototype, and an error could be lost that way.
template <class T>
void SetOwn(Napi::Object object, const std::string& name, const T& value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(
      name, Napi::Value::From(object.Env(), value), napi_default_jsproperty));
}

std::string Text(const Napi::Value& value);
std::vector<std::string> Texts(const Napi::Value& value);
std::optional<Timestamp> OptionalTime(const Napi::Value& milliseconds);
std::optional<std::int64_t> OptionalInteger(const Napi::Value& value);
Access AccessOf(const Napi::Value& value);

/// MillisecondsValue is null without a time.
Napi::Value MillisecondsValue(Napi::Env env, const std::optional<Timestamp>& time);

}  // namespace rowseal::node
