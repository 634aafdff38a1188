#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <napi.h>

#include <rowseal/rowseal.h>

#include "naming.h"
#include "values.h"
#include "worker.h"

namespace rowseal::node {

/// What calls give, as JavaScript's values. Most follow from the description of their fields
/// (rowseal/fields.h): times are dates, ids of KEKs and roots are numbers. What comes by thousands
/// in a hot call is an array instead of an object with names, and its times are milliseconds, of
/// which the JavaScript side makes dates when they are asked for.

/// `[id, kind, version, expiresAt, createdAt, value]`
Napi::Value SecretValue(Napi::Env env, Secret& secret);
/// `[id, version]`
Napi::Value StoredValue(Napi::Env env, StoredSecret& stored);
/// BufferValue gives a value to JavaScript: a small one as a copy, which nobody can wipe; a large
/// one in its guarded memory, which is wiped when JavaScript's garbage is collected.
Napi::Value BufferValue(Napi::Env env, SecretBytes& value);
Napi::Value StringValue(Napi::Env env, std::string& text);
Napi::Value VerdictValue(Napi::Env env, WebhookVerdict& verdict);
Napi::Value MetricsValue(Napi::Env env, const Observer& observer);

template <class T>
inline constexpr bool kIsTime =
    std::is_same_v<T, Timestamp> || std::is_same_v<T, std::optional<Timestamp>>;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// AddFields gives `object` the described fields of `value`.
template <Described T>
void AddFields(Napi::Env env, Napi::Object object, const T& value);

template <class T>
Napi::Value ValueOf(Napi::Env env, const T& value) {
  if constexpr (kIsOptional<T>) {
    return value ? ValueOf(env, *value) : env.Null();
  } else if constexpr (Described<T>) {
    Napi::Object object = Napi::Object::New(env);
    AddFields(env, object, value);
    return object;
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    const auto microseconds = static_cast<double>(value.time_since_epoch().count());
    return Napi::Date::New(env, microseconds / 1000);
  } else if constexpr (std::is_same_v<T, bool>) {
    return Napi::Boolean::New(env, value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return Napi::Number::New(env, static_cast<double>(value));
  } else if constexpr (std::is_null_pointer_v<T>) {
    return env.Null();
  } else if constexpr (std::is_convertible_v<T, std::string>) {
    return Napi::String::New(env, value);
  } else if constexpr (requires { value.text(); }) {
    return Napi::String::New(env, value.text());
  } else if constexpr (requires { value.value; }) {
    return ValueOf(env, value.value);
  } else if constexpr (requires { ToText(value); }) {
    return Napi::String::New(env, std::string(ToText(value)));
  } else {
    Napi::Array list = Napi::Array::New(env, value.size());
    std::uint32_t at = 0;
    for (const auto& item : value) {
      list.Set(at++, ValueOf(env, item));
    }
    return list;
  }
}

template <Described T>
void AddFields(Napi::Env env, Napi::Object object, const T& value) {
  Describe(value, [&](std::string_view name, const auto& member) {
    constexpr bool is_time = kIsTime<std::remove_cvref_t<decltype(member)>>;
    SetOwn(object, JavaScriptName(name, is_time), ValueOf(env, member));
  });
}

/// Give makes a task's outcome of a call's: an object with the fields of all that is described, or
/// the value of something else.
template <class T>
Result<Worker::ToJs> Give(Result<T> outcome) {
  ROWSEAL_TRY(outcome);
  return Worker::ToJs(
      [value = std::move(*outcome)](Napi::Env env) -> Napi::Value { return ValueOf(env, value); });
}

template <Described... Parts>
Result<Worker::ToJs> GiveTogether(Parts... parts) {
  return Worker::ToJs([parts = std::make_tuple(std::move(parts)...)](Napi::Env env) -> Napi::Value {
    Napi::Object object = Napi::Object::New(env);
    std::apply([&](const auto&... part) { (AddFields(env, object, part), ...); }, parts);
    return object;
  });
}

/// GiveList makes `{count, items}`, where `items(from, to)` makes an array of some of them: all at
/// once could hold the event loop; `unreadable` are the rows that cannot be read.
template <class T>
Result<Worker::ToJs> GiveList(Result<Listing<T>> outcome) {
  ROWSEAL_TRY(outcome);
  const auto list = std::make_shared<const Listing<T>>(std::move(*outcome));
  return Worker::ToJs([list](Napi::Env env) -> Napi::Value {
    Napi::Object value = Napi::Object::New(env);
    SetOwn(value, "count", static_cast<double>(list->size()));
    const auto items = [list](const Napi::CallbackInfo& info) {
      const auto from = info[0].As<Napi::Number>().Uint32Value();
      const auto to = info[1].As<Napi::Number>().Uint32Value();
      Napi::Array values = Napi::Array::New(info.Env(), to - from);
      for (std::uint32_t i = from; i < to; ++i) {
        values.Set(i - from, ValueOf(info.Env(), (*list)[i]));
      }
      return values;
    };
    SetOwn(value, "items", Napi::Function::New(env, items));
    SetOwn(value, "unreadable", ValueOf(env, list->unreadable));
    return value;
  });
}

template <class T>
Result<Worker::ToJs> GiveList(Result<std::vector<T>> outcome) {
  ROWSEAL_TRY(outcome);
  return GiveList(Result<Listing<T>>(Listing<T>(std::move(*outcome))));
}

}  // namespace rowseal::node
