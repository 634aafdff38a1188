#include "results.h"

#include "values.h"

namespace rowseal::node {
namespace {

// Beyond this a value's own memory is handed over: a copy would take a while.
constexpr std::size_t kLargestCopy = 64U * 1024;

}  // namespace

Napi::Value SecretValue(Napi::Env env, Secret& secret) {
  Napi::Array value = Napi::Array::New(env, 6);
  value[0U] = ToText(secret.id);
  value[1U] = std::string(ToText(secret.kind));
  value[2U] = ValueOf(env, secret.version.value);
  value[3U] = MillisecondsValue(env, secret.expires_at);
  value[4U] = MillisecondsValue(env, secret.created_at);
  value[5U] = BufferValue(env, secret.value);
  return value;
}

Napi::Value StoredValue(Napi::Env env, StoredSecret& stored) {
  Napi::Array value = Napi::Array::New(env, 2);
  value[0U] = ToText(stored.id);
  value[1U] = ValueOf(env, stored.version.value);
  return value;
}

Napi::Value BufferValue(Napi::Env env, SecretBytes& value) {
  if (value.size() <= kLargestCopy) {
    return Napi::Buffer<std::uint8_t>::Copy(env, value.Reveal().data(), value.size());
  }
  auto* const kept = new SecretBytes(std::move(value));
  // The memory is this object's alone from here on, so that JavaScript may write to it.
  auto* const data = const_cast<std::uint8_t*>(kept->Reveal().data());
  return Napi::Buffer<std::uint8_t>::NewOrCopy(env, data, kept->size(),
                                               [kept](Napi::Env, std::uint8_t*) { delete kept; });
}

Napi::Value StringValue(Napi::Env env, std::string& text) { return Napi::String::New(env, text); }

Napi::Value VerdictValue(Napi::Env env, WebhookVerdict& verdict) {
  Napi::Object value = Napi::Object::New(env);
  SetOwn(value, "valid", verdict.valid);
  if (verdict.valid) {
    SetOwn(value, "version", ValueOf(env, verdict.version.value));
  } else {
    SetOwn(value, "reason", verdict.reason);
    SetOwn(value, "hint", verdict.hint);
  }
  return value;
}

Napi::Value MetricsValue(Napi::Env env, const Observer& observer) {
  Napi::Object counters = Napi::Object::New(env);
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    SetOwn(counters, std::string(ToText(counter)), static_cast<double>(observer.Value(counter)));
  }
  Napi::Object timers = Napi::Object::New(env);
  for (std::size_t i = 0; i < kTimerCount; ++i) {
    const auto timer = static_cast<Timer>(i);
    SetOwn(timers, std::string(ToText(timer)), static_cast<double>(observer.Observations(timer)));
  }
  Napi::Object value = Napi::Object::New(env);
  SetOwn(value, "counters", counters);
  SetOwn(value, "timers", timers);
  SetOwn(value, "prometheus", observer.PrometheusText());
  return value;
}

}  // namespace rowseal::node
